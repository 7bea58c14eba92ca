package io.sharedip.nat.internal.snapshot;

import static io.sharedip.nat.internal.snapshot.SnapshotFormat.BINDING;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.BINDINGS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.CRC;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.END;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.END_PAYLOAD;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.FLOWS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.FORWARDS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.GUESTS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_ADDRESS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_CRC;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_FLAGS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_PREFIX;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_TIME;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_VERSION;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_ZERO;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.LONGEST_FORWARD;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.LONGEST_NAME;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MAGIC;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MAY_BE_SKIPPED;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_BINDINGS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_FLOWS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_FORWARDS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_GUESTS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_OCTETS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.SECTION_FLAGS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.SECTION_HEADER;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.SECTION_LENGTH;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.SECTION_RECORDS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.VERSION;
import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.i64;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u32;
import static io.sharedip.packet.Octets.u48;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.SharedIpException;
import io.sharedip.SnapshotException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.binding.Binding;
import io.sharedip.forward.PortForward;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Reads a snapshot and checks all of it: lengths, checksums, ranges and what refers to what. What is wrong ends in a
 * {@link SnapshotException} and in nothing else, whatever the octets are. A length that has not been checked never decides how much
 * memory is taken: a section has at most a mebioctet, and is taken as it arrives.
 */
public final class SnapshotReader {

    private static final String DAMAGED = "the snapshot was damaged after it was written; use another one";
    private static final String CUT_OFF = "the snapshot was not written or copied to its end; use another one";
    private static final String FOREIGN = "name a file that a sharedip gateway has written";

    private final InputStream in;
    private final CRC32C whole = new CRC32C();
    private final Set<GuestId> names = new HashSet<>();
    private final FlowRecord view = new FlowRecord();
    private long offset;
    private long sectionStart;

    private SnapshotReader(InputStream in) {
        this.in = in;
    }

    /**
     * Reads a snapshot to the end of a stream, which is not closed.
     *
     * @param from in pieces as large as they are needed; buffering does not help
     * @return what it says
     * @throws SnapshotException if anything is wrong with it, or the stream fails
     */
    public static Snapshot read(InputStream from) {
        try {
            return new SnapshotReader(from).read();
        } catch (IOException e) {
            throw SnapshotException.of("could not be read: " + e, "look after the file or the stream", e);
        }
    }

    /**
     * Reads a snapshot out of an array.
     *
     * @param octets the whole snapshot and nothing else
     * @return what it says
     * @throws SnapshotException if anything is wrong with it
     */
    public static Snapshot read(byte[] octets) {
        return read(new ByteArrayInputStream(octets));
    }

    private Snapshot read() throws IOException {
        Snapshot snapshot = header();
        int last = 0;
        while (true) {
            sectionStart = offset;
            final int wholeSoFar = (int) whole.getValue();
            byte[] header = take(SECTION_HEADER, "the header of a section");
            int type = u16(header, 0);
            long records = u32(header, SECTION_RECORDS);
            byte[] payload = payload(header);
            if (type == END) {
                finish(snapshot, payload, records, wholeSoFar);
                return snapshot;
            }
            if (type < GUESTS || type > FLOWS) {
                if ((u16(header, SECTION_FLAGS) & MAY_BE_SKIPPED) == 0) {
                    throw wrong(
                            sectionStart,
                            "there is a section of type " + type + ", which this version does not know",
                            "use the version that wrote it, or a later one");
                }
                continue;
            }
            if (type < last) {
                throw wrong(sectionStart, "the sections are not in order", DAMAGED);
            }
            last = type;
            switch (type) {
                case GUESTS -> guests(snapshot, payload, records);
                case BINDINGS -> bindings(snapshot, payload, records);
                case FORWARDS -> forwards(snapshot, payload, records);
                default -> flows(snapshot, payload, records);
            }
        }
    }

    private static SnapshotException wrong(long where, String problem, String cure) {
        return SnapshotException.at(where, problem, cure);
    }

