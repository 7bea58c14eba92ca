package io.sharedip.nat.internal.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** The endpoint against a guest that shares no line with it, on links good and bad; many seeds. */
class SimplePeerTest {

    private static final int[] CAPACITIES = {300, 5_000, 65_535};

    private static void run(long seed) {
        Random random = new Random(seed);
        long now = random.nextLong();
        boolean active = random.nextBoolean();
        boolean bad = random.nextInt(3) != 0;
        LossyPath out = path(random, bad);
        LossyPath in = path(random, bad);
        TcpShared shared = new TcpShared(1 << 17, 0);
        int streamCapacity = CAPACITIES[random.nextInt(CAPACITIES.length)];
        int peerCapacity = CAPACITIES[random.nextInt(CAPACITIES.length)];
        MemoryStream stream = new MemoryStream(streamCapacity, 1, 2);
        Side side = new Side(active, shared, 1_500, random.nextInt(), stream, 1);
        int ports = side.endpoint.destinationPort() << 16 | side.endpoint.sourcePort();
        stream.say(Math.min(peerCapacity * 30L, random.nextInt(100_000)));
        long toSay = Math.min(streamCapacity * 30L, random.nextInt(100_000));
        SimplePeer peer = new SimplePeer(random, ports, 100 + random.nextInt(1_361), peerCapacity, toSay, now);
        if (active) {
            side.endpoint.open();
        } else {
            peer.connect();
        }
        for (int turn = 0; !(side.isOver() && peer.isDone()); turn++) {
            String where = "seed " + seed + ", " + side.endpoint.state() + " " + side.end + ", stream heard "
                    + stream.heard() + ", peer " + peer;
            assertThat(turn).as(where).isLessThan(100_000);
            assertThat(peer.reset).as(where).isFalse();
            stream.speak();
            if (stream.hasSaidAll()) {
                stream.sayFin();
            }
            stream.read(1 + random.nextInt(streamCapacity));
            if (random.nextInt(3) == 0) {
                peer.read(1 + random.nextInt(peerCapacity));
            }
            for (Segment s : side.pull(random.nextInt(20), now)) {
                out.send(s, now);
            }
            for (Segment s : peer.pull(now)) {
                in.send(s, now);
            }
            now += pause(side, peer, out, in, now);
            for (Segment s = out.arrival(now); s != null; s = out.arrival(now)) {
                peer.take(s, now);
            }
            for (Segment s = in.arrival(now); s != null; s = in.arrival(now)) {
                if (!side.isOver()) {
                    side.take(s, now);
                }
            }
            if (side.endpoint.state() == TcpState.SYN_HELD) {
                side.endpoint.connected(1);
            }
            side.endpoint.onTimer(now, true);
        }
        assertThat(side.end).isEqualTo(TcpEnd.FINISHED);
        assertThat(stream.heard()).isEqualTo(toSay);
        assertThat(peer.heard()).isEqualTo(stream.said());
        assertThat(stream.finHeard).isTrue();
        assertThat(stream.closed).isTrue();
        assertThat(shared.memory()).isZero();
    }

    private static LossyPath path(Random random, boolean bad) {
        return bad
                ? new LossyPath(random, random.nextInt(10) / 100.0, 0.02, 0.05, 1_000L * random.nextInt(20_000))
                : new LossyPath(random, 0, 0, 0, 50_000);
    }

    private static long pause(Side side, SimplePeer peer, LossyPath out, LossyPath in, long now) {
        long pause = Math.min(out.delay(now), in.delay(now));
        if (side.endpoint.hasDeadline()) {
            pause = Math.min(pause, side.endpoint.deadline() - now);
        }
        if (!peer.isDone()) {
            pause = Math.min(pause, Math.min(5_000_000, peer.patience(now)));
        }
        if (peer.hasOutput() || side.endpoint.hasOutput()) {
            pause = Math.min(pause, 1_000_000);
        }
        return Math.max(0, pause);
    }

    @Test
    void a_plain_guest_says_and_hears_all() {
        for (long seed = 1; seed <= 300; seed++) {
            run(seed);
        }
    }
}
