package io.sharedip.filter;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpPrefix;
import java.util.Objects;

/**
 * Who stands at one end of what a rule matches.
 *
 * <p>A guest is named, not addressed: {@link GuestEnd} tells two guests with the same address apart, {@link Prefix} cannot.
 * {@link Object#toString()} of each end is what the text form of rules has in its place.
 *
 * <p>Immutable and thread-safe.
 */
public sealed interface RuleEnd {

    /** Everybody: guests, the host and the outside. Text form {@code any}. */
    record Any() implements RuleEnd {
        @Override
        public String toString() {
            return "any";
        }
    }

    /**
     * One guest, whatever its address. Text form {@code guest NAME}.
     *
     * @param guest the guest; it need not exist yet
     */
    record GuestEnd(GuestId guest) implements RuleEnd {
        /**
         * Refuses a missing guest.
         *
         * @param guest the guest
         */
        public GuestEnd {
            Objects.requireNonNull(guest, "guest");
        }

        @Override
        public String toString() {
            return "guest " + guest;
        }
    }

    /** The machine that the gateway runs on. Text form {@code host}. */
    record Host() implements RuleEnd {
        @Override
        public String toString() {
            return "host";
        }
    }

    /** Everybody beyond the uplink, neither a guest nor the host. Text form {@code outside}. */
    record Outside() implements RuleEnd {
        @Override
        public String toString() {
            return "outside";
        }
    }

    /**
     * Whoever has one of these addresses, on either side of the gateway. Text form as {@link IpPrefix#toString()}.
     *
     * @param prefix the addresses
     */
    record Prefix(IpPrefix prefix) implements RuleEnd {
        /**
         * Refuses a missing prefix.
         *
         * @param prefix the addresses
         */
        public Prefix {
            Objects.requireNonNull(prefix, "prefix");
        }

        @Override
        public String toString() {
            return prefix.toString();
        }
    }

    /**
     * Everybody.
     *
     * @return the end
     */
    static RuleEnd any() {
        return new Any();
    }

    /**
     * One guest.
     *
     * @param guest the guest; it need not exist yet
     * @return the end
     */
    static RuleEnd guest(GuestId guest) {
        return new GuestEnd(guest);
    }

    /**
     * One guest.
     *
     * @param name the guest's name; it need not exist yet
     * @return the end
     * @throws ConfigurationException if no guest can have that name
     */
    static RuleEnd guest(String name) {
        return new GuestEnd(GuestId.of(name));
    }

    /**
     * The machine that the gateway runs on.
     *
     * @return the end
     */
    static RuleEnd host() {
        return new Host();
    }

    /**
     * Everybody beyond the uplink.
     *
     * @return the end
     */
    static RuleEnd outside() {
        return new Outside();
    }

    /**
     * Whoever has one of these addresses.
     *
     * @param prefix the addresses
     * @return the end
     */
    static RuleEnd prefix(IpPrefix prefix) {
        return new Prefix(prefix);
    }

    /**
     * Whoever has one of these addresses.
     *
     * @param prefix the addresses as {@link IpPrefix#parse} reads them
     * @return the end
     * @throws SyntaxException if the text is not a prefix
     */
    static RuleEnd prefix(String prefix) {
        return new Prefix(IpPrefix.parse(prefix));
    }
}