    private byte[] take(int length, String what) throws IOException {
        byte[] octets = in.readNBytes(length);
        if (octets.length < length) {
            throw wrong(offset + octets.length, "it ends in the middle of " + what, CUT_OFF);
        }
        whole.update(octets);
        offset += length;
        return octets;
    }

    private Snapshot header() throws IOException {
        byte[] header = in.readNBytes(HEADER);
        if (header.length == 0) {
            throw wrong(0, "it is empty", CUT_OFF);
        }
        if (header.length < Long.BYTES ? !beginsLikeOne(header) : i64(header, 0) != MAGIC) {
            throw wrong(0, "this is not a snapshot of sharedip", FOREIGN);
        }
        if (header.length < HEADER) {
            throw wrong(header.length, "it ends in the middle of its header", CUT_OFF);
        }
        int version = u16(header, HEADER_VERSION);
        CRC32C crc = new CRC32C();
        crc.update(header, 0, HEADER_CRC);
        // the checksum first: a damaged version number must not send anybody after a newer program
        if ((int) crc.getValue() != i32(header, HEADER_CRC)) {
            throw wrong(0, "the header has a wrong checksum", DAMAGED);
        }
        if (version != VERSION) {
            throw wrong(
                    HEADER_VERSION,
                    "it has format version " + version + ", and this program reads version " + VERSION,
                    "use the version of sharedip that wrote it, or a later one");
        }
        if (u16(header, HEADER_FLAGS) != 0 || (i32(header, HEADER_ZERO - 1) & 0xffffff) != 0) {
            throw wrong(
                    HEADER_FLAGS,
                    "the header has flags that this version does not know",
                    "use the version that wrote it, or a later one");
        }
        int prefix = u8(header, HEADER_PREFIX);
        if (prefix < 1 || prefix > 32) {
            throw wrong(HEADER_PREFIX, "the prefix has " + prefix + " bits", DAMAGED);
        }
        whole.update(header);
        offset = HEADER;
        return new Snapshot(
                new Ipv4Address(i32(header, HEADER_ADDRESS)), prefix, Instant.ofEpochMilli(i64(header, HEADER_TIME)));
    }

    private static boolean beginsLikeOne(byte[] octets) {
        for (int i = 0; i < octets.length; i++) {
            if (octets[i] != (byte) (MAGIC >>> (8 * (Long.BYTES - 1 - i)))) {
                return false;
            }
        }
        return true;
    }

    private byte[] payload(byte[] header) throws IOException {
        long length = u32(header, SECTION_LENGTH);
        if (length > MOST_OCTETS) {
            throw wrong(
                    sectionStart + SECTION_LENGTH,
                    "a section claims " + length + " octets, more than the " + MOST_OCTETS + " it may have",
                    DAMAGED);
        }
        byte[] payload = take((int) length, "a section");
        CRC32C crc = new CRC32C();
        crc.update(header);
        crc.update(payload);
        if ((int) crc.getValue() != i32(take(CRC, "a section's checksum"), 0)) {
            throw wrong(sectionStart, "a section has a wrong checksum", DAMAGED);
        }
        if ((u16(header, SECTION_FLAGS) & ~MAY_BE_SKIPPED) != 0) {
            throw wrong(
                    sectionStart + SECTION_FLAGS,
                    "a section has flags that this version does not know",
                    "use the version that wrote it, or a later one");
        }
        return payload;
    }

    private void finish(Snapshot snapshot, byte[] payload, long records, int expected) throws IOException {
        if (payload.length != END_PAYLOAD || records != 1) {
            throw wrong(sectionStart, "the end mark has a wrong length", DAMAGED);
        }
        if (i64(payload, 0) != snapshot.flows()) {
            throw wrong(
                    sectionStart + SECTION_HEADER,
                    "it holds " + snapshot.flows() + " flows and says " + i64(payload, 0),
                    DAMAGED);
        }
        if (i32(payload, 8) != expected) {
            throw wrong(sectionStart + SECTION_HEADER + 8, "the whole has a wrong checksum", DAMAGED);
        }
        if (in.read() >= 0) {
            throw wrong(offset, "something follows its end", "give the snapshot alone, without anything behind it");
        }
    }

