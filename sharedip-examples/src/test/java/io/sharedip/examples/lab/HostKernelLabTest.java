package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The host's kernel sees every packet for the shared address, and leaves alone those for guests. What it sends is counted twice:
 * captured behind the host's card, and by the kernel's own output hook, which the gateway's frames do not pass.
 */
@Tag("lab")
class HostKernelLabTest {
    private static final Pattern PACKETS = Pattern.compile("packets (\\d+)");

    @ParameterizedTest
    @ValueSource(strings = {"sockets", "firewall"})
    void the_kernel_answers_no_packet_that_is_for_a_guest(String claims) {
        try (GatewayLab running = GatewayLab.with(GatewayFile.withClaims(claims))) {
            countKernelAnswers(running.network().host());
            Capture capture = Capture.start(running.network().router(), "dn0", GatewayLab.KERNEL_ANSWERS);

            assertThat(running.network().guests()).allSatisfy(HostKernelLabTest::makesTraffic);

            assertThat(capture.stop())
                    .as("resets and ICMP errors on the uplink")
                    .isEmpty();
            assertThat(kernelAnswers(running.network().host()))
                    .as("what the kernel itself sent")
                    .isZero();
        }
    }

    @Test
    void without_claims_it_would_answer() {
        try (GatewayLab running = GatewayLab.with(GatewayFile.withoutClaims())) {
            countKernelAnswers(running.network().host());
            Capture capture = Capture.start(running.network().router(), "dn0", GatewayLab.KERNEL_ANSWERS);

            Outcome page = Pages.fetch(running.guest("web"), "http://" + NEAR + "/");
            lookUp(running.guest("db"));

            assertThat(page.ok()).as(page.describe()).isFalse();
            List<String> answers = capture.stop();
            assertThat(answers).anyMatch(line -> line.contains("Flags [R"));
            assertThat(answers).anyMatch(line -> line.contains("unreachable"));
            assertThat(kernelAnswers(running.network().host())).isPositive();
        }
    }

    private static void makesTraffic(LabMachine guest) {
        Outcome near = Pages.fetch(guest, "http://" + NEAR + "/big");
        assertThat(near.out()).as(near.err()).hasSize(WebServer.BIG);
        Outcome far = Pages.fetch(guest, "http://" + FAR + "/");
        assertThat(far.out()).as(far.err()).isEqualTo("this is far\n");
        assertThat(lookUp(guest).out()).isEqualTo(FAR + "\n");
        Outcome ping = guest.run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", FAR);
        assertThat(ping.exit()).as(ping.describe()).isZero();
        Outcome trace = guest.run("traceroute", "-n", "-q", "1", "-w", "2", FAR);
        assertThat(trace.out()).contains(" " + FAR + " ");
    }

    private static Outcome lookUp(LabMachine guest) {
        return guest.run("dig", "+short", "+tries=1", "+time=3", "@" + NEAR, NameServer.NAME);
    }

    private static void countKernelAnswers(LabMachine host) {
        host.shell(
                "nft add table ip lab",
                "nft 'add chain ip lab sent { type filter hook output priority 0; }'",
                "nft 'add rule ip lab sent oifname up0 tcp flags & rst == rst counter'",
                "nft 'add rule ip lab sent oifname up0 icmp type != { echo-request, echo-reply } counter'");
    }

    private static long kernelAnswers(LabMachine host) {
        Matcher packets = PACKETS.matcher(host.shell("nft list table ip lab").out());
        return packets.results()
                .mapToLong(result -> Long.parseLong(result.group(1)))
                .sum();
    }
}
