package io.sharedip.nat.benchmark;

import io.sharedip.nat.internal.tcp.TcpEnd;
import io.sharedip.nat.internal.tcp.TcpEndpoint;
import io.sharedip.nat.internal.tcp.TcpObserver;
import io.sharedip.nat.internal.tcp.TcpShared;
import io.sharedip.nat.internal.tcp.TcpState;
import io.sharedip.packet.Octets;
import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;

/**
 * One endpoint with an open connection, and as a guest only what is needed: headers made in place. A batch goes one way and is
 * acknowledged as a guest of that kind does.
 */
final class TcpBulk implements TcpObserver, HostStream {

    private static final int CAPACITY = 1 << 20;
    private static final int ISS = 1_000;
    private static final int GUEST_ISS = 5_000;
    private static final int HEADER = 32;
    private static final int TIMESTAMPS = 0x0101_080a;

    private final int payload;
    private final TcpEndpoint endpoint;
    private final byte[] out = new byte[20 + 40 + 65_535];
    private final byte[] in = new byte[20 + 40 + 65_535];
    private final byte[] syn = new byte[40];
    private final byte[] sink = new byte[CAPACITY];
    private final ByteBuffer source = ByteBuffer.allocateDirect(1 << 16);
    private long now = 1;
    private int guestNext = GUEST_ISS + 1;
    private int acknowledged = ISS + 1;
    private int requested;
    private int sunk;

    /** Opens a connection. @param mtu of the guest's link */
    TcpBulk(int mtu) {
        payload = mtu - 40 - 12;
        endpoint = new TcpEndpoint(new TcpShared(1 << 20, 1 << 24), this, mtu, 80, 4000, ISS, 0);
        endpoint.attach(this);
        Octets.put32(syn, 0, 4000 << 16 | 80);
        Octets.put32(syn, 4, GUEST_ISS);
        Octets.put32(syn, 12, 10 << 28 | 2 << 16 | 65_535);
        Octets.put32(syn, 20, 0x0204_0000 | mtu - 40);
        Octets.put32(syn, 24, 0x0402_080a);
        Octets.put32(syn, 36, 0x0103_0307);
        endpoint.onSegment(syn, 0, 40, now);
        endpoint.connected(1);
        emitAll();
        acknowledged = ISS + 1;
        guest(0);
        if (endpoint.state() != TcpState.ESTABLISHED) {
            throw new IllegalStateException("not open");
        }
    }

    private int emitAll() {
        int segments = 0;
        for (int length = endpoint.emit(out, 0, out.length, now);
                length > 0;
                length = endpoint.emit(out, 0, out.length, now)) {
            segments++;
            acknowledged = Octets.i32(out, 4) + length - (Octets.u8(out, 12) >>> 4 << 2);
        }
        return segments;
    }

    /** A segment of the guest, which acknowledges all. */
    private void guest(int length) {
        Octets.put32(in, 0, 4000 << 16 | 80);
        Octets.put32(in, 4, guestNext);
        Octets.put32(in, 8, acknowledged);
        Octets.put32(in, 12, HEADER / 4 << 28 | 0x10 << 16 | 65_535);
        Octets.put32(in, 20, TIMESTAMPS);
        Octets.put32(in, 24, (int) (now / 1_000_000));
        Octets.put32(in, 28, (int) (now / 1_000_000));
        guestNext += length;
        endpoint.onSegment(in, 0, HEADER + length, now);
    }

    /** The stream says what is asked for, segments go, and the guest acknowledges once. @return segments */
    int down() {
        now += 50_000;
        while (requested > 0) {
            int length = Math.min(requested, source.capacity());
            requested -= length;
            source.clear().limit(length);
            endpoint.received(source);
        }
        int segments = emitAll();
        guest(0);
        return segments;
    }

    /** A batch of segments comes, and is acknowledged once. @return segments */
    int up() {
        now += 50_000;
        int batch = Math.max(1, Math.min(64, 500_000 / payload));
        for (int i = 0; i < batch; i++) {
            guest(payload);
        }
        emitAll();
        sunk = 0;
        endpoint.writable();
        emitAll();
        return batch;
    }

    int payload() {
        return payload;
    }

    @Override
    public int write(byte[] octets, int offset, int length) {
        int taken = Math.min(length, room());
        System.arraycopy(octets, offset, sink, sunk, taken);
        sunk += taken;
        return taken;
    }

    @Override
    public int room() {
        return CAPACITY - sunk;
    }

    @Override
    public int capacity() {
        return CAPACITY;
    }

    @Override
    public void request(int octets) {
        requested += octets;
    }

    @Override
    public void shutdownOutput() {
        throw new IllegalStateException("nobody has finished");
    }

    @Override
    public void reset() {
        throw new IllegalStateException("nobody has reset");
    }

    @Override
    public void close() {
        throw new IllegalStateException("nobody has finished");
    }

    @Override
    public void changed(TcpEndpoint changed) {
        // pulled anyway
    }

    @Override
    public void connectFailed(TcpEndpoint failed, Failure failure) {
        throw new IllegalStateException("failed");
    }

    @Override
    public void closed(TcpEndpoint closed, TcpEnd end) {
        throw new IllegalStateException("closed: " + end);
    }
}
