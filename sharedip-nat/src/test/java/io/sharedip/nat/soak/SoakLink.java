package io.sharedip.nat.soak;

import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Octets;
import io.sharedip.testing.PlainLink;

/** A link with a batch of small frames, written again and again, that remembers the source port of each frame sent on it. */
final class SoakLink extends PlainLink {

    static final int BATCH = 64;
    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;

    private static final int LENGTH = 60;
    private static final int IP = 14;
    private static final int TRANSPORT = 34;

    private final byte[] octets = new byte[BATCH * LENGTH];
    private final Frame[] frames = new Frame[BATCH];
    private int waiting;
    private boolean released;
    private int sent;
    private final int[] sourcePorts = new int[BATCH];
    private boolean asked;

    SoakLink(String name, MacAddress mac) {
        super(name, mac);
        for (int i = 0; i < BATCH; i++) {
            frames[i] = new Frame();
        }
    }

    MacAddress mac() {
        return macAddress().orElseThrow();
    }

    boolean isFull() {
        return waiting == BATCH;
    }

    /** Lets the next poll have what waits. */
    void release() {
        released = true;
    }

    /** Lets an answer to the gateway's question for its router wait. */
    void offer(byte[] frame) {
        frames[waiting++].wrap(frame, 0, frame.length);
    }

    /** How many frames were sent here since the last call, ARP apart. */
    int takeSent() {
        int count = sent;
        sent = 0;
        return count;
    }

    /** The source port, or the identifier, of a frame sent here since {@link #takeSent}. */
    int sourcePort(int index) {
        return sourcePorts[index];
    }

    /** Whether an ARP request has been sent since the last call. */
    boolean wasAsked() {
        boolean was = asked;
        asked = false;
        return was;
    }

    /** Lets a frame wait. @param kind TCP flags, or ICMP type @param sequence TCP numbers @param acknowledgment of TCP */
    void write(
            long destinationMac,
            long sourceMac,
            int protocol,
            int source,
            int sourcePort,
            int destination,
            int destinationPort,
            int kind,
            int sequence,
            int acknowledgment) {
        final byte[] a = octets;
        int at = waiting * LENGTH;
        frames[waiting++].wrap(a, at, LENGTH);
        int transport = at + TRANSPORT;
        int length = protocol == TCP ? 20 : 8;
        Octets.put48(a, at, destinationMac);
        Octets.put48(a, at + 6, sourceMac);
        Octets.put32(a, at + 12, 0x0800_4500);
        Octets.put16(a, at + 16, 20 + length);
        Octets.put32(a, at + 18, 0x1234_4000);
        Octets.put32(a, at + 22, 64 << 24 | protocol << 16);
        Octets.put32(a, at + 26, source);
        Octets.put32(a, at + 30, destination);
        Octets.put64(a, transport, 0);
        Octets.put64(a, transport + 8, 0);
        Octets.put32(a, transport + 16, 0);
        int field = transport + 2;
        int pseudoHeader = 0;
        if (protocol == ICMP) {
            Octets.put8(a, transport, kind);
            Octets.put16(a, transport + 4, kind == 0 ? destinationPort : sourcePort);
        } else {
            Octets.put16(a, transport, sourcePort);
            Octets.put16(a, transport + 2, destinationPort);
            pseudoHeader = Checksum.pseudoHeader(source, destination, protocol, length);
            if (protocol == TCP) {
                Octets.put32(a, transport + 4, sequence);
                Octets.put32(a, transport + 8, acknowledgment);
                Octets.put16(a, transport + 12, 0x5000 | kind);
                Octets.put16(a, transport + 14, 0x7fff);
                field = transport + 16;
            } else {
                Octets.put16(a, transport + 4, length);
                field = transport + 6;
            }
        }
        Octets.put16(a, at + 24, ~Checksum.sum(a, at + IP, 20));
        int sum = Checksum.add(Checksum.sum(a, transport, length), pseudoHeader);
        Octets.put16(a, field, sum == 0xffff && protocol == UDP ? 0xffff : ~sum);
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        int count = released ? waiting : 0;
        if (count > 0) {
            released = false;
            waiting = 0;
            handler.onFrames(frames, count);
        }
        return count;
    }

    @Override
    public boolean send(Frame frame) {
        if (frame.u16(12) != 0x0800) {
            asked = true;
        } else {
            sourcePorts[sent++] = frame.u16(TRANSPORT + (frame.u8(IP + 9) == ICMP ? 4 : 0));
        }
        return true;
    }
}
