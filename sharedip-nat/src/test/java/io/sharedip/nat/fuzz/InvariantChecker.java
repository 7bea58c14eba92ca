package io.sharedip.nat.fuzz;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.Octets;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.LeakChecker;
import io.sharedip.testing.ParsedPacket;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What must be true after every frame, whatever it was. Frames are read here without the engine's parser.
 *
 * <p>On the uplink: nothing but what {@link LeakChecker} lets pass, and each TCP segment, UDP datagram and ping belongs to a flow that
 * is alive, of the guest that has just sent something; or it is the gateway's own answer, the mirror image of what has just come in.
 * On a guest's link: only frames to that guest's MAC and IP addresses. In the tables: no more than there is room for. On the books:
 * every frame once.
 */
final class InvariantChecker {

    private static final int ICMP = 1;
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int ECHO_REQUEST = 8;
    private static final long BROADCAST_MAC = 0xffffffffffffL;

    /**
     * A guest as far as frames show it.
     *
     * @param name of the guest
     * @param mac of its card
     * @param addresses it may use, dotted
     */
    record Machine(String name, MacAddress mac, Set<String> addresses) {}

    /**
     * The frame that has just gone in.
     *
     * @param guest who sent it; null if it came in on the uplink
     * @param frame as it was
     */
    record Cause(@Nullable String guest, byte[] frame) {}

    private static final int ARP_END = 42;

    private final LeakChecker leaks;
    /** The shared address, and those of one guest. */
    private final Set<String> outside = new HashSet<>();

    private final Set<Integer> portless = new HashSet<>();

    /** Makes a checker. @param inside addresses that must never show */
    InvariantChecker(String... inside) {
        this(GatewayRig.SHARED, inside);
    }

    private InvariantChecker(String shared, String... inside) {
        outside.add(shared);
        // whose port it is, is judged here, by the peer too
        leaks = new LeakChecker(GatewayRig.UPLINK_MAC, shared, (protocol, port) -> true, inside);
    }

    /** Makes a checker of a gateway with another address. @param shared address @param inside addresses that must never show */
    static InvariantChecker at(String shared, String... inside) {
        return new InvariantChecker(shared, inside);
    }

    /** Admits an address that belongs to one guest. @return this */
    InvariantChecker oneToOne(String address) {
        leaks.alsoFrom(address);
        outside.add(address);
        return this;
    }

    /** Admits inside addresses towards a prefix, and others that guests may have. @return this */
    InvariantChecker exempting(String prefix, String... others) {
        leaks.exempting(prefix).exemptFrom(others);
        return this;
    }

    /** Admits protocols that are translated by address only. @return this */
    InvariantChecker protocols(int... numbers) {
        leaks.alsoProtocols(numbers);
        for (int number : numbers) {
            portless.add(number);
        }
        return this;
    }

    /**
     * Judges a frame on the uplink.
     *
     * @param frame that has left
     * @param cause what has just gone in; null if time has passed
     * @param flows that are alive
     */
    void checkUplink(byte[] frame, @Nullable Cause cause, List<FlowStatus> flows) {
        if (isArpReplyTo(cause, frame)) {
            return;
        }
        leaks.check(frame);
        if (Octets.u16(frame, 12) != 0x0800 || !hasFlow(frame) || isMirrored(frame, cause)) {
            return;
        }
        int protocol = Octets.u8(frame, 23);
        boolean ports = hasPorts(frame);
        int source = ports ? port(frame, 0) : 0;
        String shown = address(frame, 26);
        String peer = address(frame, 30);
        int peerPort = ports ? port(frame, 2) : 0;
        for (FlowStatus flow : flows) {
            if (flow.protocol().number() == protocol
                    && flow.outside().address().toString().equals(shown)
                    && flow.outside().port() == source
                    && flow.peer().address().toString().equals(peer)
                    && (protocol == ICMP || flow.peer().port() == peerPort)
                    && (cause == null
                            || cause.guest() == null
                            || flow.guest().name().equals(cause.guest()))) {
                return;
            }
        }
        throw new AssertionError("leak: no flow of " + (cause == null ? "anybody" : cause.guest()) + " has this tuple: "
                + ParsedPacket.hex(frame) + " among " + flows);
    }

