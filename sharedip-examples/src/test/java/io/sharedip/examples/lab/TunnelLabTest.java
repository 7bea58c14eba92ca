package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.PRIVATE_ADDRESS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tunnels of guests to the near machine: GRE (RFC 2784) and IP in IP (RFC 2003), translated by address alone. Not every kernel has
 * them, so socat makes them of a TUN device and a raw socket: the four octets that Linux puts before a packet of such a device, no
 * flags and the protocol's EtherType, are a GRE header. tcpdump tells whether what passes is what it should be.
 */
@Tag("lab")
class TunnelLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int GRE = 47;
    private static final int IP_IN_IP = 4;
    private static final String INSIDE = "172.16.7.1";
    private static final String OUTSIDE = "172.16.7.2";

    private static GatewayFile file(GatewayFile file) {
        return file.setting("nat: { protocols: [gre, ipip] }");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sockets", "firewall"})
    void case19_pings_pass_through_tunnels_of_two_guests_and_the_kernel_answers_neither(String claims) {
        try (GatewayLab running = GatewayLab.with(file(GatewayFile.withClaims(claims)))) {
            LabMachine near = running.network().near();
            LabMachine own = running.network().privateGuest();
            LabMachine web = running.guest("web");
            Capture answers = Capture.start(running.network().router(), "dn0", GatewayLab.KERNEL_ANSWERS);
            Capture outside = Capture.start(near, "eth0", "ip proto 47 or ip proto 4");
            tunnel(near, GRE, NEAR, ADDRESS, OUTSIDE);
            tunnel(own, GRE, PRIVATE_ADDRESS, NEAR, INSIDE);
            tunnel(web, IP_IN_IP, ADDRESS, NEAR, "172.16.4.1");
            tunnel(near, IP_IN_IP, NEAR, ADDRESS, "172.16.4.2");

            ping(own, OUTSIDE, 1000);
            ping(web, "172.16.4.2", 1000);
            ping(near, INSIDE, 1000);
            ping(near, "172.16.4.1", 1000);

            assertThat(answers.stop()).as("ICMP errors on the uplink").isEmpty();
            assertThat(outside.stop())
                    .anyMatch(line -> line.contains(" IP " + ADDRESS + " > " + NEAR + ": GREv0, ")
                            && line.contains(INSIDE + " > " + OUTSIDE + ": ICMP echo request"))
                    .anyMatch(line -> line.contains(
                            " IP " + ADDRESS + " > " + NEAR + ": IP 172.16.4.1 > 172.16.4.2: ICMP echo request"))
                    .allMatch(line -> line.contains(" IP " + ADDRESS + " > " + NEAR + ": ")
                            || line.contains(" IP " + NEAR + " > " + ADDRESS + ": "));
            assertThat(running.gateway().flows())
                    .extracting(FlowRow::guest, FlowRow::protocol)
                    .contains(tuple("own", "47"), tuple("web", "4"));
            assertThat(running.gateway().drops()).isEmpty();

            tunnel(web, GRE, ADDRESS, NEAR, "172.16.7.5");
            web.run("ping", "-n", "-c", "1", "-W", "1", "172.16.7.6");
            assertThat(running.gateway().drops())
                    .as("one guest at a time has a protocol with a peer")
                    .containsOnlyKeys("TUPLE_IN_USE");
        }
    }

    @Test
    void case19_without_claims_the_kernel_would_answer() {
        try (GatewayLab running = GatewayLab.with(file(GatewayFile.withoutClaims()))) {
            Capture answers = Capture.start(running.network().router(), "dn0", GatewayLab.KERNEL_ANSWERS);
            tunnel(running.network().near(), GRE, NEAR, ADDRESS, OUTSIDE);
            tunnel(running.network().privateGuest(), GRE, PRIVATE_ADDRESS, NEAR, INSIDE);

            running.network().privateGuest().run("ping", "-n", "-c", "1", "-W", "1", OUTSIDE);

            Waiting.require(
                    "the kernel's answer",
                    PATIENCE,
                    () -> answers.lines().stream()
                            .anyMatch(line -> line.contains(ADDRESS + " protocol 47 unreachable")));
        }
    }

    private static void tunnel(LabMachine machine, int protocol, String from, String to, String address) {
        String device = "tun" + protocol;
        String options = ",tun-type=tun,tun-name=" + device + ",iff-up" + (protocol == GRE ? "" : ",no-pi");
        machine.start(
                "socat", "TUN:" + address + "/30" + options, "IP4-SENDTO:" + to + ":" + protocol + ",bind=" + from);
        Waiting.require(
                device + " of " + machine,
                PATIENCE,
                () -> machine.run("ip", "-br", "link", "show", "dev", device).ok());
        machine.shell("ip link set " + device + " mtu 1400");
    }

    private static void ping(LabMachine machine, String address, int octets) {
        Outcome ping =
                machine.run("ping", "-n", "-c", "3", "-i", "0.2", "-W", "5", "-s", Integer.toString(octets), address);
        assertThat(ping.exit()).as(ping.describe()).isZero();
    }
}
