package io.sharedip.netty.internal.sockets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import org.junit.jupiter.api.Test;

@SuppressWarnings("deprecation") // as in what Demand overrides
class DemandTest {

    private static RecvByteBufAllocator.Handle handle(Demand demand) {
        return demand.newHandle();
    }

    @Test
    void no_more_is_read_than_was_asked_for() {
        ByteBuf shared = Unpooled.buffer(Demand.MOST_AT_ONCE, Demand.MOST_AT_ONCE);
        Demand demand = new Demand(true, shared);
        RecvByteBufAllocator.Handle reads = handle(demand);
        assertThatThrownBy(() -> reads.allocate(UnpooledByteBufAllocator.DEFAULT))
                .isInstanceOf(Demand.Nothing.class);
        demand.add(700);
        assertThat(reads.allocate(UnpooledByteBufAllocator.DEFAULT)).isSameAs(shared);
        assertThat(shared.writableBytes()).isEqualTo(700);
        demand.take(650);
        reads.allocate(UnpooledByteBufAllocator.DEFAULT);
        assertThat(shared.writableBytes()).isEqualTo(50);
        assertThat(shared.refCnt()).isEqualTo(3);
    }

    @Test
    void the_end_is_known_as_soon_as_it_is_read() {
        Demand demand = new Demand(true, null);
        RecvByteBufAllocator.Handle reads = handle(demand);
        reads.lastBytesRead(0);
        reads.lastBytesRead(10);
        assertThat(demand.isAtEnd()).isFalse();
        reads.lastBytesRead(-1);
        assertThat(demand.isAtEnd()).isTrue();
    }
}