    /** Judges a frame on a guest's link. @param frame that was sent there @param machine that is there */
    void checkGuest(byte[] frame, Machine machine) {
        boolean dhcp = isDhcpAnswer(frame);
        if (frame.length < 14
                || (Octets.u48(frame, 0) != machine.mac().bits() && !(dhcp && Octets.u48(frame, 0) == BROADCAST_MAC))) {
            throw new AssertionError("not for the MAC address of " + machine + ": " + ParsedPacket.hex(frame));
        }
        if (Octets.u48(frame, 6) != GatewayRig.ROUTER_MAC.bits()) {
            throw new AssertionError("not from the gateway's MAC address: " + ParsedPacket.hex(frame));
        }
        int type = Octets.u16(frame, 12);
        if (type == 0x0806) {
            return;
        }
        if (type != 0x0800
                || frame.length < 34
                || (!machine.addresses().contains(address(frame, 30)) && !(dhcp && Octets.i32(frame, 30) == -1))) {
            throw new AssertionError("not for an address of " + machine + ": " + ParsedPacket.hex(frame));
        }
    }

    /** Judges what the gateway has made itself. @param frame to a guest whose link carries packets of 1500 octets */
    void checkSoundness(byte[] frame) {
        if (frame.length > 1514) {
            throw new AssertionError("longer than the link can take: " + ParsedPacket.hex(frame));
        }
        if (Octets.u16(frame, 12) == 0x0800) {
            ParsedPacket.of(frame);
        }
    }

    /** Whether a frame has the ports of what a DHCP server says. */
    private static boolean isDhcpAnswer(byte[] frame) {
        return frame.length >= 42
                && Octets.u16(frame, 12) == 0x0800
                && Octets.u8(frame, 14) == 0x45
                && Octets.u8(frame, 23) == UDP
                && Octets.i32(frame, 34) == (67 << 16 | 68);
    }

    /** Judges the counters. @param stats published just now */
    void checkBooks(SharedIpStats stats) {
        if (!stats.balances()) {
            throw new AssertionError("the books do not balance: " + stats);
        }
        if (stats.flows() < 0
                || stats.flows() > stats.capacity()
                || stats.mappings() < 0
                || stats.mappings() > stats.flows()
                || stats.held() < 0) {
            throw new AssertionError("a table is out of its bounds: " + stats);
        }
    }

    private boolean hasFlow(byte[] frame) {
        return hasPorts(frame) || portless.contains(Octets.u8(frame, 23));
    }

    /** Whether a frame is unfragmented or a first fragment, and of a protocol whose ports are rewritten. */
    private static boolean hasPorts(byte[] frame) {
        int header = (frame[14] & 0xf) * 4;
        if ((Octets.u16(frame, 20) & 0x1fff) != 0 || frame.length < 14 + header + 8) {
            return false;
        }
        int protocol = Octets.u8(frame, 23);
        return protocol == TCP
                || protocol == UDP
                || (protocol == ICMP && Octets.u8(frame, 14 + header) == ECHO_REQUEST);
    }

    private static int port(byte[] frame, int at) {
        int header = (frame[14] & 0xf) * 4;
        boolean ping = Octets.u8(frame, 23) == ICMP;
        return Octets.u16(frame, 14 + header + (ping ? 4 : at));
    }

    /** A neighbour that asks in the name of an inside address is answered, and hears no more than it has said. */
    private boolean isArpReplyTo(@Nullable Cause cause, byte[] frame) {
        if (cause == null || cause.guest() != null || cause.frame().length < ARP_END || frame.length < ARP_END) {
            return false;
        }
        byte[] request = cause.frame();
        return Octets.u16(request, 12) == 0x0806
                && Octets.u16(request, 20) == 1
                && outside.contains(address(request, 38))
                && Arrays.equals(GatewayRig.arpReply(request, GatewayRig.UPLINK_MAC), 0, ARP_END, frame, 0, ARP_END);
    }

    /** Whether a frame is the gateway's own answer: to the very endpoint that has just called, from the one that was called. */
    private static boolean isMirrored(byte[] frame, @Nullable Cause cause) {
        if (cause == null || cause.guest() != null) {
            return false;
        }
        byte[] in = cause.frame();
        return in.length >= 42
                && Octets.u16(in, 12) == 0x0800
                && hasPorts(in)
                && Octets.u8(frame, 23) == Octets.u8(in, 23)
                && Octets.i32(frame, 30) == Octets.i32(in, 26)
                && port(frame, 0) == port(in, 2)
                && port(frame, 2) == port(in, 0);
    }

    private static String address(byte[] frame, int at) {
        return new Ipv4Address(Octets.i32(frame, at)).toString();
    }
}
