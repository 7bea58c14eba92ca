package io.sharedip.nat.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.ToIntFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A segment of an open TCP connection allocates nothing in its endpoint, either way. */
class TcpAllocationTest {

    /** What a safepoint, a compilation or the counters themselves may account to the thread now and then. */
    private static final double ABOUT_NOTHING = 0.5;

    private static long run(TcpBulk bulk, ToIntFunction<TcpBulk> way, int batches) {
        long segments = 0;
        for (int i = 0; i < batches; i++) {
            segments += way.applyAsInt(bulk);
        }
        return segments;
    }

    private static double allocated(int mtu, ToIntFunction<TcpBulk> way) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        TcpBulk bulk = new TcpBulk(mtu);
        assertThat(run(bulk, way, 500)).isPositive();
        long before = threads.getThreadAllocatedBytes(self);
        long segments = run(bulk, way, 2_000);
        long allocated = threads.getThreadAllocatedBytes(self) - before;
        assertThat(segments).isGreaterThan(10_000);
        return allocated / (double) segments;
    }

    @ParameterizedTest
    @ValueSource(ints = {1_500, 65_520})
    void a_segment_to_the_guest_allocates_nothing(int mtu) {
        assertThat(allocated(mtu, TcpBulk::down)).isBetween(0.0, ABOUT_NOTHING);
    }

    @ParameterizedTest
    @ValueSource(ints = {1_500, 65_520})
    void a_segment_from_the_guest_allocates_nothing(int mtu) {
        assertThat(allocated(mtu, TcpBulk::up)).isBetween(0.0, ABOUT_NOTHING);
    }
}
