package io.sharedip.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DomainNameTest {

    @ParameterizedTest
    @CsvSource({
        "web.example.org, web.example.org",
        "WEB.Example.ORG., web.example.org",
        "., .",
        "a\\.b.c, a\\.b.c",
        "a\\065.c, aa.c",
        "\\000\\255\\032.c, \\000\\255\\032.c",
        "_sip._tcp.x, _sip._tcp.x",
        "*.x, *.x"
    })
    void a_name_is_read_and_written_in_one_form(String text, String form) {
        DomainName name = DomainName.parse(text);
        assertThat(name).hasToString(form);
        assertThat(DomainName.parse(name.toString())).isEqualTo(name).hasSameHashCodeAs(name);
        assertThat(DomainName.ofWire(name.toWire(), 0)).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "..", ".a", "a..b", "a b", "é", "a\\", "a\\25", "a\\256", "a\\0x1"})
    void what_is_no_name_is_refused(String text) {
        assertThatThrownBy(() -> DomainName.parse(text)).isInstanceOf(ConfigurationException.class);
    }

    @Test
    void labels_and_names_end_at_their_limits() {
        String label = "x".repeat(63);
        String longest = label + "." + label + "." + label + "." + "x".repeat(61);
        assertThat(DomainName.parse(longest).length()).isEqualTo(255);
        assertThatThrownBy(() -> DomainName.parse(longest + "x")).hasMessageContaining("too long");
        assertThatThrownBy(() -> DomainName.parse(label + "x")).hasMessageContaining("63");
        assertThatThrownBy(() -> DomainName.parse(longest).child("y")).hasMessageContaining("too long");
    }

    @Test
    void a_name_is_within_itself_and_what_stands_above_it_and_nothing_else() {
        DomainName name = DomainName.parse("a.web.example.org");
        assertThat(name.isWithin(name)).isTrue();
        assertThat(name.isWithin(DomainName.parse("example.org"))).isTrue();
        assertThat(name.isWithin(DomainName.ROOT)).isTrue();
        assertThat(name.isWithin(DomainName.parse("xample.org"))).isFalse();
        assertThat(name.isWithin(DomainName.parse("b.a.web.example.org"))).isFalse();
        // the octets of "b.c" stand in one label of the other
        assertThat(DomainName.parse("a\\001b\\001c").isWithin(DomainName.parse("b.c")))
                .isFalse();
    }

    @Test
    void parents_lead_to_the_root_and_equal_names_read_from_text() {
        DomainName name = DomainName.parse("web.example.org");
        assertThat(name.parent())
                .isEqualTo(DomainName.parse("example.org"))
                .hasSameHashCodeAs(DomainName.parse("example.org"));
        assertThat(name.parent().parent().parent()).isEqualTo(DomainName.ROOT);
        assertThat(DomainName.ROOT.parent()).isEqualTo(DomainName.ROOT);
        assertThat(name.labels()).isEqualTo(3);
        assertThat(name.parent().child("WEB")).isEqualTo(name);
        assertThatThrownBy(() -> name.child("a.b")).isInstanceOf(ConfigurationException.class);
    }

    @Test
    void octets_are_a_name_or_refused() {
        Random random = new Random(1035);
        int names = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] octets = new byte[random.nextInt(12)];
            for (int j = 0; j < octets.length; j++) {
                octets[j] = (byte) (random.nextInt(3) == 0 ? random.nextInt(256) : random.nextInt(4));
            }
            try {
                DomainName name = DomainName.ofWire(octets, 0);
                names++;
                assertThat(DomainName.parse(name.toString())).isEqualTo(name);
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageMatching("no whole name|label type \\d+");
            }
        }
        assertThat(names).isGreaterThan(1000);
    }
}
