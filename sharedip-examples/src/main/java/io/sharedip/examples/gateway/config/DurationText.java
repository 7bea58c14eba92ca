package io.sharedip.examples.gateway.config;

import io.sharedip.SyntaxException;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/** The text form of durations: whole numbers with units from large to small, such as {@code 300s} or {@code 2h4m}. */
final class DurationText {

    private record Unit(char letter, Duration length) {}

    private static final List<Unit> UNITS = List.of(
            new Unit('d', Duration.ofDays(1)),
            new Unit('h', Duration.ofHours(1)),
            new Unit('m', Duration.ofMinutes(1)),
            new Unit('s', Duration.ofSeconds(1)));
    private static final int MOST_DIGITS = 7;
    private static final String CURE = "write numbers with d, h, m or s after them, such as 300s, 5m or 2h4m";

    private DurationText() {}

    /** Durations within a range; both ends are whole numbers of some unit. */
    static Function<String, Duration> between(Duration shortest, Duration longest) {
        String range = "use " + format(shortest) + " to " + format(longest);
        return text -> parse(text, shortest, longest, range);
    }

    private static Duration parse(String text, Duration shortest, Duration longest, String range) {
        Duration sum = Duration.ZERO;
        int nextUnit = 0;
        int at = 0;
        do {
            int digits = at;
            while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
                at++;
            }
            if (at == digits) {
                throw error(text, at, "is not a duration", CURE);
            }
            if (at == text.length()) {
                throw error(text, at, "lacks a unit at its end", CURE);
            }
            int unit = unit(text, at, nextUnit);
            if (at - digits > MOST_DIGITS) {
                throw error(text, digits, "has too large a number", range);
            }
            sum = sum.plus(UNITS.get(unit).length.multipliedBy(Long.parseLong(text, digits, at, 10)));
            nextUnit = unit + 1;
            at++;
        } while (at < text.length());
        if (sum.compareTo(shortest) < 0 || sum.compareTo(longest) > 0) {
            throw error(text, 0, "is out of range", range);
        }
        return sum;
    }

    private static String format(Duration duration) {
        for (Unit unit : UNITS) {
            long count = duration.dividedBy(unit.length);
            if (count > 0) {
                return count + String.valueOf(unit.letter);
            }
        }
        return "0s";
    }

    private static int unit(String text, int at, int from) {
        for (int i = 0; i < UNITS.size(); i++) {
            if (UNITS.get(i).letter == text.charAt(at)) {
                if (i < from) {
                    throw error(text, at, "has its units in the wrong order", "write days, hours, minutes, seconds");
                }
                return i;
            }
        }
        throw error(text, at, "has '" + text.charAt(at) + "' where a unit should stand", CURE);
    }

    private static SyntaxException error(String text, int position, String problem, String cure) {
        return new SyntaxException("duration", text, position, problem, cure);
    }
}
