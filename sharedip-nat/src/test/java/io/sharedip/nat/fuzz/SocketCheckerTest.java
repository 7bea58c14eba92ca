package io.sharedip.nat.fuzz;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.fuzz.InvariantChecker.Cause;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.TrackedState;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.uplink.HostDatagrams;
import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The positive control: what the checker is there to find, it finds. */
class SocketCheckerTest {

    private static final Cause OF_P = new Cause("p", new byte[0]);

    private final MemoryHost host = new MemoryHost().withAddresses(GatewayRig.SHARED, SocketProgram.HOST_OTHER);
    private final SocketChecker checker = new SocketChecker(host, Set.of());

    private static final HostDatagrams.Handler DEAF = new HostDatagrams.Handler() {
        @Override
        public void received(int peer, int port, ByteBuffer payload) {}

        @Override
        public void unreachable(int peer, int port, int type, int code, int mtu) {}
    };

    private static final HostStream.Handler DEAF_STREAM = new HostStream.Handler() {
        @Override
        public void connected(int localPort) {}

        @Override
        public void failed(HostStream.Failure failure) {}

        @Override
        public void received(ByteBuffer octets) {}

        @Override
        public void endOfInput() {}

        @Override
        public void writable() {}
    };

    private static int bits(String address) {
        return Ipv4Address.parse(address).bits();
    }

    private static FlowStatus flow(String guest, IpProtocol protocol, int outsidePort, String peer, int peerPort) {
        return new FlowStatus(
                GuestId.of(guest),
                protocol,
                new Endpoint(Ipv4Address.parse(GuestProgram.PRIVATE), 4000),
                new Endpoint(Ipv4Address.parse(GatewayRig.SHARED), outsidePort),
                new Endpoint(Ipv4Address.parse(peer), peerPort),
                TrackedState.UNREPLIED,
                1,
                28,
                0,
                0,
                Duration.ofSeconds(300));
    }

    private void send(String peer, int port) {
        host.bind(Optional.empty(), 5000, DEAF).send(bits(peer), port, new byte[0], 0, 0);
    }

    private static List<FlowStatus> udp(String guest, String peer, int port) {
        return List.of(flow(guest, IpProtocol.UDP, 5000, peer, port));
    }

    @Test
    void what_a_live_flow_of_its_sender_leads_to_passes() {
        send(GatewayRig.SERVER, 53);
        host.connect(bits(GatewayRig.SERVER), 80, 5001, DEAF_STREAM);
        List<FlowStatus> flows = List.of(
                flow("p", IpProtocol.UDP, 5000, GatewayRig.SERVER, 53),
                flow("p", IpProtocol.TCP, 5001, GatewayRig.SERVER, 80));
        assertThatCode(() -> checker.check(OF_P, flows)).doesNotThrowAnyException();
    }

    @Test
    void a_datagram_of_another_guests_flow_or_of_nobody_is_found() {
        send(GatewayRig.SERVER, 53);
        assertThatThrownBy(() -> checker.check(OF_P, udp("q", GatewayRig.SERVER, 53)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("no flow of p");
    }

    @Test
    void a_datagram_that_nobody_has_caused_is_found() {
        send(GatewayRig.SERVER, 53);
        assertThatThrownBy(() -> checker.check(null, udp("p", GatewayRig.SERVER, 53)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("nobody has sent");
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1",
        GatewayRig.SHARED,
        SocketProgram.HOST_OTHER,
        SocketProgram.METADATA,
        "169.254.1.1",
        "127.0.0.2",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        GuestProgram.PRIVATE,
        GatewayRig.ALIAS
    })
    void the_host_and_what_nobody_may_reach_are_found_without_a_rule(String peer) {
        send(peer, 22);
        assertThatThrownBy(() -> checker.check(OF_P, udp("p", peer, 22)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("reaches " + peer);
    }

    @Test
    void a_rule_opens_what_it_names_to_whom_it_names_and_no_more() {
        checker.ruledBy(1);
        host.connect(bits("127.0.0.1"), 80, 5001, DEAF_STREAM);
        List<FlowStatus> flows = List.of(
                flow("p", IpProtocol.TCP, 5001, GatewayRig.ALIAS, 80),
                flow("q", IpProtocol.TCP, 5001, GatewayRig.ALIAS, 80));
        assertThatCode(() -> checker.check(OF_P, flows)).doesNotThrowAnyException();
        host.connect(bits("127.0.0.1"), 80, 5001, DEAF_STREAM);
        assertThatThrownBy(() -> checker.check(new Cause("q", new byte[0]), flows))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void sockets_that_outlive_their_flows_and_forwards_are_found() {
        host.bind(Optional.empty(), 5000, DEAF);
        assertThatThrownBy(checker::checkEnd).isInstanceOf(AssertionError.class).hasMessageContaining("5000");
        host.datagrams(5000).close();
        host.listen(Optional.empty(), 8080, (stream, client, port) -> null);
        assertThatThrownBy(checker::checkEnd).isInstanceOf(AssertionError.class).hasMessageContaining("8080");
        host.listener(8080).close();
        host.connect(bits(GatewayRig.SERVER), 80, 5001, DEAF_STREAM);
        assertThatThrownBy(checker::checkEnd).isInstanceOf(AssertionError.class).hasMessageContaining("1 connections");
        host.stream().reset();
        assertThatCode(checker::checkEnd).doesNotThrowAnyException();
    }

    @Test
    void a_forward_that_nobody_listens_for_is_found() {
        SocketChecker other = new SocketChecker(host, Set.of(PortForward.parse("tcp 8080 -> p:80")));
        assertThatThrownBy(other::checkEnd).isInstanceOf(AssertionError.class).hasMessageContaining("8080");
    }
}
