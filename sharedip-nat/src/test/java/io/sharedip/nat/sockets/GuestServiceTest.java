package io.sharedip.nat.sockets;

import static io.sharedip.testing.GatewayRig.ALIAS;
import static io.sharedip.testing.GatewayRig.ROUTER;
import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.binding.Binding;
import io.sharedip.filter.FilterChain;
import io.sharedip.service.GuestService;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Fragmenter;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Services that the gateway offers guests on its own addresses, with either kind of uplink. */
class GuestServiceTest {

    private static final int PORT = 5300;

    /** Says back what it hears, with the name of who said it before it. */
    private static final class EchoService implements GuestService {

        private @Nullable ServiceHost host;
        private final List<String> closedBy = new ArrayList<>();
        private boolean closed;
        private boolean refuses;
        private Map<String, Long> counts = Map.of();

        private ServiceHost host() {
            return Objects.requireNonNull(host);
        }

        @Override
        public String name() {
            return "echo";
        }

        @Override
        public int port() {
            return PORT;
        }

        @Override
        public void open(ServiceHost gateway) {
            host = gateway;
        }

        @Override
        public void received(GuestId guest, ReplyPath from, byte[] octets, int offset, int length, long nowNanos) {
            byte[] name = (guest + ":").getBytes(StandardCharsets.US_ASCII);
            byte[] answer = Arrays.copyOf(name, name.length + length);
            System.arraycopy(octets, offset, answer, name.length, length);
            host().reply(from, answer, 0, answer.length);
        }

        @Override
        public @Nullable HostStream accept(GuestId guest, HostStream.Handler handler) {
            return refuses ? null : new EchoStream(guest, handler);
        }

        private final class EchoStream implements HostStream {

            private final GuestId guest;
            private final Handler handler;

            EchoStream(GuestId guest, Handler handler) {
                this.guest = guest;
                this.handler = handler;
            }

            @Override
            public int write(byte[] octets, int offset, int length) {
                String text = guest + ":" + new String(octets, offset, length, StandardCharsets.US_ASCII);
                host().execute(() -> handler.received(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII))));
                return length;
            }

            @Override
            public int room() {
                return 65_536;
            }

            @Override
            public int capacity() {
                return 65_536;
            }

            @Override
            public void shutdownOutput() {
                host().execute(handler::endOfInput);
            }

            @Override
            public void request(int octets) {}

            @Override
            public void reset() {
                closedBy.add("reset");
            }

