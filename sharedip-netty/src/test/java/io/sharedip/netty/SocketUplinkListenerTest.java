package io.sharedip.netty;

import static io.sharedip.netty.UplinkRig.LOOPBACK;
import static io.sharedip.netty.UplinkRig.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.PortClaimException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.HostListener;
import io.sharedip.uplink.HostStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections that come in, from plain sockets on the loopback. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(NothingLeaks.class)
class SocketUplinkListenerTest {

    private static final InetAddress LOCAL = InetAddress.getLoopbackAddress();

    /** Takes every connection and notes who it is from. */
    private static final class Taking implements HostListener.Acceptor {

        final UplinkRig rig;
        final List<StreamEvents> taken = new CopyOnWriteArrayList<>();
        final List<String> clients = new CopyOnWriteArrayList<>();

        Taking(UplinkRig rig) {
            this.rig = rig;
        }

        @Override
        public HostStream.Handler accepted(HostStream stream, int client, int clientPort) {
            StreamEvents events = new StreamEvents(rig);
            events.stream = stream;
            events.inCall = false;
            clients.add(Ipv4Address.ofBits(client) + ":" + clientPort);
            taken.add(events);
            return events;
        }

        StreamEvents only() {
            until(() -> taken.size() == 1);
            return taken.get(0);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_client_is_told_by_its_address_and_nothing_is_read_before_it_is_requested(SocketTransport transport)
            throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport)) {
            Taking acceptor = new Taking(rig);
            HostListener listener = rig.listen(acceptor);
            try (Socket client = new Socket(LOCAL, listener.localPort())) {
                StreamEvents stream = acceptor.only();
                assertThat(acceptor.clients).containsExactly("127.0.0.1:" + client.getLocalPort());
                client.getOutputStream().write(new byte[] {1, 2, 3});
                rig.letItHappen();
                assertThat(stream.received).hasValue(0);
                stream.request(10);
                until(() -> stream.received.get() == 3);
                stream.write(new byte[] {7});
                assertThat(client.getInputStream().read()).isEqualTo(7);
                assertThat(stream.events).isEmpty();
                client.shutdownOutput();
                stream.await("end");
                rig.close(stream.stream);
                assertThat(client.getInputStream().read()).isEqualTo(-1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_connection_that_is_not_taken_is_reset(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport)) {
            HostListener listener = rig.listen((stream, client, port) -> null);
            try (Socket client = new Socket(LOCAL, listener.localPort())) {
                assertThatThrownBy(() -> client.getInputStream().read()).hasMessageContaining("reset");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_closed_listener_refuses_and_its_connections_go_on(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport)) {
            Taking acceptor = new Taking(rig);
            HostListener listener = rig.listen(acceptor);
            int port = listener.localPort();
            try (Socket client = new Socket(LOCAL, port)) {
                StreamEvents stream = acceptor.only();
                rig.run(listener::close);
                rig.run(listener::close);
                until(() -> refuses(port));
                stream.request(10);
                client.getOutputStream().write(5);
                until(() -> stream.received.get() == 1);
                // the same port again, though its old connection is still there
                HostListener again =
                        rig.get(() -> rig.uplink.listen(Optional.of(Ipv4Address.ofBits(LOOPBACK)), port, acceptor));
                new Socket(LOCAL, port).close();
                until(() -> acceptor.taken.size() == 2);
                rig.run(again::close);
            }
        }
    }

    private static boolean refuses(int port) {
        try {
            new Socket(LOCAL, port).close();
            return false;
        } catch (IOException refused) {
            return true;
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void it_listens_on_every_address_or_on_one(SocketTransport transport) throws IOException {
        InetAddress second = Ipv4Address.of(127, 0, 0, 2).toInetAddress();
        try (UplinkRig rig = UplinkRig.on(transport)) {
            Taking acceptor = new Taking(rig);
            HostListener one = rig.listen(acceptor);
            assertThatThrownBy(() -> new Socket(second, one.localPort())).hasMessageContaining("refused");
            HostListener any = rig.get(() -> rig.uplink.listen(Optional.empty(), 0, acceptor));
            try (Socket client = new Socket(second, any.localPort())) {
                acceptor.only();
                assertThat(acceptor.clients).containsExactly("127.0.0.1:" + client.getLocalPort());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_port_in_use_is_refused_with_the_program_that_has_it(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket held = new ServerSocket(0, 1, LOCAL)) {
            int port = held.getLocalPort();
            for (Optional<Ipv4Address> address :
                    List.of(Optional.of(Ipv4Address.ofBits(LOOPBACK)), Optional.<Ipv4Address>empty())) {
                assertThatThrownBy(() -> rig.run(() -> rig.uplink.listen(address, port, (s, c, p) -> null)))
                        .isInstanceOf(PortClaimException.class)
                        .hasMessageContaining("is held by program 'java' (process "
                                + ProcessHandle.current().pid() + "); stop the program or choose another port")
                        .hasMessageContaining("tcp " + (address.isPresent() ? "127.0.0.1:" : "") + port);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void an_address_of_another_host_is_refused(SocketTransport transport) {
        try (UplinkRig rig = UplinkRig.on(transport)) {
            assertThatThrownBy(() -> rig.run(() ->
                            rig.uplink.listen(Optional.of(Ipv4Address.of(192, 0, 2, 77)), 8080, (s, c, p) -> null)))
                    .isInstanceOf(PortClaimException.class)
                    .hasMessageContaining("192.0.2.77 is not an address of this host");
        }
    }
}
