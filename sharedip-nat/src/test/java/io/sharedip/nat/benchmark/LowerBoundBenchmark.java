package io.sharedip.nat.benchmark;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.Random;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * What plain Java needs for the bare minimum of translation, to hold {@link FastPathBenchmark} against: a loop that parses 60-octet
 * frames, finds a 32-octet entry by open addressing, and rewrites source address, source port and both checksums by stored deltas.
 * One direction; no binding, states, counters, checks of checksums, time to live or link.
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
public class LowerBoundBenchmark {

    private static final int SHARED = 0xc000020a;
    private static final long USED = 1L << 63;
    /** Puts entries on multiples of 32 octets behind the array's header. */
    private static final int BASE = 2;

    /** Entries. */
    @Param({"5000", "65536", "1000000", "4000000"})
    public int flows;

    private final FrameBatch batch = new FrameBatch();
    private final int[] entries = new int[FrameBatch.SIZE];
    private final Random random = new Random(7);
    private long[] table;
    private int mask;
    private long sum;

    private static int source(int flow) {
        return 0xc6120000 + (flow & 0xff);
    }

    private static int destination(int flow) {
        return 0xc6130000 + (flow >>> 8 & 0xffff);
    }

    private static int sourcePort(int flow) {
        return 1024 + (flow * 0x9e3779b1 >>> 17);
    }

    private static int destinationPort(int flow) {
        return 80 + (flow >>> 24);
    }

    private static int protocol(int flow) {
        return (flow & 1) == 0 ? FrameBatch.UDP : FrameBatch.TCP;
    }

    private static long ports(int protocol, int ports) {
        return USED | (long) protocol << 32 | (ports & 0xffffffffL);
    }

    private static int hash(long addresses, long ports) {
        long h = addresses * 0x9e3779b97f4a7c15L ^ (ports + 0x632be59bd9b4e019L) * 0xc2b2ae3d27d4eb4fL;
        h ^= h >>> 32;
        h *= 0xd6e8feb86659fd93L;
        return (int) (h ^ h >>> 32);
    }

    /** Fills the table, at most half full. */
    @Setup
    public void fill() {
        int slots = Integer.highestOneBit(flows * 2 - 1) << 1;
        mask = slots - 1;
        table = new long[BASE + slots * 4];
        for (int flow = 0; flow < flows; flow++) {
            long addresses = (long) source(flow) << 32 | (destination(flow) & 0xffffffffL);
            long ports = ports(protocol(flow), sourcePort(flow) << 16 | destinationPort(flow));
            int i = hash(addresses, ports) & mask;
            while (table[BASE + i * 4 + 1] != 0) {
                i = i + 1 & mask;
            }
            int port = 1024 + (flow & 0x7fff);
            int addressDelta = Checksum.delta32(source(flow), SHARED);
            int tupleDelta = Checksum.add(addressDelta, Checksum.delta16(sourcePort(flow), port));
            table[BASE + i * 4] = addresses;
            table[BASE + i * 4 + 1] = ports;
            table[BASE + i * 4 + 2] = (long) SHARED << 32 | port;
            table[BASE + i * 4 + 3] = (long) tupleDelta << 16 | addressDelta;
        }
    }

    /** Writes the next batch. */
    @Setup(Level.Invocation)
    public void prepare() {
        for (int slot = 0; slot < FrameBatch.SIZE; slot++) {
            int flow = random.nextInt(flows);
            batch.write(
                    slot,
                    1,
                    2,
                    protocol(flow),
                    source(flow),
                    sourcePort(flow),
                    destination(flow),
                    destinationPort(flow),
                    FrameBatch.ACK);
        }
    }

    /** Index of the transport header, or 0 if the frame is not to be translated. */
    private static int parse(byte[] a, int at, int length) {
        if (length < 42 || Octets.u16(a, at + 12) != 0x0800) {
            return 0;
        }
        int version = Octets.u8(a, at + 14);
        int header = (version & 0xf) << 2;
        int total = Octets.u16(a, at + 16);
        if (version >>> 4 != 4 || header < 20 || total + 14 > length || (Octets.u16(a, at + 20) & 0x3fff) != 0) {
            return 0;
        }
        int protocol = Octets.u8(a, at + 23);
        if (protocol != FrameBatch.TCP && protocol != FrameBatch.UDP) {
            return 0;
        }
        return 14 + header + (protocol == FrameBatch.TCP ? 20 : 8) <= length ? at + 14 + header : 0;
    }

    private static int find(long[] t, int mask, long addresses, long ports, int hash) {
        for (int i = hash & mask; ; i = i + 1 & mask) {
            int entry = BASE + i * 4;
            long found = t[entry + 1];
            if (found == ports && t[entry] == addresses) {
                return entry;
            }
            if (found == 0) {
                throw new IllegalStateException("no entry");
            }
        }
    }

    private static void rewrite(byte[] a, int at, int transport, long[] t, int entry) {
        long to = t[entry + 2];
        long deltas = t[entry + 3];
        Octets.put16(a, at + 24, Checksum.update(Octets.u16(a, at + 24), (int) deltas & 0xffff));
        Octets.put32(a, at + 26, (int) (to >>> 32));
        Octets.put16(a, transport, (int) to);
        int field = transport + (Octets.u8(a, at + 23) == FrameBatch.TCP ? 16 : 6);
        Octets.put16(a, field, Checksum.update(Octets.u16(a, field), (int) (deltas >>> 16) & 0xffff));
        t[entry + 3] = (deltas & 0xffffffffL) | 1L << 32;
    }

    /** One packet after the other. */
    @Benchmark
    public void plain() {
        final byte[] a = batch.octets();
        final long[] t = table;
        for (int i = 0; i < FrameBatch.SIZE; i++) {
            int at = FrameBatch.at(i);
            int transport = parse(a, at, 60);
            long addresses = Octets.i64(a, at + 26);
            long ports = ports(Octets.u8(a, at + 23), Octets.i32(a, transport));
            rewrite(a, at, transport, t, find(t, mask, addresses, ports, hash(addresses, ports)));
        }
    }

    /** First a pass that touches the entries of the whole batch, so that cache misses overlap. */
    @Benchmark
    public void overlapped() {
        final byte[] a = batch.octets();
        final long[] t = table;
        final int[] first = entries;
        for (int i = 0; i < FrameBatch.SIZE; i++) {
            int at = FrameBatch.at(i);
            long addresses = Octets.i64(a, at + 26);
            first[i] = hash(addresses, ports(Octets.u8(a, at + 23), Octets.i32(a, at + 34)));
        }
        long touched = 0;
        for (int i = 0; i < FrameBatch.SIZE; i++) {
            touched += t[BASE + (first[i] & mask) * 4];
        }
        sum += touched;
        for (int i = 0; i < FrameBatch.SIZE; i++) {
            int at = FrameBatch.at(i);
            int transport = parse(a, at, 60);
            long addresses = Octets.i64(a, at + 26);
            long ports = ports(Octets.u8(a, at + 23), Octets.i32(a, transport));
            rewrite(a, at, transport, t, find(t, mask, addresses, ports, first[i]));
        }
    }
}
