package io.sharedip.netty;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.PSH;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sharedip.Guest;
import io.sharedip.address.MacAddress;
import io.sharedip.filter.FilterChain;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.NatGateway;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A guest, a whole gateway, and real sockets: the host's services by the alias, and the guest's by a forward. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(NothingLeaks.class)
class SocketGatewayTest {

    private static final InetAddress LOCAL = InetAddress.getLoopbackAddress();
    private static final MacAddress MAC = MacAddress.parse("52:54:00:00:00:01");
    private static final String GUEST = "10.0.0.2";
    private static final String ALIAS = "192.0.2.1";

    private final InProcessLink link = InProcessLink.named("a");

    private NatGateway gateway(SocketTransport transport, String... forwards) throws Exception {
        var builder = NatGateway.builder()
                .address(GatewayRig.SHARED)
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(SocketUplink.create().withTransport(transport))
                .rules(FilterChain.parse("accept from any to host\naccept from any to any"))
                .guest(Guest.of("a", MAC.toString(), GUEST, link));
        for (String forward : forwards) {
            builder.forward(forward);
        }
        return builder.start();
    }

    private void send(PacketBuilder packet) {
        link.transmit(packet.macs(MAC, GatewayRig.ROUTER_MAC).build());
    }

    private PacketBuilder segment(int serverPort, int flags, long sequence, long acknowledgment) {
        return PacketBuilder.tcp()
                .from(GUEST, 40_000)
                .to(ALIAS, serverPort)
                .flags(flags)
                .sequence(sequence, acknowledgment);
    }

    /** The next packet to the guest that is as wanted; others are passed over. */
    private ParsedPacket next(Predicate<ParsedPacket> wanted) {
        return await().atMost(UplinkRig.PATIENCE)
                .until(
                        () -> {
                            byte[] frame = link.receive();
                            if (frame == null || frame[12] != 8 || frame[13] != 0) {
                                return null;
                            }
                            ParsedPacket packet = ParsedPacket.of(frame);

                            return wanted.test(packet) ? packet : null;
                        },
                        packet -> packet != null);
    }

    private static boolean has(ParsedPacket packet, int flags) {
        return packet.protocol() == 6 && (packet.flags() & flags) == flags;
    }

    private static int freePort() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, LOCAL)) {
            return server.getLocalPort();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_guest_talks_tcp_to_a_service_of_the_host_and_each_side_closes_on_its_own(SocketTransport transport)
            throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, LOCAL);
                NatGateway gateway = gateway(transport)) {
            int port = server.getLocalPort();
            send(segment(port, SYN, 1000, 0));
            ParsedPacket answer = next(packet -> has(packet, SYN | ACK));
            assertThat(answer.from()).isEqualTo(ALIAS + ":" + port);
            long mine = answer.sequence() + 1;
            send(segment(port, ACK, 1001, mine));
            send(segment(port, ACK | PSH, 1001, mine).payload("question"));
            send(segment(port, ACK | FIN, 1009, mine));
            try (Socket peer = server.accept()) {
                assertThat(peer.getInputStream().readAllBytes()).asString().isEqualTo("question");
                peer.getOutputStream().write("answer".getBytes(StandardCharsets.US_ASCII));
                ParsedPacket data = next(packet -> packet.payload().length > 0);
                assertThat(data.payload()).asString().isEqualTo("answer");
                assertThat(data.acknowledgment()).isEqualTo(1010);
                send(segment(port, ACK, 1010, mine + 6));
            }
            next(packet -> has(packet, FIN));
            send(segment(port, ACK, 1010, mine + 7));
            assertThat(gateway.stats().balances()).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_closed_port_of_the_host_refuses_the_guest(SocketTransport transport) throws Exception {
        int port = freePort();
        NatGateway gateway = gateway(transport);
        send(segment(port, SYN, 1000, 0));
        ParsedPacket answer = next(packet -> has(packet, RST));
        assertThat(answer.acknowledgment()).isEqualTo(1001);
        gateway.close();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_guest_talks_udp_and_hears_that_a_port_is_closed(SocketTransport transport) throws Exception {
        NatGateway gateway = gateway(transport);
        int closed;
        try (DatagramSocket server = new DatagramSocket(new InetSocketAddress(LOCAL, 0))) {
            server.setSoTimeout(20_000);
            closed = server.getLocalPort();
            send(PacketBuilder.udp().from(GUEST, 40_000).to(ALIAS, closed).payload("question"));
            DatagramPacket question = new DatagramPacket(new byte[100], 100);
            server.receive(question);
            assertThat(new String(question.getData(), 0, question.getLength(), StandardCharsets.US_ASCII))
                    .isEqualTo("question");
            byte[] answer = "answer".getBytes(StandardCharsets.US_ASCII);
            server.send(new DatagramPacket(answer, answer.length, question.getSocketAddress()));
            ParsedPacket reply = next(packet -> packet.protocol() == 17);
            assertThat(reply.from()).isEqualTo(ALIAS + ":" + closed);
            assertThat(reply.to()).isEqualTo(GUEST + ":40000");
            assertThat(reply.payload()).isEqualTo(answer);
        }
        send(PacketBuilder.udp().from(GUEST, 40_000).to(ALIAS, closed).payload("question"));
        ParsedPacket error = next(packet -> packet.protocol() == 1);
        assertThat(error.icmpType()).isEqualTo(3);
        assertThat(error.icmpCode()).isEqualTo(3);
        assertThat(error.inner().from()).isEqualTo(GUEST + ":40000");
        gateway.close();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_forward_listens_on_the_host_and_leads_to_the_guest(SocketTransport transport) throws Exception {
        int port = freePort();
        NatGateway gateway = gateway(transport, "tcp " + port + " -> a:80");
        try (Socket client = new Socket(LOCAL, port)) {
            ParsedPacket syn = next(packet -> has(packet, SYN));
            assertThat(syn.source()).isEqualTo(ALIAS);
            assertThat(syn.to()).isEqualTo(GUEST + ":80");
            long peer = syn.sequence() + 1;
            send(PacketBuilder.tcp()
                    .from(GUEST, 80)
                    .to(ALIAS, syn.sourcePort())
                    .flags(SYN | ACK)
                    .sequence(5000, peer));
            next(packet -> has(packet, ACK));
            send(PacketBuilder.tcp()
                    .from(GUEST, 80)
                    .to(ALIAS, syn.sourcePort())
                    .flags(ACK | PSH)
                    .sequence(5001, peer)
                    .payload("hello"));
            assertThat(client.getInputStream().readNBytes(5)).asString().isEqualTo("hello");
            client.getOutputStream().write('x');
            assertThat(next(packet -> packet.payload().length > 0).payload()).containsExactly('x');
        }
        gateway.close();
    }
}
