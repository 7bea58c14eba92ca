package io.sharedip.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.address.MacAddress;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class InProcessLinkTest {

    /** Counts wake-ups. */
    private static final class Host implements LinkHost {
        private int woken;
        private boolean drives;
        private final List<byte[]> delivered = new ArrayList<>();
        private final List<ChecksumState> states = new ArrayList<>();

        @Override
        public void wakeup() {
            woken++;
        }

        @Override
        public boolean onDriverThread() {
            return drives;
        }

        @Override
        public void deliver(Frame[] frames, int count) {
            for (int i = 0; i < count; i++) {
                delivered.add(frames[i].toByteArray());
                states.add(frames[i].checksumState());
                frames[i].put8(0, 99); // as the engine may
            }
        }

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
    void on_the_drivers_thread_a_frame_goes_straight_to_the_engine_after_those_that_wait() {
        InProcessLink link = InProcessLink.named("vm").withChecksums(ChecksumState.RECOMPUTE);
        Host host = new Host();
        link.open(host);
        link.transmit(new byte[] {1});
        host.drives = true;
        byte[] second = {2};
        assertThat(link.transmit(second)).isTrue();
        assertThat(host.delivered).containsExactly(new byte[] {1}, new byte[] {2});
        assertThat(host.states).containsOnly(ChecksumState.RECOMPUTE);
        assertThat(host.woken).isEqualTo(1);
        assertThat(second).containsExactly(2);
        assertThat(link.poll((frames, count) -> {}, 10)).isZero();
    }

    @Test
    void a_batch_keeps_its_order_and_its_offload_state() {
        InProcessLink link = InProcessLink.named("vm").withCapacity(1024);
        Host host = new Host();
        link.open(host);
        Frame[] frames = new Frame[20];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = Frame.of(new byte[100]).checksumState(ChecksumState.PARTIAL);
            frames[i].put8(0, i);
        }
        assertThat(link.transmit(frames, frames.length)).isEqualTo(9);
        assertThat(host.woken).isEqualTo(1);
        host.drives = true;
        assertThat(link.transmit(frames, 0)).isZero();
        assertThat(host.delivered).hasSize(9);
        assertThat(host.delivered.get(8)[0]).isEqualTo((byte) 8);
        assertThat(host.states).containsOnly(ChecksumState.PARTIAL);
    }

    @Test
    void back_pressure_is_told_and_its_end_wakes_the_gateway() {
        InProcessLink link = InProcessLink.named("vm").withMtu(65_520);
        Host host = new Host();
        link.open(host);
        Frame largest = Frame.of(new byte[65_534]);
        int sent = 0;
        while (link.isWritable()) {
            assertThat(link.send(largest)).isTrue();
            sent++;
        }
        assertThat(sent).isEqualTo(15); // 1 MiB
        assertThat(link.refused()).isZero();
        assertThat(host.woken).isZero();
        assertThat(link.receive()).hasSize(65_534);
        assertThat(host.woken).isEqualTo(1);
        link.receive();
        assertThat(host.woken).isEqualTo(1);
        assertThat(link.isWritable()).isTrue();
        link.receive();
        assertThat(host.woken).isEqualTo(1);
    }

    @Test
    void a_ring_too_small_for_the_mtu_does_not_hold_the_gateway_back_for_ever() {
        InProcessLink link = InProcessLink.named("vm").withCapacity(1024);
        link.open(new Host());
        assertThat(link.isWritable()).isTrue();
        link.send(Frame.of(new byte[60]));
        assertThat(link.isWritable()).isFalse();
        link.receive();
        assertThat(link.isWritable()).isTrue();
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
