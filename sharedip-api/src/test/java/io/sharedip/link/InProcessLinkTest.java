package io.sharedip.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.address.MacAddress;
import io.sharedip.packet.Frame;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class InProcessLinkTest {

    /** Counts wake-ups. */
    private static final class Host implements LinkHost {
        private int woken;

        @Override
        public void wakeup() {
            woken++;
        }

        @Override
        public boolean onDriverThread() {
            return true;
        }

        @Override
        public void deliver(Frame[] frames, int count) {}

        @Override
        public void up() {}

        @Override
        public void down(String reason) {}

        @Override
        public void notice(String message) {}
    }

    @Test
    void frames_cross_in_both_directions_and_wake_the_gateway() {
        InProcessLink link = InProcessLink.named("vm");
        Host host = new Host();
        link.open(host);
        assertThat(link.transmit(new byte[] {1, 2, 3}, 1, 2)).isTrue();
        assertThat(host.woken).isEqualTo(1);
        AtomicInteger seen = new AtomicInteger();
        assertThat(link.poll(
                        (frames, count) -> {
                            assertThat(frames[0].toByteArray()).containsExactly(2, 3);
                            seen.addAndGet(count);
                        },
                        10))
                .isEqualTo(1);
        assertThat(seen).hasValue(1);
        assertThat(link.send(Frame.of(new byte[] {7}))).isTrue();
        assertThat(link.receive()).containsExactly(7);
        assertThat(link.receive()).isNull();
        link.send(Frame.of(new byte[] {8}));
        assertThat(link.receive((frames, count) -> assertThat(count).isEqualTo(1), 10))
                .isEqualTo(1);
    }

    @Test
    void the_other_end_is_told_once_a_batch() {
        InProcessLink link = InProcessLink.named("vm");
        AtomicInteger told = new AtomicInteger();
        link.onReceivable(told::incrementAndGet);
        link.flush();
        assertThat(told).hasValue(0);
        link.send(Frame.of(new byte[1]));
        link.send(Frame.of(new byte[1]));
        link.flush();
        link.flush();
        assertThat(told).hasValue(1);
    }

    @Test
    void what_does_not_fit_is_refused_and_counted() {
        InProcessLink link = InProcessLink.named("vm").withCapacity(1024);
        int sent = 0;
        while (link.send(Frame.of(new byte[100]))) {
            sent++;
        }
        assertThat(sent).isEqualTo(9);
        assertThat(link.transmit(new byte[2000])).isFalse();
        assertThat(link.refused()).isEqualTo(2);
    }

    @Test
    void a_link_says_what_it_was_made_with() {
        InProcessLink link = InProcessLink.named("vm")
                .withMtu(9000)
                .withMacAddress(MacAddress.parse("02:00:00:00:00:10"))
                .withCapacity(2048);
        assertThat(link.name()).isEqualTo("vm");
        assertThat(link).hasToString("vm");
        assertThat(link.mtu()).isEqualTo(9000);
        assertThat(link.macAddress()).contains(MacAddress.parse("02:00:00:00:00:10"));
        assertThat(link.acceptsSuperFrames()).isFalse();
        for (int mtu : new int[] {67, 65_521}) {
            assertThatThrownBy(() -> InProcessLink.named("vm").withMtu(mtu))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void after_close_nobody_is_woken() {
        InProcessLink link = InProcessLink.named("vm");
        Host host = new Host();
        link.open(host);
        link.close();
        link.close();
        link.transmit(new byte[1]);
        assertThat(host.woken).isZero();
    }
}
