package io.sharedip.netty.internal.dns;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.dns.DnsSettings;
import io.sharedip.dns.DnsView;
import io.sharedip.dns.DomainName;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real clients, dig and nslookup, ask the forwarder, which asks a real server, dnsmasq; on loopback, with a test for the gateway. */
@Tag("lab")
class DigLabTest {

    @TempDir
    private static Path directory;

    private static DnsRig rig;
    private static DatagramSocket udp;
    private static ServerSocket tcp;
    private static Process dnsmasq;

    @BeforeAll
    static void start() throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, loopback)) {
            port = free.getLocalPort();
        }
        List<String> command = new ArrayList<>(List.of(
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-resolv",
                "--no-hosts",
                "--user=root",
                "--group=root",
                "--pid-file=",
                "--listen-address=127.0.0.1",
                "--bind-interfaces",
                "--port=" + port,
                "--address=/far.example/203.0.113.9",
                "--mx-host=far.example,mail.far.example,10",
                "--local=/nowhere.example/"));
        for (int i = 1; i <= 60; i++) {
            command.add("--host-record=many.example,10.1.0." + i);
        }
        dnsmasq = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("dnsmasq.log").toFile())
                .start();
        Awaitility.await().atMost(20, TimeUnit.SECONDS).until(() -> {
            try (Socket socket = new Socket(loopback, port)) {
                return socket.isConnected();
            } catch (IOException e) {
                return false;
            }
        });
        rig = new DnsRig(DnsSettings.builder()
                        .domain(DomainName.parse("guests.internal"))
                        .common(DnsView.EMPTY.withBlocked("*.ads.example").withRoutes(". -> 127.0.0.1:" + port))
                        .build())
                .guest("web", "10.77.0.4");
        tcp = new ServerSocket(0, 50, loopback);
        udp = new DatagramSocket(new InetSocketAddress(loopback, tcp.getLocalPort()));
        background(DigLabTest::serveUdp);
        background(DigLabTest::serveTcp);
    }

    @AfterAll
    static void stop() throws IOException {
        udp.close();
        tcp.close();
        rig.close();
        dnsmasq.destroy();
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void background(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // closed
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static void serveUdp() throws IOException {
        byte[] room = new byte[4096];
        while (true) {
            DatagramPacket packet = new DatagramPacket(room, room.length);
            udp.receive(packet);
            rig.send("web", Arrays.copyOf(room, packet.getLength()));
            byte[] answer = rig.receive("web");
            udp.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
        }
    }

    private static void serveTcp() throws IOException {
        while (true) {
            try (Socket socket = tcp.accept()) {
                DnsRig.Stream stream = rig.new Stream("web");
                stream.request(1 << 20);
                byte[] room = new byte[1024];
                int length = socket.getInputStream().read(room);
                assertThat(stream.write(Arrays.copyOf(room, length))).isEqualTo(length);
                byte[] answer = stream.take().toWire();
                socket.getOutputStream().write(new byte[] {(byte) (answer.length >>> 8), (byte) answer.length});
                socket.getOutputStream().write(answer);
            }
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Path log = Files.createTempFile(directory, "client", ".log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return Files.readString(log, StandardCharsets.UTF_8);
    }

    private static String dig(String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("dig", "@127.0.0.1", "-p", String.valueOf(tcp.getLocalPort())));
        command.addAll(List.of(words));
        return run(command.toArray(new String[0]));
    }

    @Test
    void dig_asks_by_udp_with_and_without_edns_and_recursion() throws Exception {
        assertThat(dig("+noedns", "far.example"))
                .contains("status: NOERROR", "203.0.113.9")
                .doesNotContain("EDNS");
        assertThat(dig("+edns=0", "+bufsize=4096", "far.example"))
                .contains("203.0.113.9", "EDNS: version: 0", "udp: 1232");
        assertThat(dig("+norec", "far.example")).contains("203.0.113.9").doesNotContain("flags: qr rd");
        assertThat(dig("+ednsopt=65001:abcd", "+cookie", "far.example"))
                .contains("203.0.113.9")
                .doesNotContain("Warning");
        assertThat(dig("+dnssec", "far.example")).contains("203.0.113.9", "flags: do");
        assertThat(dig("+edns=1", "+noednsnegotiation", "far.example")).contains("status: BADVERS");
        assertThat(dig("far.example", "MX")).contains("10 mail.far.example.");
    }

    @Test
    void dig_falls_back_to_tcp_when_an_answer_does_not_fit() throws Exception {
        assertThat(dig("+noedns", "+ignore", "many.example")).contains(" tc", "ANSWER: 0");
        assertThat(dig("+noedns", "many.example")).contains("Truncated, retrying in TCP mode", "ANSWER: 60");
        assertThat(dig("+tcp", "many.example")).contains("ANSWER: 60");
    }

    @Test
    void dig_is_told_what_the_gateway_says_itself() throws Exception {
        assertThat(dig("x.ads.example")).contains("status: NXDOMAIN");
        assertThat(dig("nowhere.example")).contains("status: NXDOMAIN");
        assertThat(dig("web.guests.internal")).contains("10.77.0.4", "flags: qr aa rd ra");
        assertThat(dig("-x", "10.77.0.4")).contains("web.guests.internal.");
        assertThat(dig("version.bind", "TXT", "CH")).contains("status: REFUSED");
    }

    @Test
    void nslookup_finds_a_name() throws Exception {
        assertThat(run("nslookup", "-port=" + tcp.getLocalPort(), "far.example", "127.0.0.1"))
                .contains("Address: 203.0.113.9");
    }
}
