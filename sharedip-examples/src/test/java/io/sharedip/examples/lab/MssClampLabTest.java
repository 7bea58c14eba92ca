package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A way outside that is narrower than its ends know, because somebody filters the ICMP errors that would tell them (RFC 2923
 * section 2.1).
 */
@Tag("lab")
class MssClampLabTest {
    private static final int OCTETS = 1_000_000;
    private static final int CLAMP = OneAddressNetwork.NARROW_MTU - 40;
    private static final int FULL = 1460;
    /** The size that a guest keeps to of itself. */
    private static final int MODEST = 900;

    private static final int CURL_TIMED_OUT = 28;
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Pattern MSS = Pattern.compile("Flags \\[S(\\.?)],.* options \\[mss (\\d+)");

    private static GatewayLab running;

    @BeforeAll
    static void start() throws IOException {
        running = GatewayLab.with(GatewayFile.withClaims("sockets"));
        OneAddressNetwork network = running.network();
        for (LabMachine router : List.of(network.router(), network.distantRouter())) {
            router.shell(
                    "nft add table ip strict",
                    "nft 'add chain ip strict out { type filter hook output priority 0; }'",
                    "nft add rule ip strict out icmp type destination-unreachable drop");
        }
        for (LabMachine end : List.of(network.guest("web"), network.guest("db"), network.far())) {
            // or they would find out by trying, after a while
            end.setting("ipv4/tcp_mtu_probing", 0);
        }
        Files.write(running.lab().directory().resolve("www-far-80/megabyte"), new byte[OCTETS]);
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    @Test
    void case14_without_clamping_what_fills_segments_hangs_on_the_narrow_way() {
        restart("none", 1500);
        LabMachine web = running.guest("web");
        assertThat(Pages.fetch(web, "http://" + FAR + "/").out()).isEqualTo("this is far\n");

        LabProgram download = download(web, 4);
        LabProgram upload = upload(web, 4);

        assertThat(download.await(PATIENCE).exit()).isEqualTo(CURL_TIMED_OUT);
        assertThat(upload.await(PATIENCE).exit()).isEqualTo(CURL_TIMED_OUT);
    }

    @ParameterizedTest
    @CsvSource({CLAMP + ", 1500", "link, " + OneAddressNetwork.NARROW_MTU})
    void case14_with_clamping_it_works_and_only_a_larger_mss_is_lowered(String setting, int uplinkMtu) {
        restart(setting, uplinkMtu);
        LabMachine web = running.guest("web");
        LabMachine modest = running.guest("db");
        modest.shell("ip route change default via " + OneAddressNetwork.ROUTER + " advmss " + MODEST);
        Capture atWeb = captureSyns(web);
        Capture atModest = captureSyns(modest);
        Capture atFar = captureSyns(running.network().far());

        LabProgram download = download(web, 20);
        LabProgram upload = upload(modest, 20);

        assertThat(download.await(PATIENCE).orThrow().out()).isEqualTo("200 " + OCTETS);
        assertThat(upload.await(PATIENCE).orThrow().out()).startsWith("200 ");
        assertThat(sizes(atWeb)).containsExactly("out " + FULL, "in " + CLAMP);
        assertThat(sizes(atModest)).containsExactly("out " + MODEST, "in " + CLAMP);
        assertThat(sizes(atFar)).containsExactlyInAnyOrder("out " + CLAMP, "in " + FULL, "out " + MODEST, "in " + FULL);
        assertThat(running.gateway().drops()).isEmpty();
    }

    private static void restart(String clamp, int uplinkMtu) {
        running.network().host().shell("ip link set up0 mtu " + uplinkMtu);
        running.network().router().shell("ip link set dn0 mtu " + uplinkMtu);
        running.restart(
                GatewayFile.withClaims("sockets").setting("nat: { tcp-tracking: { mss-clamp: " + clamp + " } }"));
    }

    private static LabProgram download(LabMachine guest, int seconds) {
        return curl(guest, seconds, "http://" + FAR + "/megabyte");
    }

    private static LabProgram upload(LabMachine guest, int seconds) {
        String file = running.lab().directory().resolve("www-far-80/megabyte").toString();
        return curl(guest, seconds, "http://" + FAR + "/cgi-bin/digest", "--data-binary", "@" + file);
    }

    private static LabProgram curl(LabMachine guest, int seconds, String url, String... options) {
        List<String> command = new ArrayList<>(List.of("curl", "-sS", "--max-time", Integer.toString(seconds)));
        command.addAll(List.of("-o", "/dev/null", "-w", "%{http_code} %{size_download}", "-H", "Expect:"));
        command.addAll(List.of(options));
        command.add(url);
        return guest.start(command);
    }

    private static Capture captureSyns(LabMachine machine) {
        return Capture.start(machine, "eth0", "tcp[tcpflags] & tcp-syn != 0 and host " + FAR);
    }

    /** The maximum segment sizes of SYNs from the gateway's inside, "out", and of the answers. */
    private static List<String> sizes(Capture capture) {
        return capture.stop().stream()
                .map(MSS::matcher)
                .filter(Matcher::find)
                .map(mss -> (mss.group(1).isEmpty() ? "out " : "in ") + mss.group(2))
                .toList();
    }
}
