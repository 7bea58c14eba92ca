package io.sharedip.pcap.oracle;

import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Pings of a guest to a peer, and pings to the gateway from both sides. */
final class PingTalk extends Talk {

    private final int wrong;
    private int left;
    private int sequence;
    private byte[] data;

    PingTalk(SplittableRandom random, int conversation, int guest, int id, int peer, int wrong, int left) {
        super(random, conversation, guest, id, peer, 0, id);
        this.wrong = wrong;
        this.left = left;
        data = data(random.nextInt(100));
    }

    @Override
    @Nullable
    Step next() {
        if (left-- <= 0) {
            return null;
        }
        Step step = chance(10) ? toGateway() : exchange();
        return chance(wrong) ? Mutation.of(random, step) : step;
    }

    private Step exchange() {
        if (random.nextBoolean()) {
            data = data(random.nextInt(100));
            return step(true, Wire.ICMP, Wire.echo(true, guestPort, ++sequence, data), "echo request");
        }
        if (chance(5)) {
            return step(true, Wire.ICMP, Wire.echo(false, guestPort, sequence, data), "echo reply of a guest");
        }
        return step(false, Wire.ICMP, Wire.echo(false, outsidePort, sequence, data), "echo reply");
    }

    private Step toGateway() {
        byte[] echo = Wire.echo(true, random.nextInt(1, 1 << 16), sequence, data);
        int id = random.nextInt(1 << 16);
        if (random.nextBoolean()) {
            byte[] frame = Wire.frame(Net.UPLINK, peer, Net.SHARED, Wire.ICMP, id, echo);
            return new Step(Net.UPLINK, -1, -1, 0, frame, "ping of the gateway from outside");
        }
        int gateway = random.nextBoolean() ? Net.SHARED : Net.ALIAS;
        byte[] frame = Wire.frame(guest, Net.guestAddress(guest), gateway, Wire.ICMP, id, echo);
        return new Step(guest, -1, -1, 0, frame, "ping of the gateway");
    }
}
