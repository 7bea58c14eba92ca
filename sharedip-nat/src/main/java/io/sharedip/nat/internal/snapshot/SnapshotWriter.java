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
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_PREFIX;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_TIME;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.HEADER_VERSION;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.LONGEST_FORWARD;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MAGIC;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_BINDINGS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_FORWARDS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_GUESTS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.MOST_OCTETS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.SECTION_HEADER;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.SECTION_LENGTH;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.SECTION_RECORDS;
import static io.sharedip.nat.internal.snapshot.SnapshotFormat.VERSION;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put48;
import static io.sharedip.packet.Octets.put64;
import static io.sharedip.packet.Octets.put8;

import io.sharedip.GuestId;
import io.sharedip.SnapshotException;
import io.sharedip.binding.Binding;
import io.sharedip.forward.PortForward;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/** Writes a snapshot from its beginning to its end, holding no more than a section. The stream is flushed, not closed. */
public final class SnapshotWriter {

    private final OutputStream out;
    private final CRC32C whole = new CRC32C();
    private final Map<GuestId, Integer> guestIndex = new HashMap<>();
    private long octets;
    private long flows;

    /**
     * Begins a snapshot.
     *
     * @param out where it goes; written in pieces of at most a mebioctet
     * @param address the shared address
     * @param prefixLength of the segment
     * @param at the snapshot's time
     * @throws IOException of the stream
     */
    public SnapshotWriter(OutputStream out, int address, int prefixLength, Instant at) throws IOException {
        this.out = out;
        byte[] header = new byte[HEADER];
        put64(header, 0, MAGIC);
        put16(header, HEADER_VERSION, VERSION);
        put32(header, HEADER_ADDRESS, address);
        put8(header, HEADER_PREFIX, prefixLength);
        put64(header, HEADER_TIME, at.toEpochMilli());
        put32(header, HEADER_CRC, crcOf(header, HEADER_CRC));
        write(header, header.length);
    }

    private static int crcOf(byte[] array, int length) {
        CRC32C crc = new CRC32C();
        crc.update(array, 0, length);
        return (int) crc.getValue();
    }

    private void write(byte[] array, int length) throws IOException {
        out.write(array, 0, length);
        whole.update(array, 0, length);
        octets += length;
    }

    private void section(int type, int records, byte[] payload, int length) throws IOException {
        byte[] header = new byte[SECTION_HEADER];
        put16(header, 0, type);
        put32(header, SECTION_RECORDS, records);
        put32(header, SECTION_LENGTH, length);
        CRC32C crc = new CRC32C();
        crc.update(header, 0, header.length);
        crc.update(payload, 0, length);
        byte[] check = new byte[CRC];
        put32(check, 0, (int) crc.getValue());
        write(header, header.length);
        write(payload, length);
        write(check, check.length);
    }

    /** Collects records into sections that are not too long. */
    private final class Section {
        private final int type;
        private final byte[] payload = new byte[MOST_OCTETS];
        private int length;
        private int records;

        Section(int type) {
            this.type = type;
        }

        /** Makes room. @return where the record goes */
        int next(int size) throws IOException {
            if (length + size > payload.length) {
                finish();
            }
            int at = length;
            length += size;
            records++;
            return at;
        }

        void finish() throws IOException {
            if (records > 0) {
                section(type, records, payload, length);
            }
            length = 0;
            records = 0;
        }
    }

    private static void requireAtMost(int most, int count, String what) {
        if (count > most) {
            throw SnapshotException.of(
                    "there are " + count + " " + what + ", and a snapshot holds " + most,
                    "use fewer of them, such as ranges instead of single ports",
                    null);
        }
    }

    /** Writes the guests; records name them by their place in this list. */
    public void guests(List<GuestId> guests) throws IOException {
        requireAtMost(MOST_GUESTS, guests.size(), "guests");
        Section section = new Section(GUESTS);
        for (GuestId guest : guests) {
            guestIndex.put(guest, guestIndex.size());
            text(section, guest.name());
        }
        section.finish();
    }

    private static void text(Section section, String text) throws IOException {
        byte[] ascii = text.getBytes(StandardCharsets.US_ASCII);
        int at = section.next(2 + ascii.length);
        put16(section.payload, at, ascii.length);
        System.arraycopy(ascii, 0, section.payload, at + 2, ascii.length);
    }

    /** Writes the bindings of guests that have been written. */
    public void bindings(List<Binding> bindings) throws IOException {
        requireAtMost(MOST_BINDINGS, bindings.size(), "bindings");
        Section section = new Section(BINDINGS);
        for (Binding binding : bindings) {
            Integer guest = guestIndex.get(binding.guest());
            if (guest == null) {
                throw new IllegalArgumentException("binding of a guest that was not written: " + binding);
            }
            int at = section.next(BINDING);
            put16(section.payload, at, guest);
            put48(section.payload, at + 2, binding.mac().bits());
            put32(section.payload, at + 8, binding.address().bits());
        }
        section.finish();
    }

    /** Writes the forwards; flows name them by their place in this list. */
    public void forwards(List<PortForward> forwards) throws IOException {
        requireAtMost(MOST_FORWARDS, forwards.size(), "forwards");
        Section section = new Section(FORWARDS);
        for (PortForward forward : forwards) {
            String text = forward.toString();
            if (text.length() > LONGEST_FORWARD) {
                throw new IllegalArgumentException("a forward's text is too long: " + text);
            }
            text(section, text);
        }
        section.finish();
    }

    /**
     * Writes some flows.
     *
     * @param records one {@link FlowRecord} after the other
     * @param count how many; not more than fit into a section
     */
    public void flows(byte[] records, int count) throws IOException {
        if (count > 0) {
            section(FLOWS, count, records, count * FlowRecord.SIZE);
            flows += count;
        }
    }

    /** Writes the end mark and flushes. @return octets of the whole */
    public long end() throws IOException {
        byte[] payload = new byte[END_PAYLOAD];
        put64(payload, 0, flows);
        put32(payload, 8, (int) whole.getValue());
        section(END, 1, payload, payload.length);
        out.flush();
        return octets;
    }
}
