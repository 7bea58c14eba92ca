package io.sharedip.nat.benchmark;

import io.sharedip.nat.Timeouts;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The life of a flow: the first UDP packet from a new inside port, with a new mapping and outside port, and later the end by timeout.
 * For each flow that begins one ends. The time includes writing the frames, some 30 ns.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(FlowSetupBenchmark.BATCHES * FrameBatch.SIZE)
@Warmup(iterations = 6, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(
        value = 1,
        jvmArgs = {"-Xms3g", "-Xmx3g", "-XX:+UseG1GC", "-XX:+UseTransparentHugePages"})
public class FlowSetupBenchmark {

    static final int BATCHES = 8;
    /** Of virtual time, a whole turn of the timers in an invocation. */
    private static final long PAUSE_NANOS = (1L << 27) / BATCHES;

    /** Flows that are there all the time. */
    @Param({"5000", "1000000"})
    public int flows;

    private Traffic traffic;
    private long next;

    /** Establishes the lasting flows, all TCP, while the new ones are UDP. */
    @Setup
    public void establish() {
        Timeouts timeouts =
                Timeouts.defaults().withTcpEstablished(Duration.ofDays(30)).withUdp(Duration.ofSeconds(1));
        traffic = new Traffic(flows, 50_000, builder -> builder.timeouts(timeouts), FrameBatch.TCP);
    }

    /** Begins flows and lets as many end. */
    @Benchmark
    public void flow() {
        for (int i = 0; i < BATCHES; i++) {
            traffic.prepareNew(next);
            traffic.run();
            traffic.pass(PAUSE_NANOS);
            next += FrameBatch.SIZE;
        }
    }

    /** Looks whether flows began and ended. */
    @TearDown
    public void close() {
        long now = traffic.stats().flows();
        if (traffic.stats().dropped() != 0 || now <= flows || now > flows + 30_000) {
            throw new IllegalStateException("flows did not begin or end: " + traffic.stats());
        }
        traffic.close();
    }
}
