package io.sharedip.nat.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.nat.Timeouts;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The soak in little, so that it cannot rot; {@code docs/soak.sh} runs it in full. */
class SoakTest {

    private static final PrintStream QUIET = new PrintStream(OutputStream.nullOutputStream());

    @Test
    void four_hours_of_mixed_traffic_end_each_flow_when_its_time_has_come() {
        Soak soak = new Soak(5_000, QUIET, builder -> {});
        soak.run(4);
        assertThat(soak.begun()).isGreaterThan(10_000);
        assertThat(soak.tried()).isPositive();
    }

    @Test
    void a_gateway_that_forgets_a_second_early_or_late_is_noticed() {
        for (int seconds : new int[] {-1, 1}) {
            for (Timeouts wrong : List.of(
                    Timeouts.defaults().withTcpEstablished(Duration.ofSeconds(7440 + seconds)),
                    Timeouts.defaults().withTcpHalfOpen(Duration.ofSeconds(120 + seconds)),
                    Timeouts.defaults().withTcpTransitory(Duration.ofSeconds(240 + seconds)),
                    Timeouts.defaults().withUdp(Duration.ofSeconds(300 + seconds)),
                    Timeouts.defaults().withIcmp(Duration.ofSeconds(60 + seconds)))) {
                Soak soak = new Soak(2_000, QUIET, builder -> builder.timeouts(wrong));
                assertThatThrownBy(() -> soak.run(4)).as(wrong.toString()).isInstanceOf(AssertionError.class);
            }
        }
    }
}
