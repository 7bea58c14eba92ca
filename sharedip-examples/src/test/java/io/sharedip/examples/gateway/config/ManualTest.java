package io.sharedip.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sharedip.examples.gateway.config.GatewayFile.NatSettings;
import io.sharedip.examples.gateway.config.GatewayFile.TimeoutKey;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings;
import io.sharedip.nat.FilteringBehavior;
import io.sharedip.nat.FragmentLimits;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.TcpTracking;
import io.sharedip.nat.Timeouts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The manual's example is good, and what the manual says of defaults is so. */
class ManualTest {

    private static final Pattern YAML = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL);

    private String manual;
    private String least;
    private String example;

    @BeforeEach
    void read() throws Exception {
        manual = Files.readString(Path.of("..", "docs", "gateway.md"));
        List<String> files =
                YAML.matcher(manual).results().map(match -> match.group(1)).toList();
        assertThat(files).hasSize(2);
        least = files.get(0);
        example = files.get(1);
    }

    @Test
    void theLeastFileIsGood() throws Exception {
        GatewayFile file = GatewayFile.parse(least, "manual");
        assertThat(file.uplink()).isEqualTo(UplinkSettings.Sockets.DEFAULT);
        assertThat(file.forwards()).hasSize(1);
    }

    @Test
    void theExampleIsGood() throws Exception {
        GatewayFile file = GatewayFile.parse(example, "manual");
        assertThat(file.guests()).hasSize(2);
        assertThat(file.forwards()).hasSize(3);
        assertThat(file.rules().rules()).hasSize(2);
        assertThat(file.timeouts()).hasSize(TimeoutKey.values().length);
    }

    @Test
    void theTimeoutsOfTheExampleAreTheDefaults() throws Exception {
        Timeouts defaults = Timeouts.defaults();
        assertThat(GatewayFile.parse(example, "manual").timeouts().values())
                .containsExactly(
                        defaults.tcpHalfOpen(),
                        defaults.tcpEstablished(),
                        defaults.tcpHalfClosed(),
                        defaults.tcpTransitory(),
                        defaults.udp(),
                        defaults.icmp(),
                        defaults.other())
                .contains(Duration.ofMinutes(124));
    }

    @Test
    void theTranslationOfTheExampleIsTheDefaults() throws Exception {
        NatSettings nat = GatewayFile.parse(example, "manual").nat();
        assertThat(nat.tcp()).isEqualTo(ProtocolBehavior.tcp());
        assertThat(nat.udp()).isEqualTo(ProtocolBehavior.udp());
        assertThat(nat.udpInboundRefresh()).isFalse();
        assertThat(nat.tcpTracking()).isEqualTo(TcpTracking.defaults());
        assertThat(nat.fragments()).isEqualTo(FragmentLimits.defaults());
    }

    @Test
    void theExampleOfTheTranslationIsGood() throws Exception {
        Matcher yaml = YAML.matcher(Files.readString(Path.of("..", "docs", "nat.md")));
        assertThat(yaml.find()).isTrue();
        String whole = example.substring(0, example.indexOf("nat:")) + yaml.group(1);

        GatewayFile file = GatewayFile.parse(whole, "nat.md");

        assertThat(file.nat().udp().filtering()).isEqualTo(FilteringBehavior.ENDPOINT_INDEPENDENT);
        assertThat(file.nat().tcpTracking().mssClamp()).isEqualTo(TcpTracking.MSS_OF_LINK);
    }

    @Test
    void theMessageOfTheManualIsTheProgramsOwn() {
        String wrong = example.replace("router: 192.0.2.1 ", "router: 192.0.2 ");
        BadConfigurationException e =
                assertThrows(BadConfigurationException.class, () -> GatewayFile.parse(wrong, "gw.yaml"));
        assertThat(manual).contains(e.problems().get(0).toString());
    }
}
