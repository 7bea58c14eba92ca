package io.sharedip.nat.fuzz;

import io.sharedip.SnapshotException;
import io.sharedip.nat.internal.snapshot.FlowRecord;
import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.nat.internal.snapshot.SnapshotReader;
import io.sharedip.packet.Octets;
import java.util.zip.CRC32C;

/**
 * Octets as a snapshot: as they are, and once more with every checksum mended, so that what stands behind the checksums is reached.
 * A {@link SnapshotException} is the one way in which the reader may refuse. What it accepts is restored into two gateways, whose guests
 * then go on with the flows; all invariants hold, and in the end everything expires.
 */
final class SnapshotInput {

    private static final int HEADER = 32;
    private static final int HEADER_CRC = 28;
    private static final int SECTION_HEADER = 12;
    private static final int LENGTH = 8;
    private static final int CRC = 4;
    private static final int END_PAYLOAD = 12;

    private final byte[] octets;

    SnapshotInput(byte[] octets) {
        this.octets = octets;
    }

    /** Reads twice. @return whether one of the readings was accepted */
    boolean run() {
        boolean asIs = read(octets);
        return read(mended(octets)) || asIs;
    }

    private static boolean read(byte[] octets) {
        Snapshot snapshot;
        try {
            snapshot = SnapshotReader.read(octets);
        } catch (SnapshotException e) {
            return false;
        }
        FlowRecord view = new FlowRecord();
        for (int i = 0; i < snapshot.flows(); i++) {
            FlowRecord flow = snapshot.flow(i, view);
            if (flow.guest() >= snapshot.guests().size()
                    || flow.peerGuest() > snapshot.guests().size()
                    || flow.forward() > snapshot.forwards().size()
                    || flow.mappingForward() > snapshot.forwards().size()
                    || flow.state() == null) {
                throw new AssertionError("flow " + i + " refers to what is not there");
            }
        }
        for (int settings : new int[] {4, 7}) {
            new RestoreProgram(snapshot, settings).run();
        }
        return true;
    }

    /** The same with every checksum right, as far as its lengths make sense. */
    static byte[] mended(byte[] octets) {
        byte[] a = octets.clone();
        if (a.length < HEADER) {
            return a;
        }
        Octets.put32(a, HEADER_CRC, crc(a, 0, HEADER_CRC));
        int at = HEADER;
        while (at + SECTION_HEADER + CRC <= a.length) {
            long length = Octets.u32(a, at + LENGTH);
            if (length > a.length - at - SECTION_HEADER - CRC) {
                break;
            }
            int end = at + SECTION_HEADER + (int) length;
            if (length == END_PAYLOAD && end + CRC == a.length) {
                Octets.put32(a, end - CRC, crc(a, 0, at));
            }
            Octets.put32(a, end, crc(a, at, end - at));
            at = end + CRC;
        }
        return a;
    }

    private static int crc(byte[] a, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(a, from, length);
        return (int) crc.getValue();
    }
}
