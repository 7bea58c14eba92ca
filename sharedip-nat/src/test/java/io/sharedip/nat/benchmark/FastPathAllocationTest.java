package io.sharedip.nat.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.sharedip.filter.FilterChain;
import io.sharedip.packet.Frame;
import io.sharedip.stats.SharedIpStats;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** A packet of an established flow allocates nothing, in either direction and for each protocol. */
class FastPathAllocationTest {

    private static final int WARM_UP = 200;
    private static final int BATCHES = 2_000;
    private static final long PACKETS = 2L * BATCHES * FrameBatch.SIZE;
    /** What a safepoint, a compilation or the counters themselves may account to the thread now and then. */
    private static final double ABOUT_NOTHING = 0.5;

    private static final FilterChain RULES = FilterChain.parse("drop tcp from 203.0.113.0/24 to any hook ingress\n"
            + "accept udp from any port 1-1000 to any hook egress\n"
            + "drop tcp from any to any port 9\n");

    private static Object sink;

    private static Traffic traffic(FilterChain rules) {
        return new Traffic(6_000, 0, builder -> builder.rules(rules), FrameBatch.TCP, FrameBatch.UDP, FrameBatch.ICMP);
    }

    private static void runBothWays(Traffic traffic, int batches, Runnable afterEach) {
        for (int i = 0; i < batches; i++) {
            traffic.prepareOutward();
            traffic.run();
            afterEach.run();
            traffic.prepareInward();
            traffic.run();
            afterEach.run();
        }
    }

    /** Octets allocated by this thread for each packet. */
    private static double allocated(Traffic traffic, Runnable afterEach) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        runBothWays(traffic, WARM_UP, afterEach);
        long before = threads.getThreadAllocatedBytes(self);
        runBothWays(traffic, BATCHES, afterEach);
        return (threads.getThreadAllocatedBytes(self) - before) / (double) PACKETS;
    }

    private static void assertNothingIsAllocated(FilterChain rules) {
        try (Traffic traffic = traffic(rules)) {
            long sentBefore = traffic.sent();
            assertThat(allocated(traffic, () -> {})).isBetween(0.0, ABOUT_NOTHING);
            SharedIpStats stats = traffic.stats();
            assertThat(traffic.sent() - sentBefore).isEqualTo(PACKETS + 2L * WARM_UP * FrameBatch.SIZE);
            assertThat(stats.flows()).isEqualTo(6_000);
            assertThat(stats.dropped()).isZero();
        }
    }

    @Test
    void a_packet_of_an_established_flow_allocates_nothing() {
        assertNothingIsAllocated(FilterChain.acceptAll());
    }

    @Test
    void rules_allocate_nothing_either() {
        assertNothingIsAllocated(RULES);
    }

    @Test
    void one_small_object_for_each_packet_would_be_noticed() {
        try (Traffic traffic = traffic(FilterChain.acceptAll())) {
            double octets = allocated(traffic, () -> {
                for (int i = 0; i < FrameBatch.SIZE; i++) {
                    sink = new Frame();
                }
            });
            assertThat(octets).isGreaterThan(16);
        }
    }
}
