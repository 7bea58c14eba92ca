package io.sharedip.pcap.oracle;

import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Packets of a protocol without ports between a guest and a peer, which are translated by address alone. */
final class PortlessTalk extends Talk {

    private final int protocol;
    private final int wrong;
    private int left;

    PortlessTalk(SplittableRandom random, int conversation, int guest, int peer, int wrong, int left) {
        super(random, conversation, guest, 0, peer, 0, 0);
        this.protocol = Net.PORTLESS[random.nextInt(Net.PORTLESS.length)];
        this.wrong = wrong;
        this.left = left;
    }

    @Override
    @Nullable
    Step next() {
        if (left-- <= 0) {
            return null;
        }
        byte[] data = data(random.nextInt(8, chance(10) ? 1400 : 60));
        Step step = step(random.nextBoolean(), protocol, data, "protocol " + protocol + ", " + data.length + " octets");
        return chance(wrong) ? Mutation.of(random, step) : step;
    }
}