            @Override
            public void close() {
                closedBy.add("close");
            }
        }

        @Override
        public Map<String, Long> counters() {
            return counts;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    private final EchoService service = new EchoService();

    private GatewayRig rig(boolean sockets) {
        GatewayRig rig = new GatewayRig()
                .with(b -> b.service(service))
                .guest("a", "52:54:00:00:00:01", "10.0.0.2")
                .guest("b", "52:54:00:00:00:02", "10.0.0.2");
        return sockets ? rig.sockets(new MemoryHost()) : rig;
    }

    @Test
    void a_service_is_told_guests_and_addresses_as_they_are_now() throws Exception {
        try (GatewayRig rig = rig(false)) {
            rig.gateway();
            var before = service.host().guests();
            assertThat(before)
                    .containsOnly(
                            Map.entry(GuestId.of("a"), List.of(Ipv4Address.parse("10.0.0.2"))),
                            Map.entry(GuestId.of("b"), List.of(Ipv4Address.parse("10.0.0.2"))));
            assertThat(service.host().guests()).isSameAs(before);
            rig.await(rig.gateway()
                    .bind(new Binding(
                            GuestId.of("a"), MacAddress.parse("52:54:00:00:00:01"), Ipv4Address.parse("10.0.0.7"))));
            assertThat(service.host().guests().get(GuestId.of("a"))).contains(Ipv4Address.parse("10.0.0.7"));
        }
    }

    private static PacketBuilder question(String to, String text) {
        return PacketBuilder.udp().from("10.0.0.2", 4000).to(to, PORT).payload(text);
    }

    private static String text(ParsedPacket packet) {
        return new String(packet.payload(), StandardCharsets.US_ASCII);
    }

    @ParameterizedTest
    @CsvSource({
        "true," + ROUTER,
        "true," + ALIAS,
        "true," + SHARED,
        "false," + ROUTER,
        "false," + ALIAS,
        "false," + SHARED
    })
    void a_datagram_is_answered_from_the_address_it_was_sent_to_and_guests_of_one_address_are_told_apart(
            boolean sockets, String address) {
        try (GatewayRig rig = rig(sockets)) {
            rig.station("a").send(question(address, "hello"));
            rig.station("b").send(question(address, "hello"));
            ParsedPacket answer = rig.station("a").takeOne();
            assertThat(answer.from()).isEqualTo(address + ":" + PORT);
            assertThat(answer.to()).isEqualTo("10.0.0.2:4000");
            assertThat(text(answer)).isEqualTo("a:hello");
            assertThat(text(rig.station("b").takeOne())).isEqualTo("b:hello");
            assertThat(rig.stats().answered()).isEqualTo(sockets ? 2 : 3);
            assertThat(rig.stats().flows()).isZero();
        }
        assertThat(service.closed).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void long_datagrams_come_and_go_in_fragments(boolean sockets) {
        try (GatewayRig rig = rig(sockets)) {
            byte[] payload = new byte[5_000];
            Arrays.fill(payload, (byte) 'x');
            byte[] frame = question(ALIAS, "")
                    .payload(payload)
                    .fragment(0)
                    .macs(rig.station("a").mac(), GatewayRig.ROUTER_MAC)
                    .build();
            for (byte[] fragment : Fragmenter.cut(frame, 1480)) {
                rig.station("a").sendRaw(fragment);
            }
            List<byte[]> fragments = rig.station("a").takeRaw();
            assertThat(fragments).hasSize(4);
            assertThat(Fragmenter.join(fragments).payload()).hasSize(5_002);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_connection_is_served_by_the_gateways_own_tcp(boolean sockets) {
        try (GatewayRig rig = rig(sockets)) {
            TcpGuest guest = new TcpGuest(rig.station("a"), "10.0.0.2", 4000, ROUTER, PORT).syn();
            guest.expect(SYN | ACK);
            guest.acknowledge();
            guest.say("hello");
            rig.poll();
            guest.expectText("a:hello");
            guest.finish();
            rig.poll();
            List<ParsedPacket> last = guest.take();
            assertThat(last).anyMatch(p -> (p.flags() & FIN) != 0);
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_service_may_refuse_and_segments_of_no_connection_are_reset(boolean sockets) {
        try (GatewayRig rig = rig(sockets)) {
            service.refuses = true;
            TcpGuest guest = new TcpGuest(rig.station("a"), "10.0.0.2", 4000, ROUTER, PORT).syn();
            guest.expect(RST | ACK);
            guest.say("hello?");
            guest.expect(RST);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rules_say_who_reaches_it(boolean sockets) throws Exception {
        try (GatewayRig rig = rig(sockets)) {
            rig.await(rig.gateway().replaceRules(FilterChain.parse("drop udp from guest a to host port " + PORT)));
            rig.station("a").send(question(ALIAS, "hello"));
            rig.station("b").send(question(ALIAS, "hello"));
            assertThat(rig.station("a").take()).isEmpty();
            assertThat(rig.station("b").take()).hasSize(1);
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(1);
        }
    }

    @Test
    void a_forward_of_the_port_goes_first_on_the_shared_address_and_nowhere_else() {
        try (GatewayRig rig = rig(false).with(b -> b.forward("udp " + PORT + " -> b:53"))) {
            rig.station("a").send(question(SHARED, "to b"));
            assertThat(rig.station("b").takeOne().destinationPort()).isEqualTo(53);
            rig.station("a").send(question(ROUTER, "to the service"));
            assertThat(text(rig.station("a").takeOne())).isEqualTo("a:to the service");
        }
    }

    @Test
    void the_outside_never_reaches_it() {
        try (GatewayRig rig = rig(false)) {
            rig.outside()
                    .send(PacketBuilder.udp()
                            .from(GatewayRig.SERVER, 4000)
                            .to(SHARED, PORT)
                            .payload("hello"));
            assertThat(rig.outside().take()).isEmpty();
        }
    }

    @Test
    void a_guest_that_floods_it_is_bounded_and_others_are_served() {
        try (GatewayRig rig = rig(true)) {
            for (int i = 0; i < 5_000; i++) {
                rig.station("a").sendWithoutWork(question(ALIAS, "x"));
            }
            rig.poll();
            assertThat(rig.station("a").take()).hasSize(1_000);
            assertThat(rig.drops(DropReason.LIMIT_SERVICE)).isEqualTo(4_000);
            rig.station("b").send(question(ALIAS, "x"));
            assertThat(rig.station("b").take()).hasSize(1);
        }
    }

    @Test
    void connections_of_a_guest_are_bounded_and_end_with_it() throws Exception {
        try (GatewayRig rig = rig(true)) {
            for (int port = 4000; port < 4100; port++) {
                new TcpGuest(rig.station("a"), "10.0.0.2", port, ROUTER, PORT).syn();
            }
            assertThat(rig.station("a").take()).hasSize(64);
            new TcpGuest(rig.station("b"), "10.0.0.2", 4000, ROUTER, PORT).syn();
            assertThat(rig.station("b").take()).hasSize(1);
            rig.await(rig.gateway().removeGuest(GuestId.of("a")));
            assertThat(service.closedBy).hasSize(64);
        }
        assertThat(service.closedBy).hasSize(65);
    }

    @Test
    void what_a_service_counts_can_be_asked_of_the_gateway() {
        try (GatewayRig rig = rig(true)) {
            assertThat(rig.gateway().counters()).isEmpty();
            service.counts = Map.of("questions", 3L);
            assertThat(rig.gateway().counters()).isEqualTo(Map.of("echo", Map.of("questions", 3L)));
        }
    }

    @Test
    void two_services_on_one_port_are_refused() {
        GatewayRig rig = rig(false).with(b -> b.service(new EchoService()));
        assertThatThrownBy(rig::gateway)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("echo")
                .hasMessageContaining("5300");
        assertThat(service.closed).isTrue();
    }
}
