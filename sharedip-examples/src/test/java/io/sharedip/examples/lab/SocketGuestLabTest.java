package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What programs of a guest see through sockets of the host, beside what the host's own programs see. */
@Tag("lab")
class SocketGuestLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int SERVICE = 7100;
    private static final String METADATA = "169.254.169.254";
    private static final String OTHER_ADDRESS = "172.16.5.1";
    private static final String NO_HOST = "198.51.100.77";
    private static final String PROHIBITED = "198.51.100.78";
    private static final String NO_ROUTE_OF_HOST = "203.0.113.200";

    private static SocketLab running;
    private static LabMachine web;

    @BeforeAll
    static void start() {
        running = SocketLab.with(GatewayFile.withSockets(), 1500);
        web = running.join("web", 1500);
        running.echoOn(running.near(), 7000);
        running.network().router().shell("ip route add unreachable " + NO_HOST, "ip route add prohibit " + PROHIBITED);
        running.near()
                .shell(
                        "nft add table ip test",
                        "nft 'add chain ip test in { type filter hook input priority 0; }'",
                        "nft add rule ip test in tcp dport 7011 drop",
                        "nft add rule ip test in tcp dport 7012 reject");
        running.host()
                .shell(
                        "ip route add unreachable " + NO_ROUTE_OF_HOST,
                        "ip address add " + METADATA + "/32 dev lo",
                        "ip address add " + OTHER_ADDRESS + "/32 dev up0");
        for (LabMachine machine : List.of(running.host(), web)) {
            machine.setting("ipv4/tcp_syn_retries", 1);
        }
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                NEAR + ":7010",
                NEAR + ":7011",
                NEAR + ":7012",
                NO_HOST + ":80",
                PROHIBITED + ":80",
                NO_ROUTE_OF_HOST + ":80"
            })
    void connecting_fails_in_the_guest_as_it_fails_on_the_host(String destination) {
        LabProgram onHost = connect(running.host(), destination);
        LabProgram inGuest = connect(web, destination);

        String expected = failure(onHost.await(PATIENCE));
        assertThat(expected).isNotEmpty();
        assertThat(failure(inGuest.await(PATIENCE))).isEqualTo(expected);
    }

    private static LabProgram connect(LabMachine machine, String destination) {
        return machine.start("socat", "-u", "/dev/null", "TCP:" + destination);
    }

    /** What the kernel said to the last call that failed. */
    private static String failure(Outcome outcome) {
        List<String> lines = outcome.err().lines().toList();
        String last = lines.isEmpty() ? "" : lines.get(lines.size() - 1);
        return last.substring(last.lastIndexOf(": ") + 1);
    }

    @Test
    void the_guest_hears_that_a_udp_port_is_closed_and_keeps_its_source_port() {
        String question = "echo hello | socat -t 3 - UDP:" + NEAR + ":";
        assertThat(web.run("sh", "-c", question + "7013").err()).contains("Connection refused");

        running.near().start("socat", "-t", "10", "UDP-RECVFROM:7014,fork", "SYSTEM:echo $SOCAT_PEERPORT");
        Listening.await(running.near(), "udp", 7014, PATIENCE);
        assertThat(web.run("sh", "-c", question + "7014,sourceport=40002")
                        .orThrow()
                        .out())
                .isEqualTo("40002\n");
    }

    @Test
    void datagrams_of_any_size_come_back_whole() {
        Outcome outcome = running.java(web, DatagramEcho.class, NEAR, "7000", "1", "1472", "1473", "9000", "65507")
                .await(PATIENCE);

        assertThat(outcome.exit()).as(outcome.describe()).isZero();
        assertThat(outcome.lines()).hasSize(5).last().isEqualTo("echoed 65507");
    }

    /** One side has said all, and then hears 20 MB. */
    @Test
    void a_half_closed_connection_carries_all_that_the_other_side_still_says() {
        running.exchange(web, 20_000_000, 0, PATIENCE);
        running.exchange(web, 0, 20_000_000, PATIENCE);
    }

    @Test
    void the_host_is_closed_to_guests_until_a_rule_opens_it() {
        running.host()
                .start(
                        "socat",
                        "-t",
                        "10",
                        "TCP-LISTEN:" + SERVICE + ",fork,reuseaddr",
                        "SYSTEM:read question; echo tcp");
        running.host()
                .start("socat", "-t", "10", "UDP-RECVFROM:" + SERVICE + ",fork", "SYSTEM:read question; echo udp");
        Listening.await(running.host(), "tcp", SERVICE, PATIENCE);
        Listening.await(running.host(), "udp", SERVICE, PATIENCE);
        List<String> addresses = List.of(ROUTER, METADATA, OTHER_ADDRESS);

        for (String address : addresses) {
            assertThat(ask(web, "TCP", address).err()).as(address).contains("Connection refused");
            assertThat(ask(web, "UDP", address).out()).as(address).isEmpty();
        }
        assertThat(running.gateway().drops())
                .hasEntrySatisfying(
                        "HOST_DENIED", count -> assertThat(count).isGreaterThanOrEqualTo(2L * addresses.size()));

        running.gateway()
                .replaceRules(
                        "accept tcp from guest web to host port " + SERVICE,
                        "accept udp from guest web to host port " + SERVICE);
        try {
            for (String address : addresses) {
                assertThat(ask(web, "TCP", address).out()).as(address).isEqualTo("tcp\n");
                assertThat(ask(web, "UDP", address).out()).as(address).isEqualTo("udp\n");
            }
        } finally {
            running.gateway().replaceRules("# none");
        }
        assertThat(ask(web, "TCP", METADATA).err()).contains("Connection refused");
    }

    /** The control socket is one of the file system; and nothing else listens that a guest could call. */
    @Test
    void the_gateway_listens_on_no_port_that_it_was_not_told_to() {
        ask(web, "UDP", NEAR);

        assertThat(running.host().run("ss", "-Hltnp").orThrow().out()).doesNotContain("java");
    }

    private static Outcome ask(LabMachine machine, String protocol, String address) {
        return machine.run("sh", "-c", "echo hello | socat -t 2 - " + protocol + ":" + address + ":" + SERVICE);
    }
}
