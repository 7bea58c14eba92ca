package io.sharedip.pcap.oracle;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import java.util.stream.IntStream;

/** The network that both sides stand in: an uplink with the shared address, and guests with private ones. */
final class Net {

    static final int UPLINK = 0;
    /** Protocols without ports that the engine is to let pass: ESP, and one that nobody uses. */
    static final int[] PORTLESS = {50, 99};

    static final int GUESTS = 4;
    /** Guests 1 to 3 share the address; the last one has an outside address of its own. */
    static final int OWNER = 4;

    static final String SHARED_TEXT = "192.0.2.10";
    static final String OWN_TEXT = "192.0.2.20";
    static final String ALIAS_TEXT = "192.0.2.254";
    static final String ROUTER_TEXT = "192.0.2.1";
    static final int SHARED = Ipv4Address.parse(SHARED_TEXT).bits();
    static final int ROUTER = Ipv4Address.parse(ROUTER_TEXT).bits();
    static final int OWN = Ipv4Address.parse(OWN_TEXT).bits();
    static final int ALIAS = Ipv4Address.parse(ALIAS_TEXT).bits();

    static final String UPLINK_MAC_TEXT = "02:00:00:00:00:10";
    static final String ROUTER_MAC_TEXT = "02:00:00:00:00:01";
    static final String NEXT_HOP_MAC_TEXT = "02:00:00:00:00:99";
    static final long UPLINK_MAC = MacAddress.parse(UPLINK_MAC_TEXT).bits();
    static final long ROUTER_MAC = MacAddress.parse(ROUTER_MAC_TEXT).bits();
    static final long NEXT_HOP_MAC = MacAddress.parse(NEXT_HOP_MAC_TEXT).bits();

    static final int FIRST_POOL_PORT = 61000;
    static final int LAST_POOL_PORT = 65535;

    /** Forwards: an outside port of the shared address leads to a guest's. */
    enum Forward {
        WEB(6, 8080, 1, 80),
        NAMES(17, 5353, 2, 53),
        SHELL(6, 2222, 3, 22);

        final int protocol;
        final int outsidePort;
        final int guest;
        final int insidePort;

        Forward(int protocol, int outsidePort, int guest, int insidePort) {
            this.protocol = protocol;
            this.outsidePort = outsidePort;
            this.guest = guest;
            this.insidePort = insidePort;
        }

        String protocolName() {
            return protocol == 6 ? "tcp" : "udp";
        }
    }

    private Net() {}

    static String guestAddressText(int guest) {
        return "10.0." + guest + ".2";
    }

    static int guestAddress(int guest) {
        return Ipv4Address.parse(guestAddressText(guest)).bits();
    }

    static boolean isGuest(int address) {
        return IntStream.rangeClosed(1, GUESTS).anyMatch(guest -> guestAddress(guest) == address);
    }

    /** The address that a guest shows outside. */
    static int outsideAddress(int guest) {
        return guest == OWNER ? OWN : SHARED;
    }

    static String guestMacText(int guest) {
        return "52:54:00:00:00:0" + guest;
    }

    static long guestMac(int guest) {
        return MacAddress.parse(guestMacText(guest)).bits();
    }

    static String linkName(int link) {
        return link == UPLINK ? "up0" : "g" + link;
    }
}
