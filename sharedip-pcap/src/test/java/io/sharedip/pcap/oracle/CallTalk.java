package io.sharedip.pcap.oracle;

import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Calls of forwards, from inside, by the shared address or its alias; and of ports that lead nowhere. */
final class CallTalk extends Talk {

    private static final byte[] NOTHING = {};
    private int left;

    CallTalk(SplittableRandom random, int guest, int left) {
        super(random, -1, guest, 0, 0, 0, 0);
        this.left = left;
    }

    @Override
    @Nullable
    Step next() {
        if (left-- <= 0) {
            return null;
        }
        Net.Forward called = Net.Forward.values()[random.nextInt(Net.Forward.values().length)];
        int port = chance(90) ? called.outsidePort : called.outsidePort + 1;
        int from =
                chance(80) ? random.nextInt(Net.FIRST_POOL_PORT, Net.LAST_POOL_PORT + 1) : random.nextInt(1024, 60000);
        byte[] transport = called.protocol == Wire.UDP
                ? Wire.udp(from, port, data(random.nextInt(60)))
                : Wire.tcp(from, port, random.nextInt(), 0, Wire.SYN, 60_000, NOTHING, NOTHING);
        byte[] frame = Wire.frame(
                guest,
                Net.guestAddress(guest),
                random.nextBoolean() ? Net.SHARED : Net.ALIAS,
                called.protocol,
                random.nextInt(1 << 16),
                transport);
        if (random.nextBoolean()) {
            frame[Wire.IP + 6] = 0x40;
            Wire.fixIp(frame, Wire.IP);
        }
        return new Step(guest, conversation, -1, 0, frame, "call of port " + port + " from inside");
    }
}
