package io.sharedip.pcap.oracle;

import io.sharedip.packet.Octets;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Datagrams between a guest and a peer. */
final class UdpTalk extends Talk {

    private final int wrong;
    private int left;

    UdpTalk(
            SplittableRandom random,
            int conversation,
            int guest,
            int guestPort,
            int peer,
            int peerPort,
            int outsidePort,
            int wrong,
            int left) {
        super(random, conversation, guest, guestPort, peer, peerPort, outsidePort);
        this.wrong = wrong;
        this.left = left;
    }

    @Override
    @Nullable
    Step next() {
        if (left-- <= 0) {
            return null;
        }
        // what a guest begins from a forwarded endpoint bears the forwarded port, which the kernel does not do
        boolean begins = isForwarded() && lastFromPeer == null;
        boolean fromGuest = random.nextBoolean() && !begins;
        byte[] data = data(random.nextInt(chance(10) ? 1400 : 60));
        byte[] udp = fromGuest ? Wire.udp(guestPort, peerPort, data) : Wire.udp(peerPort, outsidePort, data);
        Step step = step(fromGuest, Wire.UDP, udp, "datagram of " + data.length);
        if (chance(10)) {
            Octets.put16(step.frame(), Wire.IP + 26, 0);
            step = step(fromGuest, step.frame(), "datagram without checksum");
        }
        if (begins || !chance(wrong)) {
            return step;
        }
        if (!fromGuest && chance(30)) {
            return stranger(data);
        }
        return Mutation.of(random, step);
    }

    /** From another port or address than the guest has spoken to. */
    private Step stranger(byte[] data) {
        boolean otherPort = random.nextBoolean();
        byte[] udp = Wire.udp(otherPort ? peerPort ^ 1 : peerPort, outsidePort, data);
        int from = otherPort ? peer : peer ^ 0x100;
        byte[] frame = Wire.frame(Net.UPLINK, from, Net.outsideAddress(guest), Wire.UDP, random.nextInt(1 << 16), udp);
        return step(false, frame, otherPort ? "from another port of the peer" : "from a stranger");
    }
}
