package io.sharedip.uplink;

import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import java.util.List;

/**
 * Keeps outside ports from the host's own network stack.
 *
 * <p>Where guests share the host's address, the host's kernel receives every reply to them as well. Without a claim it answers
 * with a reset or with "port unreachable", which kills the guest's connection; and it hands the same port to host programs. A
 * claim prevents the former always and the latter where it {@linkplain #reservesPorts() can}. The engine uses no outside port
 * before it is claimed.
 *
 * <p><b>Lifetime.</b> Claims belong to one gateway, which opens and closes them. All of them vanish when the process ends, however
 * it ends, or at the latest when claims of the same kind and address are opened again.
 *
 * <p><b>Threads.</b> Called by one thread at a time, never by the thread that drives the engine; methods may block for some
 * milliseconds.
 */
public interface HostPortClaims {

    /**
     * What kind of claims these are, for messages.
     *
     * @return one word, e.g. {@code "sockets"}
     */
    String kind();

    /**
     * Begins work for an address and checks that claims can be made at all.
     *
     * @param address the shared address
     * @throws io.sharedip.SharedIpException if claims cannot be made here: a right or a program is missing
     */
    void open(Ipv4Address address);

    /**
     * Claims as many ports of a range as the host lets go of. Ports that are claimed already count as taken.
     *
     * @param protocol TCP or UDP
     * @param ports the range
     * @return the ports that are claimed now, as ranges in ascending order; the others are held by the host
     * @throws PortClaimException if claiming failed for another reason than a port in use
     */
    List<PortRange> claim(IpProtocol protocol, PortRange ports);

    /**
     * Claims a whole range or nothing of it. Ports that were claimed before stay claimed either way.
     *
     * @param protocol TCP or UDP
     * @param ports the range
     * @throws PortClaimException if the host holds one of the ports; the message names the port and, where it can be found out,
     *     the program
     */
    void claimAll(IpProtocol protocol, PortRange ports);

    /**
     * Claims a whole protocol that has no ports, until {@link #close()}: the host's kernel then says nothing to packets of the
     * protocol that arrive for the address, where it would answer "protocol unreachable". Host programs that speak the protocol are
     * not hindered. The default refuses.
     *
     * @param protocol neither TCP nor UDP nor ICMP
     * @throws PortClaimException if the protocol cannot be claimed
     */
    default void claimProtocol(IpProtocol protocol) {
        throw new PortClaimException(
                "protocol " + protocol,
                "cannot be claimed by " + kind(),
                "do without the protocol, or use claims that can",
                null);
    }

    /**
     * Gives ports back to the host. Ports that are not claimed are passed over.
     *
     * @param protocol TCP or UDP
     * @param ports the range
     */
    void release(IpProtocol protocol, PortRange ports);

    /**
     * Whether a claim also keeps host programs from taking the port.
     *
     * @return true if no host program can get a claimed port
     */
    boolean reservesPorts();

    /**
     * Looks for host programs that use a claimed port. Called every few seconds where {@link #reservesPorts()} is false.
     *
     * @return what was found, empty if nothing
     */
    default List<Conflict> conflicts() {
        return List.of();
    }

    /**
     * Gives everything back and begins work for another address, with nothing claimed. If that fails, nothing is claimed for either,
     * nothing can be claimed, and this is called again: for the former address, and from time to time until one of the two can be had.
     * The default cannot.
     *
     * @param address the new shared address, or the present one
     * @throws io.sharedip.SharedIpException if claims cannot be made there
     * @throws UnsupportedOperationException if these claims can never be moved; then all of them stay as they are
     */
    default void move(Ipv4Address address) {
        throw new UnsupportedOperationException("claims by " + kind() + " cannot be moved to " + address);
    }

    /** Gives every port back and releases what else is held. Idempotent; returns within a few seconds and never throws. */
    void close();

    /**
     * A host program that uses a claimed port.
     *
     * @param protocol TCP or UDP
     * @param port the port, 1 to 65535
     * @param description who uses it, as far as it is known
     */
    record Conflict(IpProtocol protocol, int port, String description) {}
}
