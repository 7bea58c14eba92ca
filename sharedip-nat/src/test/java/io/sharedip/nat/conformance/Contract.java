package io.sharedip.nat.conformance;

import java.util.ArrayList;
import java.util.List;

/** Every row of the contract, in the order of the page. A new row begins here, and a test that carries its token ends it. */
final class Contract {

    /** No setting that must be named even where it is the default. */
    private static final String DEFAULTS = "";

    private final List<Row> rows = new ArrayList<>();
    private String section = "";

    private Contract() {
        section = "UDP (RFC 4787)";
        rfc(4787, "1", "One inside endpoint shows as one outside endpoint, whatever its destination.", "udp.mapping");
        rfc(4787, "2", "A guest keeps its outside address.", DEFAULTS);
        rfc(
                4787,
                "3",
                "A port is kept when it is free, drawn at random otherwise, and never shared by two mappings.",
                "udp.mapping");
        rfc(4787, "3a", "Ports below 1024 stay below while they last; others never fall below.", DEFAULTS);
        rfc(4787, "4", "Even ports stay even and odd ports odd while they last.", DEFAULTS);
        rfc(4787, "5", "A mapping lives at least 120 s after its last packet, 300 s by default.", "timeouts.udp");
        rfc(4787, "6", "What the guest sends refreshes; what comes in does so only if set to.", "udp.inbound-refresh");
        rfc(4787, "7", "The same prefix, and the same address, on both sides is no obstacle.", DEFAULTS);
        rfc(4787, "8", "Who is let in through a mapping is a setting of three values.", "udp.filtering");
        rfc(
                4787,
                "9",
                "Guests reach one another through outside endpoints, which are what they see; one that owns the shared address sees its alias instead.",
                DEFAULTS);
        rfc(4787, "10", "Payload is never changed.", DEFAULTS);
        rfc(4787, "11", "Contention for ports and a full table change no behaviour.", DEFAULTS);
        rfc(4787, "12", "An ICMP error ends no mapping.", DEFAULTS);
        rfc(4787, "13", "Too big: 3/4 with the MTU where DF is set, fragments where it is not.", DEFAULTS);
        rfc(4787, "14", "Fragments pass in any order, and a flood of them harms nobody else.", DEFAULTS);

        section = "TCP (RFC 5382, RFC 7857, RFC 5961)";
        rfc(5382, "1", "One inside endpoint shows as one outside endpoint, whatever its destination.", "tcp.mapping");
        rfc(5382, "2", "Every valid sequence of segments passes, simultaneous open too.", DEFAULTS);
        rfc(5382, "3", "Who is let in through a mapping is a setting of its own.", "tcp.filtering");
        rfc(
                5382,
                "4",
                "An unsolicited SYN is answered with 3/3 after 6 s at the earliest, or never, as set, and a SYN of the guest meanwhile wins.",
                "tcp-tracking.answer-unsolicited-syn");
        rfc(
                5382,
                "5",
                "An established connection is remembered 7440 s, one that closes 240 s; one that opens has a row of its own below.",
                "timeouts.tcp-established, timeouts.tcp-transitory");
        rfc(5382, "6", "Payload is never changed, whatever protocol it speaks.", DEFAULTS);
        rfc(5382, "7", "No two mappings share a port.", "tcp.mapping");
        rfc(5382, "8", "Guests reach one another through outside endpoints, which are what they see.", DEFAULTS);
        rfc(5382, "9", "ICMP errors about a connection are translated.", DEFAULTS);
        rfc(5382, "10", "An ICMP error ends no connection.", DEFAULTS);
        row(
                "rfc7857_req2",
                "RFC 7857 2",
                "A state machine with timers of their own for opening and closing.",
                DEFAULTS);
        row(
                "rfc7857_rst",
                "RFC 7857 2.2",
                "A reset is translated, and the state stays for its timer.",
                "timeouts.tcp-transitory");
        row(
                "rfc7857_eim",
                "RFC 7857 3-9",
                "Mapping and filtering per protocol; neither an outbound reset nor an error refreshes; ports cannot be guessed; identification follows RFC 6864.",
                DEFAULTS);
        row(
                "rfc5961",
                "RFC 9293, RFC 5961",
                "A segment out of window never changes state; only a reset with the exact number closes, an inexact one in window is forwarded.",
                "tcp-tracking.window-checks");
        row(
                "half_open",
                "half-open",
                "A connection that opens is remembered for a time of its own, 120 s by default; 240 s, as RFC 5382 asks, can be set.",
                "timeouts.tcp-half-open");

        section = "ICMP (RFC 5508)";
        rfc(5508, "1", "Pings pass, and their identifier does not depend on the destination.", DEFAULTS);
        rfc(5508, "2", "A query is remembered at least 60 s.", "timeouts.icmp");
        rfc(
                5508,
                "3",
                "An error is judged by its own and the inner header's checksum, by nothing deeper; inner options and the extension of RFC 4884 stay.",
                DEFAULTS);
        rfc(
                5508,
                "4",
                "An error from outside keeps type and code and comes with the packet inside as the guest sent it, or not at all.",
                DEFAULTS);
        rfc(
                5508,
                "5",
                "An error from a guest keeps type and code and leaves with the packet inside as the peer sent it, or not at all.",
                DEFAULTS);
        rfc(5508, "6", "An error neither refreshes nor ends anything.", DEFAULTS);
        rfc(5508, "7", "Queries and errors pass between guests as well.", DEFAULTS);
        rfc(
                5508,
                "8",
                "What is refused for want of room, or by policy, is told with 3/13, at a limited rate.",
                DEFAULTS);
        rfc(5508, "9", "A policy may keep the gateway's own errors back.", DEFAULTS);
        rfc(5508, "10", "The gateway's own errors are those of RFC 1812.", DEFAULTS);
        rfc(5508, "11", "Messages that are neither query nor error do not pass.", DEFAULTS);

        section = "Many behind one address (RFC 6888, RFC 8158)";
        rfc(6888, "4", "A guest has a limit of flows and one of ports.", DEFAULTS);
        rfc(6888, "5", "A guest has a limit of memory, and a limit on what it begins harms no one else.", DEFAULTS);
        rfc(6888, "6", "Destinations can be exempt from translation.", "exempt");
        rfc(
                6888,
                "8",
                "A port that was given back rests before it is used again, one of UDP 120 s by default.",
                "tcp.port-reuse-delay, udp.port-reuse-delay");
        rfc(6888, "11", "Exhaustion is told to guests and to the embedder.", DEFAULTS);
        rfc(6888, "13", "Ports are used to the last and none twice.", DEFAULTS);
        rfc(6888, "15", "Ports cannot be guessed.", DEFAULTS);
        row(
                "overload",
                "overload",
                "One outside port serves several destinations, if set to, so that one address carries 1,000,000 flows.",
                "tcp.port-overloading, udp.port-overloading");
        row(
                "rfc8158",
                "RFC 8158",
                "Birth and end of every mapping are told: time, guest, inside, outside, protocol.",
                DEFAULTS);

        section = "Hostile packets";
        hostile(
                "LAND, and sources that are spoofed or cannot be, are dropped: the shared address where it is not bound, loopback, 0.0.0.0, groups, 240/4.");
        hostile("An IP header with a wrong version, length or checksum is dropped.");
        hostile("A transport header that is cut short or lies about its length is dropped.");
        hostile("UDP checksum 0 is translated and stays 0.");
        hostile("A wrong transport checksum is dropped and never repaired.");
        hostile("Port 0 is dropped.");
        hostile("Senseless TCP flags, and segments without a connection, are dropped.");
        hostile("A SYN in an established connection is forwarded and its state kept.");
        hostile("A reset or data out of the window is dropped and the state kept.");
        hostile("A datagram with overlapping or impossible fragments is dropped whole.");
        hostile("An exact duplicate of a fragment is ignored and the datagram completes.");
        hostile("A first fragment with 8 octets of TCP is reassembled or dropped.");
        hostile("Source routing and malformed options are dropped.");
        hostile("An expired time to live is answered with 11/0, untranslated inside.");
        hostile("An ICMP error that fits nothing, is about an error, is broken, or redirects is dropped.");
        hostile("A packet from outside with an inside source or a private destination is dropped.");
        hostile("A unicast packet in a frame to a group or to a foreign MAC address is dropped.");
        hostile("A VLAN tag, or two, on a link that has none is dropped.");
        hostile(
                "ARP that lies is dropped and told: senders unlike their frame, claims of addresses of others, replies nobody asked for.");
        hostile("Floods and exhaustion: quotas first, half-open flows before established ones, 3/13, others unharmed.");
        hostile("A protocol spelled into a payload opens nothing.");
        hostile(
                "Floods of MAC addresses and of ARP meet bounded tables and rates, oversized DHCP a bounded parser. So does oversized DNS: that"
                        + " is in sharedip-netty, where the tests of `DnsForwarderTest` with this identifier fail the build by themselves.");

        section = "Cases of other suites";
        aCase("Two clients with equal ports have different outside ports and get their own answers.");
        aCase("A free port is kept.");
        aCase("When the outside address changes, flows end and new ones use the new address.");
        aCase("Of a pool of two ports the third flow fails, and succeeds after an expiry.");
        aCase("One endpoint has one mapping for all destinations.");
        aCase("Filtering does not break endpoint-independent mapping.");
        aCase("Forwards of four specificities, and their removal.");
        aCase("The wrong direction is blocked.");
        aCase("An acknowledgment out of order is accepted.");
        aCase("TCP, UDP and ICMP both ways, each checksum right.");
        aCase("A forward's connection begun outside.");
        aCase("A one-to-one mapping reached from inside.");
        aCase("An expired time to live is told to the client.");
        aCase("The maximum segment size is lowered only where it is larger.");
        aCase("The header inside an error is reverted for UDP, TCP and ICMP.");
        aCase("Fragments in order.");
        aCase("After the reset timer data is refused, and a SYN reopens.");
        aCase("From FIN and FIN to the transitory timer to nothing.");
        aCase("GRE and unknown protocols are translated by address only.");
        aCase("Fragments other than the first, under rules on ports.");
        aCase("A TCP flow between guests outlives the transitory timer.");
        aCase("A wrong pair of MAC and IP address is dropped.");
        aCase("A configured neighbour stands before a learned one.");
        aCase("A port that clashes is replaced within its class.");
        aCase("Equal ICMP identifiers of two hosts.");
    }

    static List<Row> rows() {
        return List.copyOf(new Contract().rows);
    }

    private void rfc(int number, String requirement, String text, String setting) {
        row("rfc" + number + "_req" + requirement, "RFC " + number + " REQ-" + requirement, text, setting);
    }

    private void hostile(String text) {
        numbered("hostile", text);
    }

    private void aCase(String text) {
        numbered("case", text);
    }

    private void numbered(String word, String text) {
        long number =
                1 + rows.stream().filter(row -> row.section().equals(section)).count();
        String twoDigits = (number < 10 ? "0" : "") + number;
        row(word + twoDigits, word + " " + number, text, DEFAULTS);
    }

    private void row(String token, String label, String text, String setting) {
        List<String> settings = setting.isEmpty() ? List.of() : List.of(setting.split(", "));
        rows.add(new Row(token, section, label, text, settings));
    }
}
