package io.sharedip.examples.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ControlSocketTest {

    private final FakeGateway gateway = new FakeGateway();
    private Path parent;
    private Path socket;
    private ControlServer server;

    /** Not a {@code @TempDir}: its path may be too long for a socket. */
    @BeforeEach
    void open() throws Exception {
        parent = Files.createTempDirectory("sg");
        socket = parent.resolve("gw").resolve("control.sock");
        server = ControlServer.bind(socket, Duration.ofSeconds(2));
        server.serve(new GatewayCommands(gateway));
    }

    @AfterEach
    void close() throws IOException {
        server.close();
        try (var files = Files.walk(parent)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(path -> path.toFile().delete());
        }
    }

    private SocketChannel connect() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    private String talk(SocketChannel channel, String request) throws IOException {
        channel.write(ByteBuffer.wrap((request + "\n").getBytes(StandardCharsets.UTF_8)));
        return readLine(channel);
    }

    private static String readLine(SocketChannel channel) throws IOException {
        InputStream in = Channels.newInputStream(channel);
        return new Lines(in, Integer.MAX_VALUE).next().orElse("");
    }

    private String ask(String request) throws IOException {
        try (SocketChannel channel = connect()) {
            return talk(channel, request);
        }
    }

    @Test
    void theAnswersHaveExactlyTheFieldsThatArePromised() throws Exception {
        gateway.addForward(PortForward.parse("tcp 192.0.2.10:8080 from 198.51.100.0/24 -> web:80"));
        gateway.replaceRules(FilterChain.parse("drop tcp from guest web to any port 25"));

        assertThat(ask("{\"v\":1,\"command\":\"flows\"}"))
                .isEqualTo("{\"v\":1,\"ok\":true,\"result\":[{\"guest\":\"web\",\"protocol\":\"tcp\","
                        + "\"inside\":\"192.0.2.10:40001\",\"outside\":\"192.0.2.10:61000\",\"peer\":\"198.51.100.1:443\","
                        + "\"state\":\"HALF_OPEN\",\"bytesOut\":120,\"bytesIn\":60,\"packetsOut\":2,\"packetsIn\":1,"
                        + "\"expiresInSeconds\":119}]}");
        assertThat(ask("{\"v\":1,\"command\":\"stats\"}"))
                .isEqualTo(
                        "{\"v\":1,\"ok\":true,\"result\":{\"flows\":1,\"mappings\":1,\"capacity\":5000,\"framesIn\":20,"
                                + "\"forwarded\":10,\"answered\":3,\"leftToHost\":2,\"held\":1,\"dropped\":4,\"eventsLost\":6,\"dns.questions\":7}}");
        assertThat(ask("{\"v\":1,\"command\":\"drops\"}"))
                .contains("\"RULE_DROPPED\":4", "\"RULE_REJECTED\":0", "\"LIMIT_FLOWS\":0");
        assertThat(ask("{\"v\":1,\"command\":\"forwards\"}"))
                .isEqualTo(
                        "{\"v\":1,\"ok\":true,\"result\":[{\"protocol\":\"tcp\","
                                + "\"outside\":\"192.0.2.10:8080 from 198.51.100.0/24\",\"guest\":\"web\",\"inside\":\"80\",\"hits\":3}]}");
        assertThat(ask("{\"v\":1,\"command\":\"rules\"}"))
                .isEqualTo("{\"v\":1,\"ok\":true,\"result\":["
                        + "{\"rule\":\"drop tcp from guest web to any port 25\",\"hits\":5}]}");
        assertThat(ask("{\"v\":1,\"command\":\"policies\"}"))
                .isEqualTo("{\"v\":1,\"ok\":true,\"result\":"
                        + "{\"ingress\":\"accept\",\"flow\":\"accept\",\"egress\":\"accept\"}}");
        assertThat(ask("{\"v\":1,\"command\":\"bindings\"}"))
                .isEqualTo("{\"v\":1,\"ok\":true,\"result\":[{\"guest\":\"web\",\"mac\":\"52:54:00:00:00:01\","
                        + "\"address\":\"192.0.2.10\",\"link\":\"pcap:vm1\",\"up\":true,\"violations\":7}]}");
    }

    @Test
    void severalRequestsMayFollowOnOneConnection() throws Exception {
        try (SocketChannel channel = connect()) {
            assertThat(talk(channel, "{\"v\":1,\"command\":\"forward-add\",\"forward\":\"tcp 8080 -> web:80\"}"))
                    .isEqualTo("{\"v\":1,\"ok\":true,\"result\":null}");
            assertThat(talk(channel, "{\"v\":1,\"command\":\"forwards\"}")).contains("\"8080\"");
            assertThat(talk(channel, "{\"v\":1,\"command\":\"forward-remove\",\"selector\":\"tcp 8080\"}"))
                    .contains("\"ok\":true");
            assertThat(talk(channel, "{\"v\":1,\"command\":\"forwards\"}")).contains("\"result\":[]");
        }
    }

    @Test
    void errorsAreToldInParts() throws Exception {
        assertThat(ask("{\"v\":1,\"command\":\"forward-add\",\"forward\":\"tcp 8080 -> nas\"}"))
                .isEqualTo("{\"v\":1,\"ok\":false,\"error\":{\"kind\":\"refused\",\"setting\":\"forward\","
                        + "\"value\":\"tcp 8080 -> nas:8080\",\"problem\":\"leads to a guest that does not exist\","
                        + "\"cure\":\"add the guest first\"}}");
        assertThat(ask("{\"v\":1,\"command\":\"forward-add\",\"forward\":\"tcp 8080\"}"))
                .contains("\"ok\":false", "\"kind\":\"syntax\"");
        assertThat(ask("{\"v\":1,\"command\":\"forward-add\"}")).contains("lacks the field 'forward'");
        assertThat(ask("{\"v\":1,\"command\":\"address-change\",\"address\":\"192.0.2.11/24\"}"))
                .contains("lacks the field 'router'");
        assertThat(ask("{\"v\":1,\"command\":\"address-change\",\"address\":\"192.0.2.11/24\","
                        + "\"router\":\"192.0.2.1\",\"flows\":\"save\"}"))
                .contains("\"setting\":\"flows\"", "use keep or flush");
        assertThat(ask("{\"v\":2,\"command\":\"flows\"}")).contains("v 2", "\"ok\":false");
        assertThat(ask("{\"v\":1,\"command\":\"dance\"}")).contains("is not a command of this gateway");
        assertThat(ask("hello")).contains("is not JSON");
        assertThat(ask("[]")).contains("is not a JSON object");
        assertThat(ask("{\"v\":1}")).contains("names no command");
    }

    @Test
    void unknownFieldsArePassedOver() throws Exception {
        assertThat(ask("{\"v\":1,\"new\":{\"a\":[1,{}]},\"command\":\"stats\",\"more\":true}"))
                .contains("\"ok\":true");
    }

    @Test
    void aRequestThatIsTooLongIsRefused() throws Exception {
        try (SocketChannel channel = connect()) {
            byte[] most = new byte[ControlServer.LONGEST_REQUEST + 1];
            Arrays.fill(most, (byte) ' ');
            channel.write(ByteBuffer.wrap(most));
            assertThat(readLine(channel)).contains("is longer than 1048576 octets");
            assertThat(readLine(channel)).isEmpty();
        }
    }

    @Test
    void rulesKeepTheDefaultsThatTheTextDoesNotName() throws Exception {
        new ControlClient(socket).ask(replace("default drop\ndefault reject hook egress # late\n"), r -> {});
        new ControlClient(socket)
                .ask(replace("# comment\n\naccept from any to host\ndefault drop hook ingress\n"), r -> {});

        assertThat(gateway.filterChain().toCompletableFuture().join())
                .isEqualTo(FilterChain.parse("default drop hook ingress\ndefault drop\n"
                        + "default reject hook egress\naccept from any to host\n"));
    }

    private static Request replace(String text) {
        return Request.of("rules-replace", "rules", text);
    }

    @Test
    void theClientTellsRefusalsFromSilence() throws Exception {
        ControlClient client = new ControlClient(socket);
        RefusedException refused = assertThrows(
                RefusedException.class, () -> client.ask(Request.of("forward-remove", "selector", "tcp 1"), r -> {}));
        assertThat(refused)
                .hasMessage("forward: 'tcp 1' does not exist; 'forwards' shows those that do")
                .matches(e -> !e.isSyntax());
        assertThat(assertThrows(RefusedException.class, () -> client.ask(replace("drop all"), r -> {}))
                        .isSyntax())
                .isTrue();

        server.close();
        assertThatThrownBy(() -> client.ask(Request.of("stats"), r -> {}))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("no gateway answers on the control socket " + socket);
    }

    @Test
    void aClientThatDoesNotReadHoldsUpNobodyAndIsDropped() throws Exception {
        gateway.flowCount = 200_000;
        try (SocketChannel slow = connect()) {
            slow.write(ByteBuffer.wrap("{\"v\":1,\"command\":\"flows\"}\n".getBytes(StandardCharsets.UTF_8)));
            assertThat(ask("{\"v\":1,\"command\":\"stats\"}")).contains("\"ok\":true");
            Thread.sleep(3000);
            String rest = new String(Channels.newInputStream(slow).readAllBytes(), StandardCharsets.UTF_8);
            assertThat(rest).startsWith("{\"v\":1,\"ok\":true,").doesNotEndWith("\n");
        }
    }

    @Test
    void aClientThatSaysNothingIsDropped() throws Exception {
        try (SocketChannel idle = connect()) {
            assertThat(readLine(idle)).isEmpty();
        }
    }

    @Test
    void tooManyClientsAreTurnedAwayAndComeInLater() throws Exception {
        List<SocketChannel> crowd = new ArrayList<>();
        for (int i = 0; i < ControlServer.MOST_CLIENTS; i++) {
            SocketChannel channel = connect();
            crowd.add(channel);
            assertThat(talk(channel, "{\"v\":1,\"command\":\"stats\"}")).contains("\"ok\":true");
        }
        assertThatThrownBy(() -> new ControlClient(socket).ask(Request.of("stats"), r -> {}))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("16 clients are connected already");
        for (SocketChannel channel : crowd) {
            channel.close();
        }
        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .untilAsserted(
                        () -> assertThat(ask("{\"v\":1,\"command\":\"stats\"}")).contains("\"ok\":true"));
    }

    @Test
    void directoryAndSocketAreTheOwnersAlone() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket.getParent())))
                .isEqualTo("rwx------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
    }

    @Test
    void aDirectoryThatOthersMayEnterIsRefused() throws Exception {
        Path open = Files.createDirectory(parent.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-x---"));
        assertThatThrownBy(() -> ControlServer.bind(open.resolve("control.sock")))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("can be entered by other users; run: chmod 700 " + open);

        Path link = Files.createSymbolicLink(parent.resolve("link"), socket.getParent());
        assertThatThrownBy(() -> ControlServer.bind(link.resolve("other.sock")))
                .hasMessageContaining("name the directory itself");
    }

    @Test
    void aSocketOnWhichAGatewayAnswersIsNotTakenAway() {
        assertThatThrownBy(() -> ControlServer.bind(socket))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("another gateway answers on the control socket " + socket);
    }

    @Test
    void aSocketLeftBehindIsReplacedAndRemovedAtTheEnd() throws Exception {
        server.close();
        assertThat(socket).doesNotExist();
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(socket));
        }
        assertThat(Files.exists(socket)).isTrue();
        server = ControlServer.bind(socket);
        server.serve(new GatewayCommands(gateway));
        assertThat(ask("{\"v\":1,\"command\":\"stats\"}")).contains("\"ok\":true");
    }

    @Test
    void anOrdinaryFileIsNotRemoved() throws Exception {
        Path file = Files.writeString(socket.resolveSibling("notes.txt"), "mine");
        assertThatThrownBy(() -> ControlServer.bind(file)).hasMessageContaining("a file of that name exists");
        assertThat(file).hasContent("mine");
    }

    @Test
    void thePathIsFoundWithoutBeingSaid() {
        Path temporary = Path.of("/tmp");
        assertThat(ControlPath.fallback(Map.of("XDG_RUNTIME_DIR", "/run/user/7"), temporary))
                .isEqualTo(Path.of("/run/user/7/sharedip-gateway.sock"));
        Path own = Path.of("/tmp/sharedip-gateway-" + ControlPath.uid() + "/sharedip-gateway.sock");
        assertThat(ControlPath.fallback(Map.of(), temporary)).isEqualTo(own);
        assertThat(ControlPath.fallback(Map.of("XDG_RUNTIME_DIR", "relative"), temporary))
                .isEqualTo(own);
    }
}
