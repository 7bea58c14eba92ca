package io.sharedip.pcap.oracle;

import io.sharedip.address.Ipv4Address;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** A case made from a seed: some talks between guests and peers, interleaved. */
final class Scenario {

    /** 198.18.0.0/15, so that no two cases leave fragments of the same datagram behind, but by rare chance. */
    private static final int PEERS = Ipv4Address.parse("198.18.0.0").bits();

    private final SplittableRandom random;
    /** For what came to be after seeds had been kept. */
    private final SplittableRandom more;

    private final TreeSet<Integer> ports = new TreeSet<>();
    private boolean contending;
    private boolean fragmented;

    private Scenario(long seed) {
        random = new SplittableRandom(seed);
        more = new SplittableRandom(~seed);
    }

    /** The steps of a seed; the same for ever. */
    static List<Step> of(long seed) {
        return new Scenario(seed).make();
    }

    private List<Step> make() {
        int kind = random.nextInt(10);
        contending = kind == 9;
        // a port is replaced in the first fragment, its checksum may be in another
        fragmented = kind == 8 || kind == 5;
        int count = random.nextInt(1, 6);
        List<Talk> talks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            talks.add(talk(i, kind));
        }
        if (more.nextInt(100) < 5) {
            talks.add(new CallTalk(more, more.nextInt(1, Net.GUESTS + 1), more.nextInt(1, 6)));
        }
        List<Step> steps = new ArrayList<>();
        while (!talks.isEmpty()) {
            Talk talk = talks.get(random.nextInt(talks.size()));
            Step step = talk.next();
            if (step == null) {
                talks.remove(talk);
            } else {
                steps.add(step);
            }
        }
        return steps;
    }

    private Talk talk(int number, int kind) {
        int left = random.nextInt(15, 60);
        int wrong = kind < 3 ? 0 : kind < 6 ? 15 : kind == 6 ? 60 : 8;
        int peer = PEERS + random.nextInt(1 << 17);
        int guest = random.nextInt(100) < 12 ? Net.OWNER : random.nextInt(1, Net.OWNER);
        int type = random.nextInt(10);
        if (kind == 7 && type < 5) {
            return new NonsenseTalk(random, number, guest, peer, left);
        }
        if (random.nextInt(100) < 6) {
            return dressed(new PortlessTalk(random, number, guest, peer, wrong, left), kind);
        }
        if (type < 5) {
            return dressed(tcp(number, guest, peer, wrong, left), kind);
        }
        if (type < 8) {
            return dressed(udp(number, guest, peer, wrong, left), kind);
        }
        return dressed(new PingTalk(random, number, guest, guestPort(), peer, wrong, left), kind);
    }

    private Talk dressed(Talk talk, int kind) {
        if (kind == 8 || (kind == 5 && random.nextInt(3) == 0)) {
            return new FragmentTalk(random, talk, 40, !(talk instanceof TcpTalk || talk.isForwarded()));
        }
        return kind >= 2 && random.nextInt(100) < 35 ? new ErrorTalk(random, talk, 15) : talk;
    }

    private Talk tcp(int number, int guest, int peer, int wrong, int left) {
        int peerPort = random.nextInt(1, 1 << 16);
        if (random.nextInt(100) < 25) {
            Net.Forward f = random.nextBoolean() ? Net.Forward.WEB : Net.Forward.SHELL;
            return new TcpTalk(random, number, f.guest, f.insidePort, peer, peerPort, f.outsidePort, wrong, left);
        }
        int port = guestPort();
        return new TcpTalk(random, number, guest, port, peer, peerPort, port, wrong, left);
    }

    private Talk udp(int number, int guest, int peer, int wrong, int left) {
        int peerPort = random.nextInt(1, 1 << 16);
        if (random.nextInt(100) < 25) {
            Net.Forward f = Net.Forward.NAMES;
            return new UdpTalk(random, number, f.guest, f.insidePort, peer, peerPort, f.outsidePort, wrong, left);
        }
        int port = guestPort();
        return new UdpTalk(random, number, guest, port, peer, peerPort, port, wrong, left);
    }

    /** A port that the gateway can keep; or now and then one outside its pool, or one that guests contend for. */
    private int guestPort() {
        if (contending) {
            return 62000 + random.nextInt(2);
        }
        int port;
        do {
            port = fragmented || random.nextInt(100) < 80
                    ? random.nextInt(Net.FIRST_POOL_PORT, Net.LAST_POOL_PORT + 1)
                    : random.nextInt(1024, 60000);
        } while (!ports.add(port));
        return port;
    }
}
