package io.sharedip.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DnsSettingsTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "web.example.org A 192.0.2.5",
                "*.example.org AAAA 2001:db8::5",
                "www.example.org CNAME web.example.org",
                "5.2.0.192.in-addr.arpa PTR web.example.org"
            })
    void an_answer_is_read_and_written_in_one_form(String text) {
        DnsRecord record = DnsRecord.parse(text);
        assertThat(record).hasToString(text);
        assertThat(DnsRecord.parse(record.toString())).isEqualTo(record);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a A",
                "a A 2001:db8::5",
                "a AAAA 192.0.2.5",
                "a MX b",
                "a CNAME .",
                "a..b A 192.0.2.5",
                "a A b c"
            })
    void what_is_no_answer_is_refused(String text) {
        assertThatThrownBy(() -> DnsRecord.parse(text)).isInstanceOf(ConfigurationException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {". -> 192.0.2.53", "corp.example -> 192.0.2.53:5353, 2001:db8::53, [2001:db8::53]:5353"})
    void a_route_is_read_and_written_in_one_form(String text) {
        DnsRoute route = DnsRoute.parse(text);
        assertThat(route).hasToString(text);
        assertThat(DnsRoute.parse(route.toString())).isEqualTo(route);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "corp.example",
                "corp.example ->",
                ". -> 0.0.0.0",
                ". -> 224.0.0.251",
                ". -> 192.0.2.53:0",
                ". -> a"
            })
    void what_is_no_route_is_refused(String text) {
        assertThatThrownBy(() -> DnsRoute.parse(text)).isInstanceOf(ConfigurationException.class);
    }

    @Test
    void a_guest_without_a_view_has_an_empty_one() {
        DnsView view = DnsView.EMPTY.withBlocked("ads.example");
        DnsSettings settings =
                DnsSettings.builder().view(GuestId.of("web"), view).build();
        assertThat(settings.view(GuestId.of("web"))).isEqualTo(view);
        assertThat(settings.view(GuestId.of("db"))).isEqualTo(DnsView.EMPTY);
    }

    @Test
    void settings_out_of_range_are_refused() {
        assertThatThrownBy(() -> DnsSettings.builder().queriesPerSecond(0).build())
                .hasMessageContaining("dns.queries-per-second");
        assertThatThrownBy(() ->
                        DnsSettings.builder().timeout(Duration.ofMillis(99)).build())
                .hasMessageContaining("dns.timeout");
        assertThatThrownBy(() -> DnsSettings.builder()
                        .ttl(Duration.ofSeconds(10), Duration.ofSeconds(9))
                        .build())
                .hasMessageContaining("dns.max-ttl");
    }
}
