package io.sharedip.examples.gateway.config;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Guesses which known word was meant. */
final class Suggestion {

    private static final int MOST_SLIPS = 2;

    private Suggestion() {}

    static Optional<String> of(String word, Collection<String> known) {
        String lower = word.toLowerCase(Locale.ROOT).replace('_', '-');
        Optional<String> best = Optional.empty();
        int least = MOST_SLIPS + 1;
        for (String candidate : known) {
            if (Math.abs(lower.length() - candidate.length()) > MOST_SLIPS) {
                continue;
            }
            int slips = slips(lower, candidate.toLowerCase(Locale.ROOT));
            if (slips < least && slips <= candidate.length() / 2) {
                least = slips;
                best = Optional.of(candidate);
            }
        }
        return best;
    }

    /** A cure, behind {@code did you mean 'x'?} if a known word resembles the one that was found. */
    static String before(String cure, String word, Collection<String> known) {
        return of(word, known)
                .map(w -> "did you mean '" + w + "'? " + Character.toUpperCase(cure.charAt(0)) + cure.substring(1))
                .orElse(cure);
    }

    /** Fewest insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
    private static int slips(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                d[i][j] = i == 0 || j == 0 ? i + j : 1 + Math.min(d[i - 1][j], d[i][j - 1]);
                if (i > 0 && j > 0) {
                    d[i][j] = Math.min(d[i][j], d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1));
                }
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
