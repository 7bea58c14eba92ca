package io.sharedip.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.fail;

import io.sharedip.SyntaxException;
import java.util.Random;
import java.util.function.Function;

/** Checks that hold for every text form. */
public final class TextForms {

    private TextForms() {}

    /** The text is read, and what was read is written as {@code canonical}, which is read as the same value. */
    public static <T> void reads(Function<String, T> parser, String text, String canonical) {
        T value = parser.apply(text);
        assertThat(value).hasToString(canonical);
        assertThat(parser.apply(canonical)).isEqualTo(value);
    }

    /** The text is refused at this position, with a message that contains this part, the text and a cure. */
    public static void refuses(Function<String, ?> parser, String text, int position, String part) {
        SyntaxException e = refusal(parser, text);
        assertThat(e.position())
                .as("position in '%s' of: %s", text, e.getMessage())
                .isEqualTo(position);
        assertThat(e).hasMessageContaining(part).hasMessageContaining("'" + text + "'");
    }

    /** The text is refused with this whole message. */
    public static void says(Function<String, ?> parser, String text, String message) {
        assertThat(refusal(parser, text)).hasMessage(message);
    }

    /** Whatever is done to a good text, it is read, or refused with a position inside it: nothing else is ever thrown. */
    public static void survivesDamage(Function<String, ?> parser, String good, String alphabet, Random random) {
        StringBuilder s = new StringBuilder(good);
        for (int times = 1 + random.nextInt(3); times > 0; times--) {
            int at = random.nextInt(s.length() + 1);
            char c = alphabet.charAt(random.nextInt(alphabet.length()));
            switch (random.nextInt(4)) {
                case 0 -> s.insert(at, c);
                case 1 -> s.delete(at, Math.min(s.length(), at + 1 + random.nextInt(3)));
                case 2 -> s.replace(at, Math.min(s.length(), at + 1), String.valueOf(c));
                default -> s.setLength(at);
            }
        }
        String text = s.toString();
        try {
            Object value = parser.apply(text);
            assertThat(parser.apply(value.toString())).isEqualTo(value);
        } catch (SyntaxException e) {
            int length = e.value().orElseThrow().length();
            assertThat(e.position()).as("position in '%s'", text).isBetween(0, length);
            assertThat(e.cure()).isPresent();
        } catch (RuntimeException e) {
            fail("'" + text + "' made the parser throw", e);
        }
    }

    private static SyntaxException refusal(Function<String, ?> parser, String text) {
        Throwable thrown = catchThrowable(() -> parser.apply(text));
        assertThat(thrown).as("what '%s' leads to", text).isInstanceOf(SyntaxException.class);
        SyntaxException e = (SyntaxException) thrown;
        assertThat(e.setting()).isPresent();
        assertThat(e.cure()).isPresent();
        return e;
    }
}
