package io.sharedip.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.address.TextForms;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TcpFlagsTest {

    private static final int FIN = 1;
    private static final int SYN = 2;
    private static final int ACK = 16;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "syn              | syn",
                "syn,!ack         | syn,!ack",
                "!ack,syn         | syn,!ack",
                "S/SA             | syn,!ack",
                "S/AS             | syn,!ack",
                "/FSRPAUEC        | !fin,!syn,!rst,!psh,!ack,!urg,!ece,!cwr",
                "FSRPAUEC/CEUAPRSF| fin,syn,rst,psh,ack,urg,ece,cwr",
            })
    void reads_names_and_letters(String text, String canonical) {
        TextForms.reads(TcpFlags::parse, text, canonical);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "\"\"     | 0 | lacks the name of a flag",
                "sny      | 0 | did you mean 'syn'?",
                "SYN      | 0 | did you mean 'syn'?",
                "syn,!akc | 5 | did you mean 'ack'?",
                "syn,     | 4 | lacks the name of a flag",
                "syn,!    | 5 | lacks the name of a flag",
                "syn,,ack | 4 | lacks the name of a flag",
                "!!syn    | 1 | has '!syn'",
                "syn,!syn | 4 | names syn twice",
                "syn ack  | 0 | has 'syn ack'",
                "S/       | 2 | lacks the flags that matter",
                "/        | 1 | lacks the flags that matter",
                "A/S      | 0 | has 'A' before the slash only",
                "SA/S     | 1 | has 'A' before the slash only",
                "S/SX     | 3 | has 'X'",
                "s/sa     | 0 | has 's'",
                "S/SS     | 3 | has 'S' twice",
                "S/S/A    | 3 | has '/'",
            })
    void refuses_anything_else(String text, int position, String part) {
        TextForms.refuses(TcpFlags::parse, text, position, part);
    }

    @Test
    void matches_what_is_set_and_clear_whatever_else_there_is() {
        TcpFlags opening = TcpFlags.parse("syn,!ack");
        assertThat(opening.matches(SYN)).isTrue();
        assertThat(opening.matches(SYN | FIN)).isTrue();
        assertThat(opening.matches(SYN | ACK)).isFalse();
        assertThat(opening.matches(0)).isFalse();
    }

    @Test
    void asking_for_nothing_or_the_impossible_is_refused() {
        assertThatThrownBy(() -> new TcpFlags(0, 0)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> new TcpFlags(256, 0)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> new TcpFlags(SYN, ACK)).isInstanceOf(ConfigurationException.class);
    }

    @Test
    void all_flags_survive_their_own_text() {
        for (int mask = 1; mask <= 255; mask++) {
            for (int value = 0; value <= mask; value++) {
                if ((value & ~mask) == 0) {
                    TcpFlags flags = new TcpFlags(mask, value);
                    assertThat(TcpFlags.parse(flags.toString())).isEqualTo(flags);
                }
            }
        }
    }
}
