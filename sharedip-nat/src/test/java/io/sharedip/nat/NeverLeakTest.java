package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.address.MacAddress;
import io.sharedip.link.InProcessLink;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import io.sharedip.stats.FlowStatus;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.FaultInjector;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.LeakChecker;
import io.sharedip.testing.PacketBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever goes in, nothing leaves on the uplink but what bears the shared address and a port that is alive: every truncation and
 * every flipped bit of a set of valid frames, and random frames.
 */
class NeverLeakTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "172.16.9.3";
    private static final MacAddress P_MAC = MacAddress.parse("52:54:00:00:00:01");
    private static final MacAddress S_MAC = MacAddress.parse("52:54:00:00:00:03");

    /** A gateway with flows of every kind, and a checker that knows which ports are alive. */
    private static final class Scene implements AutoCloseable {
        private final GatewayRig rig;
        private final Set<Long> live = new HashSet<>();
        private final LeakChecker checker = new LeakChecker(GatewayRig.UPLINK_MAC, SHARED, this::isLive, P, Q);

        Scene(boolean verify) {
            rig = new GatewayRig()
                    .guest("p", P_MAC.toString(), P)
                    .guest("q", "52:54:00:00:00:02", Q)
                    .guest("s", S_MAC.toString(), SHARED)
                    .with(b -> b.verifyChecksums(verify)
                            .forward("tcp 8080 -> p:80")
                            .forward("udp 5000-5009 -> s:6000-6009"));
            Conversation.tcp(rig, "p", P, 61_100, SERVER, 80).handshake();
            Conversation.udp(rig, "p", P, 61_101, SERVER, 53).out();
            Conversation.udp(rig, "s", SHARED, 61_102, SERVER, 53).out();
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 61_103, 1));
            Conversation.tcp(rig, "p", P, 80, SERVER, 5555).outsidePort(8080).handshakeFromOutside();
            rig.station("p").take();
            rig.outside().takeRaw();
        }

        private boolean isLive(int protocol, int port) {
            long key = (long) protocol << 16 | port;
            if (live.contains(key)) {
                return true;
            }
            try {
                for (FlowStatus flow : rig.flows()) {
                    live.add((long) flow.protocol().number() << 16
                            | flow.outside().port());
                }
            } catch (Exception e) {
                throw new AssertionError(e);
            }
            // a reset or an error of the gateway bears the port that was called
            return live.contains(key)
                    || (protocol == 6 && port == 8080)
                    || (protocol == 17 && port >= 5000 && port <= 5009);
        }

        void put(Sample sample, byte[] frame) {
            (sample.guest == null ? rig.outside() : rig.station(sample.guest)).sendRaw(frame);
        }

        /** Looks at what came out since the last time. */
        int check() {
            rig.stats();
            List<byte[]> frames = rig.outside().takeRaw();
            checker.check(frames);
            for (String guest : List.of("p", "q", "s")) {
                rig.station(guest).takeRaw();
            }
            return frames.size();
        }

        @Override
        public void close() {
            rig.close();
        }
    }

    /** A valid frame, from a guest or from outside. */
    private record Sample(String name, String guest, byte[] frame) {

        @Override
        public String toString() {
            return name + (guest == null ? " from outside" : " from " + guest);
        }
    }

    private static Sample sample(String name, String guest, PacketBuilder packet) {
        MacAddress from = guest == null ? GatewayRig.NEXT_HOP_MAC : guest.equals("p") ? P_MAC : S_MAC;
        MacAddress to = guest == null ? GatewayRig.UPLINK_MAC : GatewayRig.ROUTER_MAC;
        return new Sample(name, guest, packet.macs(from, to).build());
    }

    static List<Sample> samples() {
        byte[] options = {7, 7, 4, 0, 0, 0, 0, 0};
        List<Sample> s = new ArrayList<>();
        s.add(new Sample("ARP request", "p", GatewayRig.arp(1, P_MAC, P, "192.0.2.1")));
        s.add(new Sample("ARP request", null, GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, "192.0.2.1", SHARED)));
        s.add(new Sample("ARP reply", null, GatewayRig.arp(2, GatewayRig.NEXT_HOP_MAC, "192.0.2.1", SHARED)));
        s.add(sample("SYN", "p", PacketBuilder.tcp().from(P, 62_000).to(SERVER, 80)));
        s.add(sample(
                "SYN with options",
                "p",
                PacketBuilder.tcp()
                        .from(P, 62_001)
                        .to(SERVER, 80)
                        .options(options)
                        .tcpOptions((byte) 2, (byte) 4, (byte) 5, (byte) 0xb4)));
        s.add(sample(
                "data",
                "p",
                PacketBuilder.tcp().from(P, 61_100).to(SERVER, 80).flags(24).payload("data")));
        s.add(sample(
                "UDP", "p", PacketBuilder.udp().from(P, 61_101).to(SERVER, 53).payload("q")));
        s.add(sample(
                "UDP without checksum",
                "s",
                PacketBuilder.udp()
                        .from(SHARED, 61_102)
                        .to(SERVER, 53)
                        .payload("q")
                        .withoutChecksum()));
        s.add(sample(
                "UDP with options",
                "s",
                PacketBuilder.udp().from(SHARED, 62_002).to(SERVER, 53).options(options)));
        s.add(sample(
                "ping",
                "p",
                PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 61_103, 2).payload("x")));
        s.add(sample("hairpin", "p", PacketBuilder.udp().from(P, 62_003).to(SHARED, 5000)));
        s.add(sample(
                "hairpin by alias",
                "s",
                PacketBuilder.tcp().from(SHARED, 62_004).to(GatewayRig.ALIAS, 8080)));
        byte[] atGuest =
                PacketBuilder.udp().from(SERVER, 53).to(P, 61_101).payload("a").build();
        s.add(sample("error", "p", PacketBuilder.icmp().from(P, 0).to(SERVER, 0).error(3, 3, 0, atGuest, 64)));
        byte[] segment = PacketBuilder.tcp()
                .from(SERVER, 80)
                .to(P, 61_100)
                .flags(16)
                .options(options)
                .build();
        s.add(sample(
                "error about TCP with options",
                "p",
                PacketBuilder.icmp().from(P, 0).to(SERVER, 0).error(3, 3, 0, segment, 48)));
        s.add(sample(
                "reply",
                null,
                PacketBuilder.tcp()
                        .from(SERVER, 80)
                        .to(SHARED, 61_100)
                        .flags(24)
                        .payload("data")));
        s.add(sample(
                "answer",
                null,
                PacketBuilder.udp().from(SERVER, 53).to(SHARED, 61_101).payload("a")));
        s.add(sample(
                "echo reply",
                null,
                PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, 61_103, 1)));
        s.add(sample(
                "ping", null, PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(8, 5, 1)));
        s.add(sample("call", null, PacketBuilder.tcp().from(SERVER, 6000).to(SHARED, 8080)));
        s.add(sample(
                "call by UDP",
                null,
                PacketBuilder.udp().from(SERVER, 6000).to(SHARED, 5003).options(options)));
        byte[] outside = PacketBuilder.udp()
                .from(SHARED, 61_101)
                .to(SERVER, 53)
                .payload("q")
                .build();
        s.add(sample(
                "error",
                null,
                PacketBuilder.icmp().from("192.0.2.1", 0).to(SHARED, 0).error(11, 0, 0, outside, 64)));
        byte[] query = PacketBuilder.icmp()
                .from(SHARED, 0)
                .to(SERVER, 0)
                .echo(8, 61_103, 1)
                .build();
        s.add(sample(
                "error about a ping",
                null,
                PacketBuilder.icmp().from("192.0.2.1", 0).to(SHARED, 0).error(3, 1, 0, query, 64)));
        return s;
    }

    private static void fix(byte[] frame) {
        if (frame.length >= 34 && Octets.u16(frame, 12) == 0x0800) {
            int header = (frame[14] & 0xf) * 4;
            if (header >= 20 && 14 + header <= frame.length && Octets.u16(frame, 16) >= header) {
                PacketBuilder.fixChecksums(frame);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("samples")
    void every_truncation_and_every_flipped_bit_goes_in_without_harm(Sample sample) {
        for (boolean repaired : new boolean[] {false, true}) {
            try (Scene scene = new Scene(true)) {
                for (int length = 0; length <= sample.frame.length; length++) {
                    scene.put(sample, Arrays.copyOf(sample.frame, length));
                }
                scene.check();
                for (int bit = 0; bit < sample.frame.length * 8; bit++) {
                    byte[] frame = sample.frame.clone();
                    frame[bit / 8] ^= (byte) (1 << bit % 8);
                    if (repaired) {
                        fix(frame);
                    }
                    scene.put(sample, frame);
                }
                scene.check();
                assertThat(scene.rig.gateway().state()).isEqualTo(io.sharedip.SharedIp.State.RUNNING);
            }
        }
    }

    @Test
    void every_sample_is_a_good_frame() {
        for (Sample sample : samples()) {
            try (Scene scene = new Scene(true)) {
                scene.put(sample, sample.frame.clone());
                // a reply that nobody has asked for is the one good frame that is of no use
                boolean unasked = sample.name.equals("ARP reply");
                assertThat(scene.rig.stats().dropped()).as(sample.toString()).isEqualTo(unasked ? 1 : 0);
            }
        }
    }

    @Test
    void flipped_bits_leak_nothing_where_checksums_are_not_judged() {
        Random random = new Random(77);
        try (Scene scene = new Scene(false)) {
            List<Sample> samples = samples();
            for (int i = 0; i < 10_000; i++) {
                Sample sample = samples.get(random.nextInt(samples.size()));
                byte[] frame = sample.frame.clone();
                for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
                    frame[14 + random.nextInt(frame.length - 14)] ^= (byte) (1 << random.nextInt(8));
                }
                if (Octets.u16(frame, 12) == 0x0800) {
                    int header = Math.max(20, (frame[14] & 0xf) * 4);
                    Octets.put16(frame, 24, 0);
                    Octets.put16(frame, 24, ~Checksum.sum(frame, 14, Math.min(header, frame.length - 14)));
                }
                scene.put(sample, frame);
            }
            assertThat(scene.check()).isPositive();
        }
    }

    @Test
    void fifty_thousand_random_frames_leak_nothing() {
        Random random = new Random(4787);
        try (Scene scene = new Scene(true)) {
            int out = 0;
            for (int i = 0; i < 50_000; i++) {
                scene.put(
                        random.nextBoolean() ? new Sample("", null, new byte[0]) : new Sample("", "p", new byte[0]),
                        randomFrame(random));
                if (i % 5_000 == 4_999) {
                    out += scene.check();
                }
            }
            assertThat(out).isPositive();
        }
    }

    /** Noise, in growing order of plausibility. */
    private static byte[] randomFrame(Random random) {
        byte[] a = new byte[random.nextInt(120)];
        random.nextBytes(a);
        int like = random.nextInt(6);
        if (like == 0 || a.length < 62) {
            return a;
        }
        boolean guest = random.nextBoolean();
        Octets.put48(a, 0, (guest ? GatewayRig.ROUTER_MAC : GatewayRig.UPLINK_MAC).bits());
        Octets.put48(a, 6, (guest ? P_MAC : GatewayRig.NEXT_HOP_MAC).bits());
        Octets.put16(a, 12, like == 1 ? 0x0806 : 0x0800);
        if (like == 1) {
            Octets.put32(a, 14, 0x00010800);
            Octets.put32(a, 18, 0x06040001 + random.nextInt(2));
            return a;
        }
        a[14] = (byte) (0x45 + random.nextInt(like == 2 ? 4 : 1));
        Octets.put16(a, 16, a.length - 14);
        a[20] = 0;
        a[21] = 0;
        a[23] = new byte[] {1, 6, 17}[random.nextInt(3)];
        Octets.put32(a, 26, random.nextInt(8) == 0 ? 0xc000020a : guest ? 0x0a000002 : 0xc6336407);
        Octets.put32(a, 30, random.nextInt(4) == 0 ? 0x0a000002 + random.nextInt(3) : guest ? 0xc6336407 : 0xc000020a);
        if (like > 3) {
            Octets.put16(
                    a,
                    36,
                    guest ? random.nextInt(65_536) : new int[] {8080, 5001, 61_100, 61_101, 80}[random.nextInt(5)]);
            if (a[23] == 17) {
                Octets.put16(a, 38, a.length - 34);
            }
            if (a[23] == 6) {
                a[46] = 0x50;
                a[47] &= 0x1f;
            }
            if (a[23] == 1) {
                a[34] = new byte[] {0, 8, 3, 11, 12}[random.nextInt(5)];
            }
        }
        fix(a);
        return a;
    }

    @Test
    void a_conversation_over_a_broken_wire_leaks_nothing_and_keeps_the_books() {
        InProcessLink wire = InProcessLink.named("w").withCapacity(1 << 22);
        FaultInjector faults = new FaultInjector(wire, 3).chances(0.1, 0.1, 0.2, 0.2);
        try (GatewayRig rig = new GatewayRig().guest("w", P_MAC.toString(), P, faults)) {
            LeakChecker checker = new LeakChecker(GatewayRig.UPLINK_MAC, SHARED, (protocol, port) -> port >= 61_000, P);
            rig.outside().takeRaw();
            for (int i = 0; i < 5_000; i++) {
                wire.transmit(PacketBuilder.udp()
                        .from(P, 1 + i % 400)
                        .to(SERVER, 53)
                        .payload("payload")
                        .macs(P_MAC, GatewayRig.ROUTER_MAC)
                        .build());
                rig.poll();
            }
            List<byte[]> out = rig.outside().takeRaw();
            assertThat(out).hasSizeGreaterThan(3_000);
            checker.check(out);
            rig.stats();
        }
    }

    // -------------------------------------------------------------------------------------------- positive controls

    private static byte[] leaving(PacketBuilder packet) {
        return packet.macs(GatewayRig.UPLINK_MAC, GatewayRig.NEXT_HOP_MAC).build();
    }

    static List<byte[]> leaks() {
        byte[] untranslated = PacketBuilder.udp().from(SERVER, 53).to(P, 61_101).build();
        byte[] halfTranslated =
                PacketBuilder.udp().from(P, 53).to(SHARED, 61_101).build();
        return List.of(
                leaving(PacketBuilder.udp().from(P, 61_100).to(SERVER, 53)),
                leaving(PacketBuilder.udp().from("192.0.2.11", 61_100).to(SERVER, 53)),
                leaving(PacketBuilder.udp().from(SHARED, 4000).to(SERVER, 53)),
                leaving(PacketBuilder.tcp().from(SHARED, 22).to(SERVER, 53)),
                leaving(PacketBuilder.udp().from(SHARED, 61_100).to(Q, 53)),
                leaving(PacketBuilder.icmp().from(SHARED, 0).to(SERVER, 0).echo(8, 77, 1)),
                leaving(PacketBuilder.icmp().from(SHARED, 0).to(SERVER, 0).error(3, 3, 0, untranslated, 64)),
                leaving(PacketBuilder.icmp().from(SHARED, 0).to(SERVER, 0).error(3, 3, 0, halfTranslated, 64)),
                leaving(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).error(3, 3, 0, untranslated, 64)),
                leaving(PacketBuilder.protocol(47).from(SHARED, 0).to(SERVER, 0)),
                leaving(PacketBuilder.udp()
                        .from(SHARED, 61_100)
                        .to(SERVER, 53)
                        .options((byte) 7, (byte) 7, (byte) 8, (byte) 10, (byte) 0, (byte) 0, (byte) 2, (byte) 0)),
                PacketBuilder.udp()
                        .from(SHARED, 61_100)
                        .to(SERVER, 53)
                        .macs(P_MAC, GatewayRig.NEXT_HOP_MAC)
                        .build(),
                GatewayRig.arp(1, GatewayRig.UPLINK_MAC, P, "192.0.2.1"),
                GatewayRig.arp(1, P_MAC, SHARED, "192.0.2.1"),
                new byte[60]);
    }

    @ParameterizedTest
    @MethodSource("leaks")
    void the_checker_condemns_what_is_not_translated(byte[] frame) {
        LeakChecker checker = new LeakChecker(GatewayRig.UPLINK_MAC, SHARED, (protocol, port) -> port >= 61_000, P, Q);
        assertThatThrownBy(() -> checker.check(frame)).isInstanceOf(AssertionError.class);
        checker.check(leaving(PacketBuilder.udp().from(SHARED, 61_100).to(SERVER, 53)));
    }

    @Test
    void the_checker_condemns_a_translation_that_is_broken_on_purpose() {
        try (Scene scene = new Scene(true)) {
            scene.rig.station("p").send(PacketBuilder.udp().from(P, 62_500).to(SERVER, 53));
            byte[] good = scene.rig.outside().takeRaw().get(0);
            scene.checker.check(good);
            byte[] addressForgotten = good.clone();
            Octets.put32(addressForgotten, 26, 0x0a000002);
            byte[] portForgotten = good.clone();
            Octets.put16(portForgotten, 34, 40_000);
            for (byte[] bad : List.of(addressForgotten, portForgotten)) {
                PacketBuilder.fixChecksums(bad);
                assertThatThrownBy(() -> scene.checker.check(bad)).hasMessageContaining("leak");
            }
        }
    }
}
