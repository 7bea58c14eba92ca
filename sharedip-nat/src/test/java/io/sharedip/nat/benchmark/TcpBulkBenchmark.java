package io.sharedip.nat.benchmark;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A bulk transfer through one TCP endpoint, both copies included and neither sockets nor checksums: batches, segments and octets of
 * payload in a second.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(
        value = 1,
        jvmArgs = {"-Xms1g", "-Xmx1g", "-XX:+UseG1GC"})
public class TcpBulkBenchmark {

    /** Of the guest's link. */
    @Param({"1500", "65520"})
    public int mtu;

    private TcpBulk bulk;

    /** What one invocation did. */
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    @State(Scope.Thread)
    public static class Done {
        /** Segments with payload. */
        public long segments;
        /** Octets of payload. */
        public long octets;
    }

    /** Opens the connection. */
    @Setup
    public void open() {
        bulk = new TcpBulk(mtu);
    }

    /** From the stream to the guest. @param done is counted up */
    @Benchmark
    public void down(Done done) {
        int segments = bulk.down();
        done.segments += segments;
        done.octets += (long) segments * bulk.payload();
    }

    /** From the guest to the stream. @param done is counted up */
    @Benchmark
    public void up(Done done) {
        int segments = bulk.up();
        done.segments += segments;
        done.octets += (long) segments * bulk.payload();
    }
}
