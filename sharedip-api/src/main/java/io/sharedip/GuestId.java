package io.sharedip;

import java.util.Objects;
import java.util.regex.Pattern;

/**
 * The stable identity of a guest. It survives reconnects of the guest's link and changes of its addresses, and is part of
 * every key in the engine's tables, so two guests never share state even when they carry the same address.
 *
 * <p>Immutable and thread-safe.
 *
 * @param name 1 to 63 letters, digits, {@code .}, {@code _} or {@code -}, beginning with a letter or digit; unique within a
 *     gateway
 */
public record GuestId(String name) implements Comparable<GuestId> {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

    /**
     * Checks the name.
     *
     * @param name to be checked
     * @throws ConfigurationException if the name is not of the form above
     */
    public GuestId {
        Objects.requireNonNull(name, "name");
        if (!NAME.matcher(name).matches()) {
            throw new ConfigurationException(
                    "guest name",
                    name,
                    "is not a guest name",
                    "use 1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit");
        }
    }

    /**
     * The identity with this name.
     *
     * @param name the guest's name
     * @return the identity
     * @throws ConfigurationException if the name is not of the form {@link GuestId} asks for
     */
    public static GuestId of(String name) {
        return new GuestId(name);
    }

    @Override
    public int compareTo(GuestId other) {
        return name.compareTo(other.name);
    }

    @Override
    public String toString() {
        return name;
    }
}
