package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.DISTANT_ROUTER;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NARROW_MTU;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Errors that routers and hosts outside send come back to the guest whose packet they are about. */
@Tag("lab")
class IcmpErrorsLabTest {
    private static GatewayLab running;

    @BeforeAll
    static void start() {
        running = GatewayLab.with(GatewayFile.withClaims("sockets"));
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--udp", "--icmp", "--tcp"})
    void traceroute_sees_both_routers(String method) {
        Outcome trace = running.guest("web").run("traceroute", method, "-n", "-q", "1", "-w", "3", FAR);

        List<String> hops = trace.lines().stream()
                .skip(1)
                .map(line -> line.trim().split("\\s+", -1)[1])
                .toList();
        assertThat(hops).as(trace.describe()).containsSubsequence(ROUTER, DISTANT_ROUTER, FAR);
    }

    @Test
    void a_guest_learns_the_path_mtu() {
        LabMachine guest = running.guest("db");

        Outcome ping = guest.run("ping", "-n", "-M", "do", "-s", "1450", "-c", "2", "-i", "0.2", "-W", "2", FAR);

        assertThat(ping.out() + ping.err()).contains("mtu = " + NARROW_MTU);
        assertThat(guest.run("ip", "route", "get", FAR).out()).contains("mtu " + NARROW_MTU);
    }

    @Test
    void big_transfers_pass_the_narrow_link_both_ways() {
        LabMachine guest = running.guest("mail");

        Outcome download = Pages.fetch(guest, "http://" + FAR + "/big");
        assertThat(download.exit()).as(download.describe()).isZero();
        assertThat(download.out()).isEqualTo("0123456789".repeat(WebServer.BIG / 10));

        String file = running.lab().directory().resolve("upload").toString();
        String digest = guest.shell("head -c 300000 /dev/urandom > " + file, "sha256sum < " + file)
                .out();
        Outcome posted =
                Pages.fetch(guest, "http://" + FAR + "/cgi-bin/digest", "-H", "Expect:", "--data-binary", "@" + file);
        assertThat(posted.out()).as(posted.describe()).isEqualTo(digest);
    }

    @Test
    void a_closed_udp_port_outside_is_told_to_the_guest() {
        Outcome dig = running.guest("web").run("dig", "+tries=1", "+time=5", "@" + NEAR, "-p", "5353", NameServer.NAME);

        assertThat(dig.out() + dig.err()).contains("connection refused");
    }

    @Test
    void a_closed_tcp_port_outside_is_told_to_the_guest() {
        Outcome refused = Pages.fetch(running.guest("web"), "http://" + NEAR + ":81/");

        assertThat(refused.exit()).as(refused.describe()).isEqualTo(7);
    }
}
