package io.sharedip.dns;

import io.sharedip.ConfigurationException;
import io.sharedip.address.IpAddress;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.Ipv6Address;
import java.util.Locale;
import java.util.Objects;

/**
 * An answer that the gateway gives itself. Its text form is {@code NAME TYPE VALUE}, e.g. {@code web.example.org A 192.0.2.5},
 * {@code www.example.org CNAME web.example.org} or {@code 5.2.0.192.in-addr.arpa PTR web.example.org}.
 *
 * <p>Immutable and thread-safe.
 *
 * @param name that it answers for; {@code *.example.org} stands for every name below {@code example.org} that has no answer of its own
 * @param type of the record
 * @param target an address for {@link Type#A} and {@link Type#AAAA}, else {@code 0.0.0.0}
 * @param alias a name for {@link Type#CNAME} and {@link Type#PTR}, else the root
 */
public record DnsRecord(DomainName name, Type type, IpAddress target, DomainName alias) {

    /** The types of records that can be set. */
    public enum Type {
        /** An IPv4 address. */
        A(1),
        /** The name that is meant; it is looked up like any other. */
        CNAME(5),
        /** The name of an address. */
        PTR(12),
        /** An IPv6 address. */
        AAAA(28);

        private final int number;

        Type(int number) {
            this.number = number;
        }

        /**
         * The type as it stands in a message.
         *
         * @return 1 to 65535
         */
        public int number() {
            return number;
        }
    }

    private static final String SETTING = "dns answer";
    private static final String CURE = "write NAME A|AAAA|CNAME|PTR VALUE, such as web.example.org A 192.0.2.5";

    /**
     * Checks that the value fits the type.
     *
     * @param name that it answers for
     * @param type of the record
     * @param target the address, of CNAME and PTR {@code 0.0.0.0}
     * @param alias the name, of A and AAAA the root
     * @throws ConfigurationException if it does not
     */
    public DnsRecord {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(alias, "alias");
        boolean fits = switch (type) {
            case A -> target instanceof Ipv4Address && alias.isRoot();
            case AAAA -> target instanceof Ipv6Address && alias.isRoot();
            case CNAME, PTR -> target.equals(Ipv4Address.UNSPECIFIED) && !alias.isRoot();
        };
        if (!fits) {
            throw new ConfigurationException(SETTING, name + " " + type, "has a value of another type", CURE);
        }
    }

    /**
     * Reads the text form.
     *
     * @param text {@code NAME TYPE VALUE}
     * @return the record
     * @throws ConfigurationException if it is anything else
     */
    public static DnsRecord parse(String text) {
        String[] words = text.strip().split("\\s+");
        if (words.length != 3) {
            throw new ConfigurationException(SETTING, text, "is not three words", CURE);
        }
        Type type;
        try {
            type = Type.valueOf(words[1].toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(SETTING, text, "has an unknown type, '" + words[1] + "'", CURE);
        }
        DomainName name = DomainName.parse(words[0]);
        return switch (type) {
            case A, AAAA -> new DnsRecord(name, type, IpAddress.parse(words[2]), DomainName.ROOT);
            case CNAME, PTR -> new DnsRecord(name, type, Ipv4Address.UNSPECIFIED, DomainName.parse(words[2]));
        };
    }

    /** The form that {@link #parse} reads. */
    @Override
    public String toString() {
        return name + " " + type + " " + (alias.isRoot() ? target : alias);
    }
}
