package io.sharedip.nat.benchmark;

import io.sharedip.filter.FilterChain;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
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
 * A packet of an established flow, from one link's poll to the other link's send. Every batch is timed by itself, so the median is
 * that of undisturbed batches even on a busy machine. Writing the frames is not timed.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(FrameBatch.SIZE)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(
        value = 1,
        jvmArgs = {"-Xms3g", "-Xmx3g", "-XX:+UseG1GC", "-XX:+UseTransparentHugePages"})
public class FastPathBenchmark {

    /** Established flows. */
    @Param({"5000", "65536", "1000000", "4000000"})
    public int flows;

    /** Direction, and rules that every packet is held against. */
    @Param({"out", "in", "out-10-rules"})
    public String path;

    private boolean inward;
    private Traffic traffic;

    /** Establishes the flows. */
    @Setup
    public void establish() {
        FilterChain.Builder rules = FilterChain.builder();
        if (path.equals("out-10-rules")) {
            for (int i = 1; i <= 10; i++) {
                rules.add("drop from 198.51.100." + i + " to any hook ingress");
            }
        }
        inward = path.equals("in");
        traffic = new Traffic(flows, 0, builder -> builder.rules(rules.build()), FrameBatch.TCP, FrameBatch.UDP);
    }

    /** Writes the next batch. */
    @Setup(Level.Invocation)
    public void prepare() {
        if (inward) {
            traffic.prepareInward();
        } else {
            traffic.prepareOutward();
        }
    }

    /** Lets the gateway take a batch. @return how many frames it took */
    @Benchmark
    public int packet() {
        return traffic.run();
    }

    /** Looks whether every packet went through. */
    @TearDown
    public void close() {
        if (traffic.stats().dropped() != 0 || traffic.stats().flows() != flows) {
            throw new IllegalStateException("not every packet hit its flow: " + traffic.stats());
        }
        traffic.close();
    }
}
