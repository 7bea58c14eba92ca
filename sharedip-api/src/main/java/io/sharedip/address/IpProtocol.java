package io.sharedip.address;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.internal.text.Numbers;
import io.sharedip.internal.text.TextScanner;
import io.sharedip.internal.text.Word;
import java.util.List;
import java.util.Objects;

/**
 * What an IP packet carries, by the number in its header (IANA "Protocol Numbers"; RFC 791, 3.1).
 *
 * <p>Immutable and thread-safe.
 *
 * @param number 0 to 255
 */
public record IpProtocol(int number) {

    /** ICMP, number 1. */
    public static final IpProtocol ICMP = new IpProtocol(1);

    /** TCP, number 6. */
    public static final IpProtocol TCP = new IpProtocol(6);

    /** UDP, number 17. */
    public static final IpProtocol UDP = new IpProtocol(17);

    private static final String SETTING = "protocol";
    private static final int MAX = 255;
    private static final Numbers NUMBER = new Numbers(SETTING, "a protocol number", 0, MAX);
    private static final List<IpProtocol> NAMED = List.of(TCP, UDP, ICMP);

    /**
     * Checks the range.
     *
     * @param number the number in the IP header, 0 to 255
     * @throws ConfigurationException if the number is out of range
     */
    public IpProtocol {
        if (number < 0 || number > MAX) {
            throw new ConfigurationException(
                    SETTING, Integer.toString(number), "is out of range", "use a number from 0 to " + MAX);
        }
    }

    /**
     * Reads a protocol's name or number.
     *
     * @param text {@code tcp}, {@code udp}, {@code icmp} or a number from 0 to 255
     * @return the protocol
     * @throws SyntaxException if the text is anything else
     */
    public static IpProtocol parse(String text) {
        Objects.requireNonNull(text, "text");
        for (IpProtocol known : NAMED) {
            if (text.equals(known.toString())) {
                return known;
            }
        }
        if (!text.isEmpty() && text.charAt(0) >= '0' && text.charAt(0) <= '9') {
            return new IpProtocol(NUMBER.parse(text));
        }
        List<String> names = NAMED.stream().map(IpProtocol::toString).toList();
        throw new TextScanner(SETTING, text)
                .unexpected(new Word(text, 0), names, "tcp, udp, icmp or a number from 0 to " + MAX);
    }

    /**
     * Whether packets of this protocol have ports that the gateway can read, match and translate.
     *
     * @return true for TCP and UDP
     */
    public boolean hasPorts() {
        return number == 6 || number == 17;
    }

    /**
     * The name {@code tcp}, {@code udp} or {@code icmp}; the number of any other protocol.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        return switch (number) {
            case 1 -> "icmp";
            case 6 -> "tcp";
            case 17 -> "udp";
            default -> Integer.toString(number);
        };
    }
}
