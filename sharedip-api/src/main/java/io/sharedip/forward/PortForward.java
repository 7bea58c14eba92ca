package io.sharedip.forward;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.PortRange;
import io.sharedip.internal.text.TextScanner;
import io.sharedip.internal.text.Word;
import java.util.Objects;

/**
 * Sends what comes in on outside ports to ports of a guest, port by port: the first outside port to the first inside port and
 * so on.
 *
 * <p>The text form is {@code (tcp|udp) [ADDRESS:]PORTS [from PREFIX] -> GUEST[:PORTS]}, such as {@code tcp 8080 -> web:80};
 * without ports at the guest they are the same as outside.
 *
 * <p>Immutable and thread-safe.
 *
 * @param selector which packets are forwarded
 * @param guest who gets them; to be there when a gateway is given the forward
 * @param inside the ports at which the guest gets them, as many as there are outside
 */
public record PortForward(ForwardSelector selector, GuestId guest, PortRange inside) {

    private static final String ARROW = "->";

    /**
     * Checks that the ranges are equally long.
     *
     * @param selector which packets are forwarded
     * @param guest who gets them
     * @param inside the ports at the guest, as many as outside
     * @throws ConfigurationException if there are more or fewer ports inside than outside
     */
    public PortForward {
        Objects.requireNonNull(selector, "selector");
        Objects.requireNonNull(guest, "guest");
        Objects.requireNonNull(inside, "inside");
        if (inside.size() != selector.outside().size()) {
            throw new ConfigurationException(
                    ForwardSelector.SETTING,
                    text(selector, guest, inside),
                    lengths(selector.outside(), inside),
                    cure(selector.outside(), inside));
        }
    }

    private static String lengths(PortRange outside, PortRange inside) {
        return "has " + count(outside) + " outside and " + count(inside) + " inside";
    }

    private static String count(PortRange ports) {
        return ports.isSingle() ? "1 port" : ports.size() + " ports";
    }

    private static String cure(PortRange outside, PortRange inside) {
        int last = inside.first() + outside.size() - 1;
        return last > PortRange.MAX_PORT
                ? "use ranges of equal length"
                : "use ranges of equal length, such as " + outside + " and " + PortRange.of(inside.first(), last);
    }

    /**
     * Forwards a TCP port of every address of the gateway, whoever calls.
     *
     * @param outside the port that is called, 1 to 65535
     * @param guest who gets it
     * @param inside the port at the guest, 1 to 65535
     * @return the forward
     * @throws ConfigurationException if a port is out of range
     */
    public static PortForward tcp(int outside, GuestId guest, int inside) {
        return single(IpProtocol.TCP, outside, guest, inside);
    }

    /**
     * Forwards a UDP port of every address of the gateway, whoever calls.
     *
     * @param outside the port that is called, 1 to 65535
     * @param guest who gets it
     * @param inside the port at the guest, 1 to 65535
     * @return the forward
     * @throws ConfigurationException if a port is out of range
     */
    public static PortForward udp(int outside, GuestId guest, int inside) {
        return single(IpProtocol.UDP, outside, guest, inside);
    }

    private static PortForward single(IpProtocol protocol, int outside, GuestId guest, int inside) {
        return new PortForward(ForwardSelector.of(protocol, PortRange.of(outside)), guest, PortRange.of(inside));
    }

    /**
     * Reads a forward.
     *
     * @param text {@code (tcp|udp) [ADDRESS:]PORTS [from PREFIX] -> GUEST[:PORTS]}
     * @return the forward
     * @throws SyntaxException if the text is anything else, or the ranges differ in length
     */
    public static PortForward parse(String text) {
        Objects.requireNonNull(text, "text");
        int arrow = text.indexOf(ARROW);
        ForwardSelector selector = ForwardSelector.parse(
                new TextScanner(ForwardSelector.SETTING, text, 0, arrow < 0 ? text.length() : arrow));
        if (arrow < 0) {
            throw new SyntaxException(
                    ForwardSelector.SETTING,
                    text,
                    text.length(),
                    "lacks '->' and a guest",
                    "write where it leads, such as '" + selector + " -> web'");
        }
        TextScanner right = new TextScanner(ForwardSelector.SETTING, text, arrow + ARROW.length(), text.length());
        Word target = right.next("GUEST or GUEST:PORTS");
        right.expectEnd("write GUEST or GUEST:PORTS after '->' and nothing else");
        int colon = target.text().indexOf(':');
        if (colon < 0) {
            return new PortForward(selector, right.guest(target), selector.outside());
        }
        GuestId guest = right.guest(new Word(target.text().substring(0, colon), target.position()));
        Word ports = new Word(target.text().substring(colon + 1), target.position() + colon + 1);
        PortRange inside = ForwardSelector.ports(right, ports);
        if (inside.size() != selector.outside().size()) {
            throw right.error(ports.position(), lengths(selector.outside(), inside), cure(selector.outside(), inside));
        }
        return new PortForward(selector, guest, inside);
    }

    /**
     * The protocol of the selector.
     *
     * @return TCP or UDP
     */
    public IpProtocol protocol() {
        return selector.protocol();
    }

    /**
     * The outside ports of the selector.
     *
     * @return as many ports as there are inside
     */
    public PortRange outside() {
        return selector.outside();
    }

    /**
     * Where a call to an outside port arrives.
     *
     * @param outsidePort one of the outside ports
     * @return the guest's port for it
     * @throws ConfigurationException if it is not one of the outside ports
     */
    public int insidePortOf(int outsidePort) {
        if (!outside().contains(outsidePort)) {
            throw new ConfigurationException(
                    "outside port",
                    Integer.toString(outsidePort),
                    "is not forwarded by " + this,
                    "use a port of " + outside());
        }
        return inside.first() + outsidePort - outside().first();
    }

    private static String text(ForwardSelector selector, GuestId guest, PortRange inside) {
        return selector + " " + ARROW + " " + guest + ":" + inside;
    }

    /**
     * The forward as text, with the ports at the guest even if they are the same.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        return text(selector, guest, inside);
    }
}
