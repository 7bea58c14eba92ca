package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.ALIAS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.PRIVATE_ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Real DHCP clients, with the scripts that they come with, on guests that begin without an address; and real DNS clients. */
@Tag("lab")
class DhcpAndDnsLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static GatewayLab running;

    @BeforeAll
    static void start() {
        running = GatewayLab.with(GatewayFile.withClaims("sockets")
                .setting("dhcp: { lease-time: 10s, mtu: 1400, domain: guests.internal }")
                .setting("dns: { domain: guests.internal, answers: [intra.example A 192.0.2.99],"
                        + " blocked: [\"*.ads.example\"], routes: [. -> 127.0.0.1:5353],"
                        + " views: [{ guest: db, blocked: [far.example] }] }"));
        // the gateway asks by sockets of its host, as its own programs do
        running.network()
                .host()
                .start(
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
                        "--port=5353",
                        "--address=/far.example/" + FAR);
        Listening.await(running.network().host(), "udp", 5353, PATIENCE);
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    /** Runs a client that may write to {@code /etc} as it likes: to a copy that only it sees. */
    private static LabProgram client(LabMachine guest, String command) {
        Path etc = running.lab().directory().resolve("etc-" + guest.name());
        guest.shell("ip address flush dev eth0", "rm -rf " + etc, "mkdir " + etc, "cp -a /etc/. " + etc + " || true");
        return guest.start("unshare", "--mount", "sh", "-c", "mount --bind " + etc + " /etc && exec " + command);
    }

    private static List<String> resolverOf(LabMachine guest) {
        Path file = running.lab().directory().resolve("etc-" + guest.name()).resolve("resolv.conf");
        return guest.shell("cat " + file).lines();
    }

    private static void assertConfigured(LabMachine guest, String address, String router) {
        String card = guest.shell("ip address show dev eth0").out();
        assertThat(card).contains("inet " + address + "/24", "mtu 1400");
        assertThat(guest.shell("ip route show default").out()).startsWith("default via " + router + " dev eth0");
        assertThat(resolverOf(guest))
                .contains("nameserver " + ALIAS)
                .anyMatch(line -> line.contains("guests.internal"));
        assertThat(guest.run("curl", "-sS", "--max-time", "10", "-o", "/dev/null", "http://" + NEAR + "/")
                        .ok())
                .as("a page from outside")
                .isTrue();
    }

    @Test
    void udhcpc_gives_two_guests_the_shared_address_and_both_use_it() {
        LabMachine web = running.guest("web");
        LabMachine mail = running.guest("mail");
        for (LabMachine guest : List.of(web, mail)) {
            Outcome outcome = client(guest, "udhcpc -f -q -n -i eth0").await(PATIENCE);
            assertThat(outcome.ok()).as(outcome.describe()).isTrue();
            assertThat(outcome.err() + outcome.out()).contains("lease of " + ADDRESS + " obtained from " + ALIAS);
        }
        assertConfigured(web, ADDRESS, ROUTER);
        assertConfigured(mail, ADDRESS, ROUTER);
    }

    @Test
    void dhclient_gets_the_shared_address_and_renews_it() {
        LabMachine guest = running.guest("db");
        Path directory = running.lab().directory();
        try (LabProgram dhclient = client(
                guest,
                "dhclient -d -v -lf " + directory.resolve("db.leases") + " -pf " + directory.resolve("db.pid")
                        + " eth0")) {
            dhclient.awaitText("bound to " + ADDRESS, PATIENCE);
            assertConfigured(guest, ADDRESS, ROUTER);

            dhclient.awaitText("DHCPREQUEST for " + ADDRESS + " on eth0 to " + ALIAS + " port 67", PATIENCE);
            assertThat(guest.shell("ip address show dev eth0").out()).contains("inet " + ADDRESS + "/24");
        } finally {
            // The address that this client has set lives no longer than its lease, and other tests are the guest's too.
            running.network().readdress(guest, ADDRESS);
        }
    }

    @Test
    void a_guest_with_a_private_address_gets_a_router_that_linux_accepts() {
        LabMachine guest = running.network().privateGuest();
        Outcome outcome = client(guest, "udhcpc -f -q -n -i eth0").await(PATIENCE);
        assertThat(outcome.ok()).as(outcome.describe()).isTrue();
        assertConfigured(guest, PRIVATE_ADDRESS, "10.77.0.1");
    }

    @Test
    void dig_and_nslookup_ask_the_gateway_and_each_guest_has_its_view() {
        LabMachine web = running.guest("web");
        LabMachine own = running.network().privateGuest();
        String at = "@" + ALIAS;
        for (LabMachine guest : List.of(web, own)) {
            assertThat(guest.run("dig", at, "far.example").out()).contains("status: NOERROR", FAR);
            assertThat(guest.run("dig", at, "+tcp", "far.example").out()).contains(FAR, "(TCP)");
            assertThat(guest.run("dig", at, "+norec", "+noedns", "far.example").out())
                    .contains(FAR);
            assertThat(guest.run("dig", at, "x.ads.example").out()).contains("status: NXDOMAIN");
            assertThat(guest.run("nslookup", "intra.example", ALIAS).out()).contains("192.0.2.99");
        }
        assertThat(web.run("dig", at, "+short", "own.guests.internal").out()).contains(PRIVATE_ADDRESS);
        assertThat(web.run("dig", at, "+short", "mail.guests.internal").out()).contains(ALIAS);
        assertThat(own.run("dig", at, "+short", "mail.guests.internal").out()).contains(ADDRESS);
        assertThat(web.run("dig", at, "+short", "-x", PRIVATE_ADDRESS).out()).contains("own.guests.internal.");
        assertThat(running.guest("db").run("dig", at, "far.example").out()).contains("status: NXDOMAIN");

        Map<String, Long> counters = running.gateway().stats();
        for (String counter : List.of("dns.questions", "dns.own", "dns.blocked")) {
            assertThat(counters.get(counter)).as(counter).isPositive();
        }
    }

    @Test
    void a_probe_for_the_address_that_was_given_is_not_answered() {
        LabMachine guest = running.guest("web");
        client(guest, "udhcpc -f -q -n -a -i eth0").await(PATIENCE);
        assertThat(guest.shell("ip address show dev eth0").out()).contains("inet " + ADDRESS + "/24");
    }
}
