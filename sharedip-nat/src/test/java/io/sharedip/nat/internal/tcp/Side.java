package io.sharedip.nat.internal.tcp;

import io.sharedip.packet.Octets;
import io.sharedip.uplink.HostStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An endpoint with its stream, as a keeper would hold it, and with a checker on its wire. */
final class Side implements TcpObserver {

    static final int ROOM = 20 + 40 + 65_535;

    final TcpEndpoint endpoint;
    final MemoryStream stream;
    final WireChecker checker;
    private final byte[] buffer = new byte[ROOM + 7];

    @Nullable
    TcpEnd end;

    HostStream.@Nullable Failure connectFailure;
    int changes;
    /** Which options of SYNs are lost on the way to this side: bits 1 SACK, 2 timestamps, 4 scale, 8 MSS. */
    int stripped;

    Side(boolean active, TcpShared shared, int mtu, int iss, MemoryStream stream, int seed) {
        this.stream = stream;
        int ports = active ? 80 << 16 | 4000 : 4000 << 16 | 80;
        endpoint = new TcpEndpoint(shared, this, mtu, ports >>> 16, ports & 0xffff, iss, iss + (active ? 77 : 99));
        stream.serve(endpoint);
        endpoint.attach(stream);
        checker = new WireChecker(active ? "the active side" : "the passive side", seed);
    }

    void take(Segment original, long now) {
        Segment s = stripped != 0 && (original.flags() & 2) != 0 ? strip(original) : original;
        checker.arrives(s);
        byte[] framed = new byte[s.octets.length + 33];
        System.arraycopy(s.octets, 0, framed, 13, s.octets.length);
        endpoint.onSegment(framed, 13, s.octets.length, now);
    }

    private Segment strip(Segment s) {
        Segment copy = new Segment(s.octets.clone());
        int[] kinds = {4, 8, 3, 2};
        for (int i = 0; i < kinds.length; i++) {
            int at = copy.option(kinds[i]);
            if ((stripped & 1 << i) != 0 && at >= 0) {
                int length = Octets.u8(copy.octets, at + 1);
                java.util.Arrays.fill(copy.octets, at, at + length, (byte) 1);
            }
        }
        return copy;
    }

    /** Pulls at most so many segments. */
    List<Segment> pull(int most, long now) {
        List<Segment> out = new ArrayList<>();
        while (out.size() < most && endpoint.hasOutput()) {
            int length = endpoint.emit(buffer, 7, ROOM, now);
            if (length == 0) {
                break;
            }
            Segment s = Segment.copyOf(buffer, 7, length);
            checker.sends(s);
            out.add(s);
        }
        return out;
    }

    boolean isOver() {
        return end != null;
    }

    @Override
    public void changed(TcpEndpoint e) {
        changes++;
    }

    @Override
    public void connectFailed(TcpEndpoint e, HostStream.Failure failure) {
        connectFailure = failure;
    }

    @Override
    public void closed(TcpEndpoint e, TcpEnd how) {
        if (end != null) {
            throw new AssertionError("closed twice: " + end + ", " + how);
        }
        end = how;
    }
}
