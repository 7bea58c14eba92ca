package io.sharedip.testing;

import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.Octets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Judges every frame that leaves on the uplink: it must be the gateway's own ARP, or IPv4 from the shared address whose source port
 * or identifier is one the gateway may use; and no inside address may stand in any IP header, that of a packet inside an ICMP error
 * included. Written without the engine's parser, and without mercy: what it does not understand, it condemns.
 */
public final class LeakChecker {

    /** Tells which outside ports may show. */
    @FunctionalInterface
    public interface LivePorts {

        /** Whether a port may show. @param protocol number @param port or identifier @return true if it may */
        boolean isLive(int protocol, int port);
    }

    private static final int ICMP = 1;
    private static final int TCP = 6;
    private static final int UDP = 17;

    private final MacAddress uplink;
    private final int shared;
    private final Set<Integer> inside = new HashSet<>();
    private final LivePorts ports;
    private final Set<Integer> further = new HashSet<>();
    private final List<IpPrefix> exempt = new ArrayList<>();
    private final Set<Integer> exemptSources = new HashSet<>();
    private final Set<Integer> portless = new HashSet<>();

    /**
     * Makes a checker.
     *
     * @param uplink source of every frame
     * @param shared the shared address, dotted
     * @param ports that may show
     * @param insideAddresses of guests, dotted; without the shared one
     */
    public LeakChecker(MacAddress uplink, String shared, LivePorts ports, String... insideAddresses) {
        this.uplink = uplink;
        this.shared = Ipv4Address.parse(shared).bits();
        this.ports = ports;
        for (String address : insideAddresses) {
            inside.add(Ipv4Address.parse(address).bits());
        }
    }

    /** Admits addresses that belong to one guest each, with any port. @param addresses dotted @return this */
    public LeakChecker alsoFrom(String... addresses) {
        for (String address : addresses) {
            further.add(Ipv4Address.parse(address).bits());
        }
        return this;
    }

    /** Admits inside addresses as sources towards destinations that are exempt. @param prefix of them @return this */
    public LeakChecker exempting(String prefix) {
        exempt.add(IpPrefix.parse(prefix));
        return this;
    }

    /** Admits protocols that are translated by address only. @param numbers of them @return this */
    public LeakChecker alsoProtocols(int... numbers) {
        for (int number : numbers) {
            portless.add(number);
        }
        return this;
    }

    /** Admits further sources, but towards destinations that are exempt only. @param addresses of guests, dotted @return this */
    public LeakChecker exemptFrom(String... addresses) {
        for (String address : addresses) {
            exemptSources.add(Ipv4Address.parse(address).bits());
        }
        return this;
    }

    private boolean isExempt(int destination) {
        return exempt.stream().anyMatch(prefix -> prefix.contains(new Ipv4Address(destination)));
    }

    /**
     * Fails if a frame may not leave.
     *
     * @param frame seen on the uplink
     * @throws AssertionError saying what is wrong with it
     */
    public void check(byte[] frame) {
        String fault = fault(frame);
        if (fault != null) {
            throw new AssertionError("leak: " + fault + ": " + ParsedPacket.hex(frame));
        }
    }

    /** Fails if one of several frames may not leave. @param frames seen on the uplink */
    public void check(List<byte[]> frames) {
        frames.forEach(this::check);
    }

    private @Nullable String fault(byte[] a) {
        if (a.length < 14 || Octets.u48(a, 6) != uplink.bits()) {
            return "not from the uplink's MAC address";
        }
        return switch (Octets.u16(a, 12)) {
            case 0x0806 -> arpFault(a);
            case 0x0800 -> ipFault(a);
            default -> "neither ARP nor IPv4";
        };
    }

    private @Nullable String arpFault(byte[] a) {
        if (a.length < 42 || Octets.u48(a, 22) != uplink.bits()) {
            return "ARP in another machine's name";
        }
        if (Octets.i32(a, 28) != shared && !further.contains(Octets.i32(a, 28))) {
            return "ARP sender is not the shared address";
        }
        return inside.contains(Octets.i32(a, 38)) ? "ARP asks for an inside address" : null;
    }

    private @Nullable String ipFault(byte[] a) {
        if (a.length < 34) {
            return "truncated";
        }
        int header = headerLength(a, 14);
        if (header < 20 || 14 + header > a.length || a.length - 14 < Octets.u16(a, 16)) {
            return "broken IP header";
        }
        boolean isGuests = inside.contains(Octets.i32(a, 26)) || exemptSources.contains(Octets.i32(a, 26));
        if (isGuests && isExempt(Octets.i32(a, 30))) {
            return inside.contains(Octets.i32(a, 30)) ? "inside destination" : null;
        }
        boolean isFurther = further.contains(Octets.i32(a, 26));
        if (!isFurther && Octets.i32(a, 26) != shared) {
            return "source is not the shared address";
        }
        String inHeader = insideAddressIn(a, 14, header);
        if (inHeader != null) {
            return inHeader;
        }
        int at = 14 + header;
        if ((Octets.u16(a, 20) & 0x1fff) != 0) {
            return null; // a later fragment has no port
        }
        if (isFurther && Octets.u8(a, 23) != ICMP) {
            return null;
        }
        return switch (Octets.u8(a, 23)) {
            case TCP -> ports.isLive(TCP, Octets.u16(a, at)) ? null : "TCP source port is nobody's";
            case UDP -> ports.isLive(UDP, Octets.u16(a, at)) ? null : "UDP source port is nobody's";
            case ICMP -> icmpFault(a, at, isFurther);
            default -> portless.contains(Octets.u8(a, 23)) ? null : "protocol is not translated";
        };
    }

    private @Nullable String icmpFault(byte[] a, int at, boolean anyPort) {
        int type = Octets.u8(a, at);
        return switch (type) {
            case 0, 14 ->
                null; // the gateway answers pings to its own address; a guest's answer has gone through a flow
            case 8, 13 -> anyPort || ports.isLive(ICMP, Octets.u16(a, at + 4)) ? null : "ping identifier is nobody's";
            case 3, 11, 12 -> innerFault(a, at + 8);
            default -> "ICMP type " + type + " does not leave";
        };
    }

    /** What an error quotes was on its way to the address that the error comes from, and to a port of the gateway unless the gateway refuses it. */
    private @Nullable String innerFault(byte[] a, int ip) {
        int header = a.length < ip + 20 ? 0 : headerLength(a, ip);
        // a packet that is shorter than what must be quoted is quoted whole
        if (header < 20 || a.length < ip + Math.max(header, Math.min(header + 8, Octets.u16(a, ip + 2)))) {
            return "inner packet is truncated";
        }
        if (Octets.i32(a, ip + 16) != Octets.i32(a, 26)) {
            return "inner packet was not for the address that the error comes from";
        }
        return insideAddressIn(a, ip, header);
    }

    private static int headerLength(byte[] a, int ip) {
        return (a[ip] & 0xf) * 4;
    }

    private @Nullable String insideAddressIn(byte[] a, int ip, int header) {
        List<Integer> places = new ArrayList<>(List.of(12, 16));
        for (int i = 20; i + 4 <= header; i++) {
            places.add(i);
        }
        for (int place : places) {
            int address = Octets.i32(a, ip + place);
            if (inside.contains(address)) {
                return "inside address " + new Ipv4Address(address) + " in an IP header";
            }
        }
        return null;
    }
}
