package io.sharedip.pcap.oracle;

import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** What goes on between one guest and one peer, step by step. */
abstract class Talk {

    final SplittableRandom random;
    final int conversation;
    final int guest;
    final int guestPort;
    final int peer;
    final int peerPort;
    /** The outside port: of a forward, or else nominal. */
    final int outsidePort;

    /** The last frames in each direction as their receiver should see them, for errors about them. */
    byte @Nullable [] lastFromGuest;

    byte @Nullable [] lastFromPeer;

    Talk(SplittableRandom random, int conversation, int guest, int guestPort, int peer, int peerPort, int outsidePort) {
        this.random = random;
        this.conversation = conversation;
        this.guest = guest;
        this.guestPort = guestPort;
        this.peer = peer;
        this.peerPort = peerPort;
        this.outsidePort = outsidePort;
    }

    /** The next step, or null at the end. */
    abstract @Nullable Step next();

    boolean isForwarded() {
        return outsidePort != guestPort;
    }

    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    /** A number that is the bound or one beside it, as often as not; otherwise anything. */
    int near(int bound) {
        return switch (random.nextInt(6)) {
            case 0 -> bound;
            case 1 -> bound - 1;
            case 2 -> bound + 1;
            case 3 -> bound + random.nextInt(-2000, 2000);
            case 4 -> bound + random.nextInt(-200_000, 200_000);
            default -> random.nextInt();
        };
    }

    byte[] data(int length) {
        byte[] data = new byte[length];
        random.nextBytes(data);
        return data;
    }

    Step step(boolean fromGuest, int protocol, byte[] transport, String note) {
        byte[] frame = fromGuest
                ? Wire.frame(guest, Net.guestAddress(guest), peer, protocol, random.nextInt(1 << 16), transport)
                : Wire.frame(Net.UPLINK, peer, Net.outsideAddress(guest), protocol, random.nextInt(1 << 16), transport);
        if (chance(10)) {
            frame[Wire.IP + 1] = (byte) random.nextInt(256);
            frame[Wire.IP + 8] = (byte) random.nextInt(2, 256);
            frame[Wire.IP + 6] = (byte) (random.nextBoolean() ? 0x40 : 0);
            Wire.fixIp(frame, Wire.IP);
        }
        if (fromGuest) {
            lastFromGuest = frame;
        } else {
            lastFromPeer = frame;
        }
        return step(fromGuest, frame, note);
    }

    Step step(boolean fromGuest, byte[] frame, String note) {
        int at = fromGuest || isForwarded() || guest == Net.OWNER ? -1 : Wire.outsidePortAt(frame);
        return new Step(fromGuest ? guest : Net.UPLINK, conversation, at, guestPort, frame, note);
    }
}
