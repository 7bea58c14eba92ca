package io.sharedip.nat.sockets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.MemoryHost.Datagram;
import io.sharedip.testing.MemoryHost.Datagrams;
import io.sharedip.testing.MemoryHost.End;
import io.sharedip.testing.MemoryHost.Stream;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.uplink.HostStream.Failure;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever guests, peers and the owner do in whatever order: a socket carries the octets of one guest only, and what it hears reaches no
 * other guest. Every text says whose it is.
 */
class SocketLeakPropertyTest {

    private static final List<String> GUESTS = List.of("a", "b", "c");
    /** All of them have one address. */
    private static final String IN = "10.0.0.2";

    private static final int STEPS = 4_000;

    /** Whose each socket is, by what it has carried. */
    private static final class Owners {

        private final Map<Object, String> owners = new IdentityHashMap<>();

        void carried(Object socket, String text) {
            if (!text.isEmpty()) {
                String owner = owners.computeIfAbsent(socket, s -> text.substring(0, 1));
                assertThat(text).as("octets of one guest").matches("(" + owner + ")*");
            }
        }

        String of(Object socket) {
            return owners.getOrDefault(socket, "?");
        }
    }

    private final MemoryHost host = new MemoryHost().withBusyPorts(4_001);
    private final Owners owners = new Owners();

    private void look(GatewayRig rig) {
        for (Datagrams socket : List.copyOf(host.datagrams().values())) {
            for (Datagram datagram : socket.take()) {
                owners.carried(socket, datagram.text());
            }
        }
        for (Stream stream : host.streams()) {
            owners.carried(stream, stream.read());
        }
        for (String guest : GUESTS) {
            for (ParsedPacket packet : rig.station(guest).take()) {
                String text = new String(packet.payload(), StandardCharsets.US_ASCII);
                if (packet.protocol() != 1) {
                    assertThat(text).as("what guest " + guest + " gets").matches("(" + guest.toUpperCase() + ")*");
                }
            }
        }
    }

    private void step(GatewayRig rig, Random random) throws Exception {
        String guest = GUESTS.get(random.nextInt(GUESTS.size()));
        List<Datagrams> sockets = List.copyOf(host.datagrams().values());
        List<Stream> streams = host.streams();
        Stream stream = streams.isEmpty()
                ? null
                : streams.get(streams.size() - 1 - random.nextInt(Math.min(6, streams.size())));
        boolean open = stream != null && stream.end() == End.OPEN;
        switch (random.nextInt(12)) {
            case 0, 1, 2 ->
                rig.station(guest)
                        .send(PacketBuilder.udp()
                                .from(IN, 4_000 + random.nextInt(3))
                                .to(random.nextBoolean() ? GatewayRig.SERVER : GatewayRig.OTHER_SERVER, 53)
                                .payload(guest.repeat(random.nextInt(20))));
            case 3, 4 -> {
                TcpGuest tcp = new TcpGuest(rig.station(guest), IN, 5_000 + random.nextInt(3), GatewayRig.SERVER, 80);
                if (random.nextInt(3) == 0) {
                    tcp.syn();
                } else {
                    tcp.send(random.nextInt(32), guest.repeat(random.nextInt(9)));
                }
            }
            case 5, 6 -> {
                if (!sockets.isEmpty()) {
                    Datagrams socket = sockets.get(random.nextInt(sockets.size()));
                    if (!owners.of(socket).equals("?")) {
                        socket.receive(
                                random.nextBoolean() ? GatewayRig.SERVER : GatewayRig.OTHER_SERVER,
                                53,
                                owners.of(socket).toUpperCase().repeat(5));
                    }
                }
            }
            case 7 -> {
                if (open && stream.room() == 0 && !stream.isShutDown()) {
                    stream.establish();
                } else if (open && !owners.of(stream).equals("?")) {
                    stream.send(owners.of(stream).toUpperCase().repeat(7));
                }
            }
            case 8 -> {
                if (open) {
                    stream.fail(Failure.values()[random.nextInt(Failure.values().length)]);
                }
            }
            case 9 -> rig.advance(Duration.ofMillis(random.nextInt(100_000)));
            case 10 -> {
                if (random.nextInt(10) == 0) {
                    rig.await(rig.gateway()
                            .replaceRules(FilterChain.parse(
                                    random.nextBoolean()
                                            ? ""
                                            : "drop from guest " + guest + " to " + GatewayRig.SERVER + "/32")));
                }
            }
            default -> {
                if (random.nextInt(10) == 0) {
                    String forward = "udp 400" + random.nextInt(3);
                    try {
                        rig.await(rig.gateway().addForward(PortForward.parse(forward + " -> " + guest + ":4000")));
                    } catch (java.util.concurrent.ExecutionException taken) {
                        if (rig.await(rig.gateway().forwards()).stream()
                                .anyMatch(f -> f.forward().selector().equals(ForwardSelector.parse(forward)))) {
                            rig.await(rig.gateway().removeForward(ForwardSelector.parse(forward)));
                        }
                    }
                }
            }
        }
        rig.poll();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void never_leak_no_socket_serves_two_guests(long seed) throws Exception {
        Random random = new Random(seed);
        try (GatewayRig rig = new GatewayRig()
                .sockets(host)
                .with(b -> b.capacity(24).flowsPerGuest(16))
                .guest("a", "52:54:00:00:00:01", IN)
                .guest("b", "52:54:00:00:00:02", IN)
                .guest("c", "52:54:00:00:00:03", IN)) {
            for (int i = 0; i < STEPS; i++) {
                step(rig, random);
                look(rig);
            }
            assertThat(rig.stats().forwarded()).isGreaterThan(STEPS / 10);
            rig.await(rig.gateway().replaceRules(FilterChain.acceptAll()));
            rig.advance(Duration.ofHours(3));
            rig.advance(Duration.ofHours(3));
            assertThat(rig.stats().flows()).isZero();
            int forwards = rig.await(rig.gateway().forwards()).size();
            assertThat(host.datagrams()).hasSizeLessThanOrEqualTo(forwards);
        }
    }

    @Test
    void the_check_itself_finds_a_socket_that_serves_two() {
        Object socket = new Object();
        owners.carried(socket, "aaa");
        assertThatThrownBy(() -> owners.carried(socket, "b")).isInstanceOf(AssertionError.class);
    }
}
