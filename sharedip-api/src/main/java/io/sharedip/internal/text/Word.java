package io.sharedip.internal.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A piece of a larger text that remembers where it stood.
 *
 * @param text the characters, possibly none
 * @param position index of the first of them in the larger text
 */
public record Word(String text, int position) {

    /**
     * Refuses a missing text.
     *
     * @param text the characters
     * @param position index of the first of them
     */
    public Word {
        Objects.requireNonNull(text, "text");
    }

    /**
     * Whether these are the characters.
     *
     * @param other the characters to compare with
     * @return true if they are the same, case included
     */
    public boolean is(String other) {
        return text.equals(other);
    }

    /**
     * The items of a list that is written without blanks.
     *
     * @param separator what stands between two items
     * @return the items in order, at least one, some of them possibly empty
     */
    public List<Word> split(char separator) {
        List<Word> items = new ArrayList<>();
        int from = 0;
        for (int to = text.indexOf(separator); to >= 0; to = text.indexOf(separator, from)) {
            items.add(new Word(text.substring(from, to), position + from));
            from = to + 1;
        }
        items.add(new Word(text.substring(from), position + from));
        return items;
    }
}
