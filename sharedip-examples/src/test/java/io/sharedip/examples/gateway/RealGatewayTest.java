package io.sharedip.examples.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.Guest;
import io.sharedip.SharedIp;
import io.sharedip.address.MacAddress;
import io.sharedip.event.SharedIpListener;
import io.sharedip.examples.gateway.config.GatewayFile;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.uplink.PacketUplink;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** The commands and the engine together, on links in memory. */
@Timeout(60)
class RealGatewayTest {

    private final StopSignal stop = new StopSignal();
    private final InProcessLink uplink =
            InProcessLink.named("memory:up").withMacAddress(MacAddress.parse("02:00:00:00:00:01"));
    private final InProcessLink guest = InProcessLink.named("memory:web");
    private Path directory;
    private Path socket;
    private CompletableFuture<Integer> running;

    @BeforeEach
    void start() throws Exception {
        directory = Files.createTempDirectory("sg");
        socket = directory.resolve("control.sock");
        Path file = Files.writeString(directory.resolve("gw.yaml"), """
                address: 192.0.2.10
                prefix: 192.0.2.0/24
                router: 192.0.2.1
                uplink: { pcap: up0, address-is-own: true }
                guests:
                  - { name: web, mac: "52:54:00:00:00:01", address: 192.0.2.10, link: { pcap: vm1 } }
                """);
        running = CompletableFuture.supplyAsync(
                () -> line(new StringWriter()).execute("run", "-q", file.toString(), "--control", socket.toString()),
                OwnThread::start);
        Awaitility.await().until(() -> running.isDone() || execute("stats").startsWith("0"));
        assertThat(running).isNotDone();
    }

    @AfterEach
    void clean() throws Exception {
        stop.request();
        assertThat(running.get(20, TimeUnit.SECONDS)).isZero();
        try (var files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(path -> path.toFile().delete());
        }
    }

    private SharedIp assemble(GatewayFile file, SharedIpListener listener) {
        NatGatewayBuilder builder = NatGateway.builder()
                .address(file.address())
                .prefix(file.prefix())
                .router(file.router())
                .uplink(PacketUplink.on(uplink).withAddressOfItsOwn())
                .rules(file.rules())
                .listener(listener);
        file.guests().forEach(g -> builder.guest(new Guest(g.id(), g.mac(), List.of(g.address()), guest)));
        return builder.start();
    }

    private CommandLine line(StringWriter output) {
        PrintWriter writer = new PrintWriter(output, true);
        return GatewayMain.commandLine(this::assemble, stop).setOut(writer).setErr(writer);
    }

    /** Exit code and all that was written. */
    private String execute(String... args) {
        StringWriter output = new StringWriter();
        String[] all = Arrays.copyOf(args, args.length + 2);
        all[args.length] = "--control";
        all[args.length + 1] = socket.toString();
        return line(output).execute(all) + " " + output;
    }

    @Test
    void theAddressChangesAndForwardsStay() {
        assertThat(execute("forward", "add", "tcp 8080 -> web:80")).isEqualTo("0 ");
        assertThat(execute("address", "change", "192.0.2.77/24", "--router", "192.0.2.1", "--keep-flows"))
                .isEqualTo("0 ");
        assertThat(execute("forwards", "--json")).contains("\"8080\"");
        assertThat(execute("address", "change", "192.0.2.1/24", "--router", "192.0.2.1"))
                .startsWith("2 sharedip-gateway: router: '192.0.2.1' is the address too");
    }

    @Test
    void forwardsComeAndGo() {
        assertThat(execute("forward", "add", "tcp 8080 -> web:80")).isEqualTo("0 ");
        assertThat(execute("forwards", "--json"))
                .isEqualTo(
                        "0 [{\"protocol\":\"tcp\",\"outside\":\"8080\",\"guest\":\"web\",\"inside\":\"80\",\"hits\":0}]\n");
        assertThat(execute("forward", "add", "tcp 8080 -> web:81")).startsWith("1 sharedip-gateway: forward: ");
        assertThat(execute("forward", "add", "tcp 81 -> nas")).startsWith("1 ").contains("'nas' does not exist");
        assertThat(execute("forward", "remove", "tcp 8080")).isEqualTo("0 ");
        assertThat(execute("forwards", "--json")).isEqualTo("0 []\n");
        assertThat(execute("forward", "remove", "tcp 8080")).startsWith("1 ");
    }

    @Test
    void rulesAreReplacedAndPoliciesKept() throws Exception {
        Path rules = directory.resolve("rules.txt");
        Files.writeString(rules, "default drop\naccept tcp from guest web to any port 443\n");
        assertThat(execute("rules", "replace", rules.toString())).isEqualTo("0 ");
        Files.writeString(rules, "accept icmp from any to any\n");
        assertThat(execute("rules", "replace", rules.toString())).isEqualTo("0 ");
        assertThat(execute("rules", "--json")).isEqualTo("0 [{\"rule\":\"accept icmp from any to any\",\"hits\":0}]\n");
        assertThat(execute("policies", "--json"))
                .isEqualTo("0 {\"ingress\":\"accept\",\"flow\":\"drop\",\"egress\":\"accept\"}\n");
        Files.writeString(rules, "accept icmp from guest nas to any\n");
        assertThat(execute("rules", "replace", rules.toString()))
                .startsWith("1 ")
                .contains("nas");
    }

    @Test
    void aPingShowsAsAFlow() {
        guest.transmit(PacketBuilder.icmp()
                .macs(MacAddress.parse("52:54:00:00:00:01"), MacAddress.parse("02:5e:00:00:02:0a"))
                .from("192.0.2.10", 0)
                .to("198.51.100.1", 0)
                .echo(8, 4660, 1)
                .build());
        Awaitility.await()
                .untilAsserted(() -> assertThat(execute("flows", "--json"))
                        .startsWith("0 [{\"guest\":\"web\",\"protocol\":\"icmp\",\"inside\":\"192.0.2.10:4660\",")
                        .contains("\"peer\":\"198.51.100.1:0\"", "\"packetsOut\":1"));
        assertThat(execute("stats", "--json")).contains("\"flows\":1,\"mappings\":1,\"capacity\":5000,\"framesIn\":1");
    }
}
