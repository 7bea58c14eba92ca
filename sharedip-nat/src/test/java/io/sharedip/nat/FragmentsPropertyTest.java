package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.testing.Fragmenter;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.LeakChecker;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fragments of any size in any order, honest and hostile ones, from guests that all have the same address. */
class FragmentsPropertyTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final List<String> GUESTS = List.of("a", "b", "c");
    private static final int ROUNDS = 60;

    private final Map<String, Integer> outsidePorts = new HashMap<>();

    private static GatewayRig rig() {
        GatewayRig rig = new GatewayRig();
        for (int i = 0; i < GUESTS.size(); i++) {
            rig.guest(GUESTS.get(i), "52:54:00:00:00:0" + (i + 1), SHARED);
        }
        return rig.with(b -> b.fragments(
                FragmentLimits.defaults().withOctetsFromGuests(1 << 18, 1 << 19).withOctetsFromOutside(1 << 19)));
    }

    /** Opens a flow of each guest from the same port to the same server. */
    private void open(GatewayRig rig) {
        for (String guest : GUESTS) {
            rig.station(guest)
                    .send(PacketBuilder.udp().from(SHARED, 4000).to(SERVER, 53).payload(guest));
            outsidePorts.put(guest, rig.outside().takeOne().sourcePort());
        }
    }

    private static byte[] payload(Random random, int most) {
        byte[] payload = new byte[1 + random.nextInt(most)];
        random.nextBytes(payload);
        return payload;
    }

    private static byte[] outgoing(GatewayRig rig, String guest, int identification, byte[] payload) {
        return PacketBuilder.udp()
                .from(SHARED, 4000)
                .to(SERVER, 53)
                .fragment(0)
                .identification(identification)
                .payload(payload)
                .macs(rig.station(guest).mac(), GatewayRig.ROUTER_MAC)
                .build();
    }

    private byte[] incoming(String guest, int identification, byte[] payload) {
        return PacketBuilder.udp()
                .from(SERVER, 53)
                .to(SHARED, outsidePorts.getOrDefault(guest, 0))
                .fragment(0)
                .identification(identification)
                .payload(payload)
                .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                .build();
    }

    /** Cuts at random places. */
    private static List<byte[]> cut(Random random, byte[] frame) {
        int length = Octets.u16(frame, 16) - 20;
        int most = 8 * (1 + random.nextInt(185));
        List<byte[]> fragments = new ArrayList<>();
        for (int offset = 0; offset < length; ) {
            int part = Math.min(length - offset, Math.max(8, most - 8 * random.nextInt(most / 8)));
            fragments.add(Fragmenter.piece(frame, offset, part));
            offset += part;
        }
        return fragments;
    }

    private record Sent(String guest, boolean out, byte[] frame) {}

    private static void deliver(GatewayRig rig, Sent sent) {
        (sent.out ? rig.station(sent.guest) : rig.outside()).sendRaw(sent.frame.clone());
    }

    private static List<byte[]> taken(GatewayRig.Station station) {
        return station.take().stream().map(ParsedPacket::frame).toList();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void rfc4787_req14_and_hostile11_any_cut_in_any_order_with_duplicates_delivers_exactly_what_was_sent(long seed) {
        Random random = new Random(seed);
        try (GatewayRig rig = rig()) {
            open(rig);
            for (int round = 0; round < ROUNDS; round++) {
                // the same identification for everybody
                int identification = round;
                List<Sent> frames = new ArrayList<>();
                List<byte[]> expectedOut = new ArrayList<>();
                Map<String, byte[]> expectedIn = new HashMap<>();
                int distinct = 0;
                for (String guest : GUESTS) {
                    byte[] out = payload(random, 9_000);
                    expectedOut.add(out);
                    for (byte[] piece : cut(random, outgoing(rig, guest, identification, out))) {
                        frames.add(new Sent(guest, true, piece));
                    }
                    byte[] in = payload(random, 9_000);
                    expectedIn.put(guest, in);
                    for (byte[] piece : cut(random, incoming(guest, identification * 4 + GUESTS.indexOf(guest), in))) {
                        frames.add(new Sent(guest, false, piece));
                    }
                }
                distinct = frames.size();
                Collections.shuffle(frames, random);
                List<Sent> order = new ArrayList<>();
                for (Sent sent : frames) {
                    order.add(sent);
                    boolean fragment = (Octets.u16(sent.frame, 20) & 0x3fff) != 0;
                    if (fragment && random.nextInt(10) == 0) {
                        order.add(sent);
                    }
                }
                long forwarded = rig.stats().forwarded();
                order.forEach(sent -> deliver(rig, sent));
                assertThat(Fragmenter.joinAll(taken(rig.outside())))
                        .as("seed %d, round %d", seed, round)
                        .extracting(ParsedPacket::payload)
                        .containsExactlyInAnyOrderElementsOf(expectedOut);
                for (String guest : GUESTS) {
                    ParsedPacket whole = Fragmenter.join(taken(rig.station(guest)));
                    assertThat(whole.payload())
                            .as("seed %d, round %d", seed, round)
                            .isEqualTo(expectedIn.get(guest));
                    assertThat(whole.to()).isEqualTo(SHARED + ":4000");
                }
                // of a duplicated last fragment the second begins a datagram that comes to nothing
                assertThat(rig.stats().forwarded() - forwarded).isEqualTo(distinct);
                rig.advance(Duration.ofSeconds(31));
                drain(rig);
                assertThat(rig.stats().held()).isZero();
            }
        }
    }

    private static void drain(GatewayRig rig) {
        rig.outside().takeRaw();
        GUESTS.forEach(guest -> rig.station(guest).takeRaw());
    }

    private static byte[] mutated(Random random, byte[] fragment) {
        byte[] a = fragment.clone();
        switch (random.nextInt(8)) {
            case 0 -> Octets.put16(a, 20, Octets.u16(a, 20) ^ 0x2000);
            case 1 -> Octets.put16(a, 20, Octets.u16(a, 20) + 1 - random.nextInt(3) & 0x3fff);
            case 2 -> Octets.put16(a, 20, random.nextInt(1 << 16));
            case 3 -> Octets.put16(a, 18, random.nextInt(4));
            case 4 -> a[34 + random.nextInt(a.length - 34)] ^= (byte) (1 + random.nextInt(255));
            case 5 -> {
                int length = random.nextInt(a.length - 33);
                a = Arrays.copyOf(a, 34 + length);
                Octets.put16(a, 16, 20 + length);
            }
            case 6 -> a[23] = (byte) random.nextInt(256);
            default -> a[15] = (byte) random.nextInt(4);
        }
        return Fragmenter.fixHeader(a);
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14, 15})
    void hostile10_whatever_fragments_are_made_of_nothing_leaks_nothing_is_corrupted_and_the_books_balance(long seed) {
        Random random = new Random(seed);
        try (GatewayRig rig = rig()) {
            open(rig);
            LeakChecker leaks =
                    new LeakChecker(GatewayRig.UPLINK_MAC, SHARED, (protocol, port) -> port >= 61_000, "10.0.0.2");
            List<byte[]> known = new ArrayList<>();
            for (int round = 0; round < ROUNDS * 4; round++) {
                List<Sent> frames = new ArrayList<>();
                for (String guest : GUESTS) {
                    byte[] out = payload(random, 6_000);
                    byte[] in = payload(random, 6_000);
                    known.add(out);
                    known.add(in);
                    // few identifications, so that datagrams meet what is left of others
                    cut(random, outgoing(rig, guest, random.nextInt(4), out))
                            .forEach(piece -> frames.add(new Sent(guest, true, piece)));
                    cut(random, incoming(guest, random.nextInt(4), in))
                            .forEach(piece -> frames.add(new Sent(guest, false, piece)));
                }
                if (random.nextBoolean()) {
                    Collections.shuffle(frames, random);
                }
                for (Sent sent : frames) {
                    int choice = random.nextInt(20);
                    if (choice == 0) {
                        continue;
                    }
                    Sent odd = choice < 3 ? new Sent(sent.guest, sent.out, mutated(random, sent.frame)) : sent;
                    deliver(rig, odd);
                    if (choice == 4) {
                        deliver(rig, sent);
                    }
                }
                // throws if the books do not balance
                SharedIpStats stats = rig.stats();
                assertThat(stats.held()).isLessThanOrEqualTo(8192);
                List<byte[]> out = rig.outside().takeRaw();
                leaks.check(out);
                List<byte[]> seen = new ArrayList<>();
                out.stream().filter(frame -> Octets.u16(frame, 12) == 0x0800).forEach(seen::add);
                GUESTS.forEach(guest -> seen.addAll(taken(rig.station(guest))));
                for (ParsedPacket packet : whole(seen)) {
                    if (packet.protocol() == 17) {
                        assertThat(known.stream().anyMatch(payload -> Arrays.equals(payload, packet.payload())))
                                .as("seed %d, round %d: a datagram that nobody has sent", seed, round)
                                .isTrue();
                    }
                }
                if (random.nextInt(5) == 0) {
                    rig.advance(Duration.ofSeconds(random.nextInt(40)));
                    known.subList(0, Math.max(0, known.size() - 100)).clear();
                }
            }
            rig.advance(Duration.ofSeconds(31));
            drain(rig);
            assertThat(rig.stats().held()).isZero();
        }
    }

    /** The datagrams of frames in the order they left: the engine sends the fragments of one datagram together. */
    private static List<ParsedPacket> whole(List<byte[]> frames) {
        List<ParsedPacket> packets = new ArrayList<>();
        List<byte[]> pieces = new ArrayList<>();
        for (byte[] frame : frames) {
            pieces.add(frame);
            if ((Octets.u16(frame, 20) & 0x2000) == 0) {
                packets.add(Fragmenter.join(pieces));
                pieces.clear();
            }
        }
        assertThat(pieces).isEmpty();
        return packets;
    }
}
