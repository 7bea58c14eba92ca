package io.sharedip.nat.internal.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sharedip.GuestId;
import io.sharedip.SnapshotException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.binding.Binding;
import io.sharedip.forward.PortForward;
import io.sharedip.packet.Octets;
import io.sharedip.stats.TrackedState;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SnapshotFormatTest {

    private static final Ipv4Address SHARED = Ipv4Address.parse("192.0.2.10");
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05.678Z");
    private static final int FLOWS_IN_SECTION = 1024;

    /** What a snapshot is written from. */
    private record Content(List<GuestId> guests, List<Binding> bindings, List<PortForward> forwards, byte[] flows) {

        byte[] written() {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            try {
                SnapshotWriter writer = new SnapshotWriter(out, SHARED.bits(), 24, TIME);
                writer.guests(guests);
                writer.bindings(bindings);
                writer.forwards(forwards);
                int block = FLOWS_IN_SECTION * FlowRecord.SIZE;
                for (int at = 0; at < flows.length; at += block) {
                    int end = Math.min(flows.length, at + block);
                    writer.flows(Arrays.copyOfRange(flows, at, end), (end - at) / FlowRecord.SIZE);
                }
                assertThat(writer.end()).isEqualTo(out.size());
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            return out.toByteArray();
        }
    }

    private static Content random(long seed, int guests, int forwards, int flows) {
        Random random = new Random(seed);
        List<GuestId> names = IntStream.range(0, guests)
                .mapToObj(i -> GuestId.of("guest-" + i + "." + random.nextInt(1000)))
                .toList();
        List<Binding> bindings = new ArrayList<>();
        List<PortForward> rules = new ArrayList<>();
        for (int i = 0; i < guests; i++) {
            bindings.add(new Binding(
                    names.get(i),
                    new MacAddress(0x525400000000L | (random.nextInt() & 0xffffffffL)),
                    new Ipv4Address(10 << 24 | random.nextInt(1 << 24))));
        }
        for (int i = 0; i < forwards; i++) {
            rules.add(PortForward.tcp(
                    1 + random.nextInt(65535), names.get(random.nextInt(guests)), 1 + random.nextInt(65535)));
        }
        byte[] records = new byte[flows * FlowRecord.SIZE];
        FlowRecord flow = new FlowRecord();
        for (int i = 0; i < flows; i++) {
            fill(flow.wrap(records, i * FlowRecord.SIZE), random, guests, forwards);
        }
        return new Content(names, bindings, rules, records);
    }

    private static void fill(FlowRecord flow, Random random, int guests, int forwards) {
        int protocol = new int[] {6, 17, 1, 47}[random.nextInt(4)];
        boolean ports = protocol == 6 || protocol == 17;
        flow.guest(random.nextInt(guests));
        flow.peerGuest(random.nextInt(guests + 1));
        flow.protocol(protocol);
        flow.state(TrackedState.values()[protocol == 6 ? 2 + random.nextInt(5) : random.nextInt(2)]);
        flow.insideAddress(10 << 24 | random.nextInt(1 << 24));
        flow.outsideAddress(SHARED.bits());
        flow.peerAddress(1 + random.nextInt(126) << 24 | random.nextInt(1 << 24));
        flow.peerOutsideAddress(random.nextInt());
        flow.insidePort(protocol == 47 ? 0 : 1 + random.nextInt(65535));
        flow.outsidePort(protocol == 47 ? 0 : 1 + random.nextInt(65535));
        flow.peerPort(ports ? 1 + random.nextInt(65535) : 0);
        flow.forward(ports ? random.nextInt(forwards + 1) : 0);
        flow.mappingForward(ports ? random.nextInt(forwards + 1) : 0);
        flow.remaining(random.nextInt() & 0xffffffffL);
        flow.mappingRemaining(random.nextInt() & 0xffffffffL);
        flow.counters(
                random.nextLong() >>> 1, random.nextLong() >>> 1, random.nextLong() >>> 1, random.nextLong() >>> 1);
        flow.flags(random.nextInt(FlowRecord.ALL_FLAGS + 1) & ~FlowRecord.WINDOWS);
        if (protocol == 6 && random.nextBoolean()) {
            flow.flags(flow.flags() | FlowRecord.WINDOWS);
            for (boolean out : new boolean[] {true, false}) {
                flow.window(
                        out,
                        random.nextInt(),
                        random.nextInt(),
                        random.nextInt(1 << 30),
                        random.nextInt(),
                        random.nextInt(15),
                        random.nextInt(8));
            }
        }
    }

    private static byte[] recordsOf(Snapshot snapshot) {
        byte[] all = new byte[snapshot.flows() * FlowRecord.SIZE];
        FlowRecord from = new FlowRecord();
        FlowRecord to = new FlowRecord();
        for (int i = 0; i < snapshot.flows(); i++) {
            copy(snapshot.flow(i, from), to.wrap(all, i * FlowRecord.SIZE));
        }
        return all;
    }

    /** By the accessors, so that none of them is forgotten. */
    private static void copy(FlowRecord from, FlowRecord to) {
        to.guest(from.guest());
        to.peerGuest(from.peerGuest());
        to.protocol(from.protocol());
        to.state(from.state());
        to.flags(from.flags());
        to.insideAddress(from.insideAddress());
        to.peerAddress(from.peerAddress());
        to.outsideAddress(from.outsideAddress());
        to.peerOutsideAddress(from.peerOutsideAddress());
        to.insidePort(from.insidePort());
        to.peerPort(from.peerPort());
        to.outsidePort(from.outsidePort());
        to.forward(from.forward());
        to.mappingForward(from.mappingForward());
        to.remaining(from.remaining());
        to.mappingRemaining(from.mappingRemaining());
        to.counters(from.packetsOut(), from.bytesOut(), from.packetsIn(), from.bytesIn());
        for (boolean out : new boolean[] {true, false}) {
            to.window(
                    out,
                    from.windowEnd(out),
                    from.windowMaxEnd(out),
                    from.windowMax(out),
                    from.windowMaxAck(out),
                    from.windowScale(out),
                    from.windowFlags(out));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 1024, 1025, 5000})
    void what_is_written_is_read(int flows) {
        Content content = random(flows + 1, 1 + flows % 5, flows % 7, flows);

        Snapshot snapshot = SnapshotReader.read(content.written());

        assertThat(snapshot.address()).isEqualTo(SHARED);
        assertThat(snapshot.prefixLength()).isEqualTo(24);
        assertThat(snapshot.at()).isEqualTo(TIME);
        assertThat(snapshot.guests()).isEqualTo(content.guests());
        assertThat(snapshot.bindings()).isEqualTo(content.bindings());
        assertThat(snapshot.forwards()).isEqualTo(content.forwards());
        assertThat(snapshot.flows()).isEqualTo(flows);
        assertThat(recordsOf(snapshot)).isEqualTo(content.flows());
    }

    @Test
    void an_empty_gateway_has_a_snapshot_too() {
        Snapshot snapshot = SnapshotReader.read(random(1, 1, 0, 0).written());

        assertThat(snapshot.flows()).isZero();
    }

    @Test
    void lists_longer_than_a_section_are_split() {
        Content content = random(3, 20_000, 30_000, 1);
        byte[] file = content.written();

        Snapshot snapshot = SnapshotReader.read(file);

        assertThat(snapshot.guests()).isEqualTo(content.guests());
        assertThat(snapshot.forwards()).isEqualTo(content.forwards());
    }

    @Test
    void a_stream_that_gives_a_little_at_a_time_is_read() {
        Content content = random(5, 3, 3, 20);
        InputStream slow = new ByteArrayInputStream(content.written()) {
            @Override
            public synchronized int read(byte[] b, int off, int len) {
                return super.read(b, off, Math.min(len, 3));
            }
        };

        assertThat(recordsOf(SnapshotReader.read(slow))).isEqualTo(content.flows());
    }

    @Test
    void each_truncation_is_refused_and_told_as_one() {
        byte[] file = random(11, 2, 2, 3).written();

        for (int length = 0; length < file.length; length++) {
            byte[] cut = Arrays.copyOf(file, length);
            SnapshotException e = catchThrowableOfType(SnapshotException.class, () -> SnapshotReader.read(cut));
            assertThat(e).as("first %d octets", length).isNotNull();
            assertThat(e.cure().orElseThrow())
                    .as("first %d octets", length)
                    .contains("not written or copied to its end");
            assertThat(e.offset().orElseThrow()).as("first %d octets", length).isEqualTo(length);
        }
    }

    @Test
    void each_octet_that_is_not_as_it_was_is_noticed() {
        byte[] file = random(12, 2, 2, 3).written();
        Random random = new Random(13);

        for (int at = 0; at < file.length; at++) {
            byte[] bad = file.clone();
            bad[at] ^= (byte) (1 + random.nextInt(255));
            assertThatThrownBy(() -> SnapshotReader.read(bad))
                    .as("octet %d", at)
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageStartingWith("snapshot: at octet ");
        }
    }

    @Test
    void sections_that_were_left_out_doubled_or_swapped_are_noticed() {
        byte[] file = random(14, 2, 2, 3000).written();
        int[] starts = sectionStarts(file);
        for (int i = 0; i + 1 < starts.length; i++) {
            byte[] without =
                    concat(Arrays.copyOf(file, starts[i]), Arrays.copyOfRange(file, starts[i + 1], file.length));
            byte[] doubled =
                    concat(Arrays.copyOf(file, starts[i + 1]), Arrays.copyOfRange(file, starts[i], file.length));
            assertThatThrownBy(() -> SnapshotReader.read(without)).isInstanceOf(SnapshotException.class);
            assertThatThrownBy(() -> SnapshotReader.read(doubled)).isInstanceOf(SnapshotException.class);
        }
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    private static int[] sectionStarts(byte[] file) {
        List<Integer> starts = new ArrayList<>();
        for (int at = 32; at < file.length; at += 12 + Octets.i32(file, at + 8) + 4) {
            starts.add(at);
        }
        return starts.stream().mapToInt(i -> i).toArray();
    }

    /** Puts the checksums of a file right that was changed on purpose. */
    private static byte[] mended(byte[] file) {
        Octets.put32(file, 28, crc(file, 0, 28));
        int[] starts = sectionStarts(file);
        for (int i = 0; i < starts.length; i++) {
            int length = Octets.i32(file, starts[i] + 8);
            if (i == starts.length - 1) {
                Octets.put32(file, starts[i] + 12 + 8, crc(file, 0, starts[i]));
            }
            Octets.put32(file, starts[i] + 12 + length, crc(file, starts[i], 12 + length));
        }
        return file;
    }

    private static int crc(byte[] file, int at, int length) {
        CRC32C crc = new CRC32C();
        crc.update(file, at, length);
        return (int) crc.getValue();
    }

    private static void refused(byte[] file, String problem) {
        assertThatThrownBy(() -> SnapshotReader.read(mended(file)))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining(problem);
    }

    @Test
    void mending_the_checksums_of_these_tests_works() {
        byte[] file = random(15, 2, 2, 3).written();

        assertThat(mended(file.clone())).isEqualTo(file);
    }

    @Test
    void what_another_program_wrote_is_called_foreign() {
        for (String text :
                List.of("x", "<?xml version=\"1.0\"?>", "address: 192.0.2.10\nprefix: 192.0.2.0/24\nrouter:")) {
            assertThatThrownBy(() -> SnapshotReader.read(text.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessage("snapshot: at octet 0: this is not a snapshot of sharedip; name a file that a sharedip"
                            + " gateway has written");
        }
    }

    @Test
    void an_unknown_version_is_refused_by_its_number() {
        byte[] file = random(16, 1, 0, 0).written();
        Octets.put16(file, 8, 2);

        refused(file, "it has format version 2, and this program reads version 1");
    }

    @Test
    void an_unknown_section_is_refused_unless_it_may_be_skipped() {
        byte[] file = random(17, 1, 0, 0).written();
        int end = sectionStarts(file)[sectionStarts(file).length - 1];
        byte[] stranger = new byte[12 + 5 + 4];
        Octets.put16(stranger, 0, 77);
        Octets.put32(stranger, 4, 1);
        Octets.put32(stranger, 8, 5);
        byte[] with = concat(concat(Arrays.copyOf(file, end), stranger), Arrays.copyOfRange(file, end, file.length));

        refused(with.clone(), "a section of type 77, which this version does not know");

        Octets.put16(with, end + 2, 1);
        assertThatCode(() -> SnapshotReader.read(mended(with))).doesNotThrowAnyException();
    }

    @Test
    void a_length_that_lies_takes_no_memory() {
        byte[] file = random(18, 1, 0, 1).written();
        int start = sectionStarts(file)[0];
        Octets.put32(file, start + 8, 0x7fffffff);

        assertThatThrownBy(() -> SnapshotReader.read(file))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("a section claims 2147483647 octets");
    }

    @Test
    void what_follows_the_end_is_refused() {
        byte[] file = random(19, 1, 0, 1).written();

        assertThatThrownBy(() -> SnapshotReader.read(Arrays.copyOf(file, file.length + 1)))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("something follows its end");
    }

    /** Changes one flow of a snapshot that is right. */
    private static byte[] withFlow(java.util.function.Consumer<FlowRecord> change) {
        Content content = random(20, 2, 2, 1);
        FlowRecord flow = new FlowRecord().wrap(content.flows(), 0).clear();
        flow.protocol(6);
        flow.state(TrackedState.ESTABLISHED);
        flow.insideAddress(SHARED.bits());
        flow.outsideAddress(SHARED.bits());
        flow.insidePort(1);
        flow.peerPort(2);
        flow.outsidePort(3);
        change.accept(flow);
        return content.written();
    }

    @Test
    void a_flow_is_judged_in_every_field() {
        assertThatCode(() -> SnapshotReader.read(withFlow(flow -> {}))).doesNotThrowAnyException();

        refused(withFlow(flow -> flow.guest(2)), "names a guest");
        refused(withFlow(flow -> flow.peerGuest(3)), "names a guest");
        refused(withFlow(flow -> flow.forward(3)), "names a forward");
        refused(withFlow(flow -> flow.mappingForward(3)), "names a forward");
        refused(withFlow(flow -> flow.protocol(17)), "a state that its protocol has not");
        refused(withFlow(flow -> flow.state(TrackedState.REPLIED)), "a state that its protocol has not");
        refused(withFlow(flow -> flow.flags(1 << 14)), "flags that this version does not know");
        refused(withFlow(flow -> flow.insideAddress(0)), "an address that no machine can have");
        refused(withFlow(flow -> flow.outsideAddress(0xe0000001)), "an address that no machine can have");
        refused(
                withFlow(flow -> {
                    flow.flags(FlowRecord.FORMER_NAME);
                    flow.peerAddress(0xe0000001);
                }),
                "an address that no machine can have");
        refused(withFlow(flow -> flow.insidePort(0)), "ports that its protocol has not");
        refused(withFlow(flow -> flow.outsidePort(0)), "ports that its protocol has not");
        refused(withFlow(flow -> flow.peerPort(0)), "ports that its protocol has not");
        refused(withFlow(flow -> flow.mappingPeer(0, 80)), "names a peer that its mapping cannot be for");
        refused(
                withFlow(flow -> {
                    flow.mappingPeer(SHARED.bits(), 0);
                    flow.flags(FlowRecord.UNMAPPED);
                }),
                "names a peer that its mapping cannot be for");
        refused(
                withFlow(flow -> {
                    flow.mappingPeer(SHARED.bits(), 0);
                    flow.mappingForward(1);
                }),
                "names a peer that its mapping cannot be for");
        assertThatCode(() -> SnapshotReader.read(withFlow(flow -> flow.mappingPeer(SHARED.bits(), 80))))
                .doesNotThrowAnyException();
        refused(withFlow(flow -> flow.counters(-1, 0, 0, 0)), "a counter out of range");
        refused(withFlow(flow -> flow.window(true, 1, 0, 0, 0, 0, 0)), "windows that it says it has not");
        refused(
                withFlow(flow -> {
                    flow.flags(FlowRecord.WINDOWS);
                    flow.window(false, 1, 2, 3, 4, 15, 0);
                }),
                "a window scale out of range");
        refused(
                withFlow(flow -> {
                    flow.flags(FlowRecord.WINDOWS);
                    flow.window(false, 1, 2, -1, 4, 14, 0);
                }),
                "a window out of range");
    }

    @Test
    void an_unknown_state_is_refused() {
        byte[] file = withFlow(flow -> {});
        int[] starts = sectionStarts(file);
        file[starts[starts.length - 2] + 12 + 5] = 99;

        refused(file, "an unknown state");
    }

    @Test
    void a_stream_that_fails_is_told_as_that() {
        InputStream broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("the disk is gone");
            }
        };

        assertThatThrownBy(() -> SnapshotReader.read(broken))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("the disk is gone")
                .hasCauseInstanceOf(IOException.class);
    }

    /** Random changes behind right checksums: whatever they say, the reader ends with a snapshot or its own exception. */
    @Test
    void whatever_stands_behind_right_checksums_ends_in_no_other_exception() {
        byte[] file = random(21, 3, 3, 5).written();
        long seed = 22;
        for (int i = 0; i < 20_000; i++) {
            Random random = new Random(seed + i);
            byte[] bad = file.clone();
            for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
                bad[32 + random.nextInt(bad.length - 32)] = (byte) random.nextInt();
            }
            try {
                bad = mended(bad);
            } catch (IndexOutOfBoundsException e) {
                continue; // a changed length: there is no telling where checksums belong
            }
            try {
                SnapshotReader.read(bad);
            } catch (SnapshotException e) {
                assertThat(e.cure()).as("seed %d", seed + i).isPresent();
            }
        }
    }
}