    private long inPayload(int at) {
        return sectionStart + SECTION_HEADER + at;
    }

    private SnapshotException tooMany(String what, int most) {
        return wrong(sectionStart + SECTION_RECORDS, "it has more than " + most + " " + what, DAMAGED);
    }

    private SnapshotException wrongCount() {
        return wrong(sectionStart + SECTION_RECORDS, "a section has another number of records than it says", DAMAGED);
    }

    /** Texts one after the other, each behind its length. */
    private interface TextTaker {
        void take(String text, long where);
    }

    private void texts(byte[] payload, long records, int longest, TextTaker taker) {
        int at = 0;
        long count = 0;
        while (at < payload.length) {
            int length = payload.length - at < 2 ? 0 : u16(payload, at);
            if (length == 0 || length > longest || length > payload.length - at - 2) {
                throw wrong(inPayload(at), "a text has a wrong length", DAMAGED);
            }
            taker.take(new String(payload, at + 2, length, StandardCharsets.US_ASCII), inPayload(at + 2));
            at += 2 + length;
            count++;
        }
        if (count != records) {
            throw wrongCount();
        }
    }

    private void guests(Snapshot snapshot, byte[] payload, long records) {
        texts(payload, records, LONGEST_NAME, (text, where) -> {
            GuestId guest;
            try {
                guest = GuestId.of(text);
            } catch (ConfigurationException e) {
                throw wrong(where, "a guest has a name that is not one", DAMAGED);
            }
            if (!names.add(guest)) {
                throw wrong(where, "the guest " + guest + " is listed twice", DAMAGED);
            }
            if (snapshot.guests.size() == MOST_GUESTS) {
                throw tooMany("guests", MOST_GUESTS);
            }
            snapshot.guests.add(guest);
        });
    }

    private void bindings(Snapshot snapshot, byte[] payload, long records) {
        if (payload.length != records * BINDING) {
            throw wrongCount();
        }
        if (snapshot.bindings.size() + records > MOST_BINDINGS) {
            throw tooMany("bindings", MOST_BINDINGS);
        }
        for (int at = 0; at < payload.length; at += BINDING) {
            int guest = u16(payload, at);
            if (guest >= snapshot.guests.size()) {
                throw wrong(inPayload(at), "a binding names a guest that the snapshot does not list", DAMAGED);
            }
            try {
                snapshot.bindings.add(new Binding(
                        snapshot.guests.get(guest),
                        new MacAddress(u48(payload, at + 2)),
                        new Ipv4Address(i32(payload, at + 8))));
            } catch (ConfigurationException e) {
                throw wrong(inPayload(at), "a binding has an address that no machine can have", DAMAGED);
            }
        }
    }

    private void forwards(Snapshot snapshot, byte[] payload, long records) {
        texts(payload, records, LONGEST_FORWARD, (text, where) -> {
            PortForward forward;
            try {
                forward = PortForward.parse(text);
            } catch (SharedIpException e) {
                throw wrong(where, "a forward cannot be parsed", DAMAGED);
            }
            if (!names.contains(forward.guest())) {
                throw wrong(where, "a forward names a guest that the snapshot does not list", DAMAGED);
            }
            if (snapshot.forwards.size() == MOST_FORWARDS) {
                throw tooMany("forwards", MOST_FORWARDS);
            }
            snapshot.forwards.add(forward);
        });
    }

    private void flows(Snapshot snapshot, byte[] payload, long records) {
        if (payload.length != records * FlowRecord.SIZE || records == 0) {
            throw wrongCount();
        }
        if (snapshot.flows() + records > MOST_FLOWS) {
            throw tooMany("flows", MOST_FLOWS);
        }
        for (int at = 0; at < payload.length; at += FlowRecord.SIZE) {
            String problem = view.wrap(payload, at).problem(snapshot.guests.size(), snapshot.forwards.size());
            if (problem != null) {
                throw wrong(inPayload(at), problem, DAMAGED);
            }
        }
        snapshot.addFlows(payload);
    }
}
