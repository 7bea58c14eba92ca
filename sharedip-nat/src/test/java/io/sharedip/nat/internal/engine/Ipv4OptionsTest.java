package io.sharedip.nat.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.nat.conformance.Setting;
import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which options of an IPv4 header pass. */
@Setting("the judgement of options by itself")
class Ipv4OptionsTest {

    private static boolean sound(String hex) {
        byte[] options = HexFormat.of().parseHex(hex.replace(" ", ""));
        return Ipv4Options.areSound(options, 0, options.length);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "01010100",
                "00ffffff", // whatever follows the end
                "07070400000000 00",
                "07070800000000 00", // full
                "44080500 00000000",
                "440c0501 00000000 00000000",
                "44080903 00000000",
                "440809f3 00000000", // prespecified ones do not overflow
                "440809e0 00000000",
                "94040000",
                "94061234 00000000",
                "820b0000 00000000 00000000", // security
                "55020000", // unknown
                "01550255 02550201",
            })
    void hostile13_sound_options_pass(String hex) {
        assertThat(sound(hex)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "83070400000000 00", // source routes
                "89070400000000 00",
                "01010183",
                "55000000", // lengths
                "55010000",
                "55050000",
                "01010155",
                "07020000", // record route
                "07070300000000 00",
                "07070500000000 00",
                "07060400000000 00",
                "07070400000000 07 07040000 00000000",
                "44030500", // timestamp
                "44080400 00000000",
                "44080600 00000000",
                "44080501 00000000",
                "44080503 00000000",
                "440809f0 00000000",
                "44080500 00000000 44080500 00000000",
                "94020000", // router alert
                "94030000",
            })
    void hostile13_source_routes_and_malformed_options_do_not_pass(String hex) {
        assertThat(sound(hex)).isFalse();
    }
}
