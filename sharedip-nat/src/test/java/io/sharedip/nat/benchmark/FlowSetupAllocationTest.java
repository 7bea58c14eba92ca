package io.sharedip.nat.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.Timeouts;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The life of a flow, with its mapping and a port drawn at random, makes no garbage but what the source of the randomness does. */
class FlowSetupAllocationTest {

    private static final int BATCHES = 4_000;
    private static final long PAUSE_NANOS = 1L << 24;

    /** What a safepoint, a compilation or the counters themselves may account to the thread now and then. */
    private static final double ABOUT_NOTHING = 0.5;

    /** The secure source of random ports allocates for the octets that it is asked for, and no object is smaller than this. */
    private static final double LESS_THAN_AN_OBJECT = 16;

    private static long run(Traffic traffic, long next, int batches) {
        for (int i = 0; i < batches; i++) {
            traffic.prepareNew(next);
            traffic.run();
            traffic.pass(PAUSE_NANOS);
            next += FrameBatch.SIZE;
        }
        return next;
    }

    /** Octets allocated by this thread for each flow that begins and ends. */
    private static double allocated(UnaryOperator<NatGatewayBuilder> setting) {
        Timeouts timeouts =
                Timeouts.defaults().withTcpEstablished(Duration.ofDays(30)).withUdp(Duration.ofSeconds(1));
        try (Traffic traffic =
                new Traffic(1_000, 50_000, builder -> setting.apply(builder.timeouts(timeouts)), FrameBatch.TCP)) {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long self = Thread.currentThread().getId();
            long next = run(traffic, 0, 400);
            long before = threads.getThreadAllocatedBytes(self);
            run(traffic, next, BATCHES);
            double octets = (threads.getThreadAllocatedBytes(self) - before) / (double) BATCHES / FrameBatch.SIZE;
            assertThat(traffic.stats().dropped()).isZero();
            assertThat(traffic.stats().flows()).isBetween(1_001L, 31_000L);
            return octets;
        }
    }

    @Test
    void a_new_flow_allocates_nothing_itself() {
        assertThat(allocated(builder -> builder.random(new Random(1)))).isBetween(0.0, ABOUT_NOTHING);
    }

    @Test
    void its_random_port_allocates_less_than_an_object() {
        assertThat(allocated(builder -> builder)).isBetween(0.0, LESS_THAN_AN_OBJECT);
    }
}
