package io.sharedip.stats;

/**
 * Why a frame was dropped. Every dropped frame has exactly one reason, and every reason a counter in
 * {@link SharedIpStats#drops()} under its {@link #name()}. New reasons may be added in any release.
 */
public enum DropReason {
    /** Shorter than its headers. */
    FRAME_TOO_SHORT("shorter than its headers"),
    /** The source MAC address is zero or a group address. */
    ETHERNET_SOURCE("the source MAC address is zero or a group address"),
    /** For a MAC address that is neither the gateway's nor a group's. */
    ETHERNET_DESTINATION("for a MAC address that is neither the gateway's nor a group's"),
    /** A broadcast or multicast MAC address with a unicast IP destination. */
    GROUP_MAC_UNICAST_IP("a broadcast or multicast MAC address with a unicast IP destination"),
    /** Tagged, on a link that is not configured for VLANs. */
    VLAN_TAG("tagged, on a link that is not configured for VLANs"),
    /** Neither IPv4 nor ARP nor IPv6. */
    ETHERTYPE_UNSUPPORTED("neither IPv4 nor ARP nor IPv6"),
    /** IPv6, which is not translated yet. */
    IPV6_UNSUPPORTED("IPv6, which is not translated yet"),
    /** The link to send on is down. */
    LINK_DOWN("the link to send on is down"),
    /** The link to send on did not take it. */
    LINK_FULL("the link to send on did not take it"),

    /** An ARP packet that is not for Ethernet and IPv4, or makes no sense. */
    ARP_MALFORMED("an ARP packet that is not for Ethernet and IPv4, or makes no sense"),
    /** The ARP sender is not the Ethernet source. */
    ARP_SENDER_MISMATCH("the ARP sender is not the Ethernet source"),
    /** An ARP packet claims an address that its sender does not have. */
    ARP_SPOOFED("an ARP packet claims an address that its sender does not have"),
    /** An ARP reply that nobody asked for. */
    ARP_UNSOLICITED("an ARP reply that nobody asked for"),
    /** An ARP request that deserves no answer: about the guest's own address or one outside the segment. */
    ARP_UNANSWERED("an ARP request that deserves no answer: about the guest's own address or one outside the segment"),
    /** The source MAC address is not bound to the link. */
    BINDING_MAC("the source MAC address is not bound to the link"),
    /** The source IP address is not bound to the link. */
    BINDING_ADDRESS("the source IP address is not bound to the link"),

    /** The version is not 4. */
    IP_VERSION("the version is not 4"),
    /** The header is shorter than 20 octets or longer than the packet. */
    IP_HEADER_LENGTH("the header is shorter than 20 octets or longer than the packet"),
    /** The total length is shorter than the header or longer than the frame. */
    IP_TOTAL_LENGTH("the total length is shorter than the header or longer than the frame"),
    /** The header checksum is wrong. */
    IP_CHECKSUM("the header checksum is wrong"),
    /** A source route, or a malformed option. */
    IP_OPTION("a source route, or a malformed option"),
    /** A source that nobody can have: loopback, zero, multicast, reserved. */
    IP_SOURCE("a source that nobody can have: loopback, zero, multicast, reserved"),
    /** A destination that cannot be routed: loopback, zero, reserved. */
    IP_DESTINATION("a destination that cannot be routed: loopback, zero, reserved"),
    /** To a multicast or broadcast address; neither is forwarded. */
    IP_MULTICAST("to a multicast or broadcast address; neither is forwarded"),
    /** Source and destination are the same. */
    LAND("source and destination are the same"),
    /** A fragment without octets, misaligned, past 65,535, or at odds with the others; so is the rest of its datagram. */
    FRAGMENT_INVALID("a fragment without octets, misaligned, past 65,535, or at odds with the others"),
    /** A fragment that overlaps another one without repeating it; so is the rest of its datagram. */
    FRAGMENT_OVERLAP("a fragment that overlaps another one without repeating it"),
    /** A fragment that has come before; its datagram is not affected. */
    FRAGMENT_DUPLICATE("a fragment that has come before"),
    /** The rest of the datagram did not come in time. */
    FRAGMENT_TIMEOUT("the rest of the datagram did not come in time"),
    /** Its incomplete datagram had to make room for others. */
    FRAGMENT_LIMIT("its incomplete datagram had to make room for others"),
    /** The time to live ran out. */
    TTL_EXPIRED("the time to live ran out"),
    /** Longer than the outgoing link's MTU and not to be fragmented. */
    PACKET_TOO_BIG("longer than the outgoing link's MTU and not to be fragmented"),

    /** The TCP header is truncated or its data offset is wrong. */
    TCP_HEADER("the TCP header is truncated or its data offset is wrong"),
    /** The TCP checksum is wrong. */
    TCP_CHECKSUM("the TCP checksum is wrong"),
    /** A combination of TCP flags that no stack sends. */
    TCP_FLAGS("a combination of TCP flags that no stack sends"),
    /** The UDP length is wrong. */
    UDP_LENGTH("the UDP length is wrong"),
    /** The UDP checksum is wrong. */
    UDP_CHECKSUM("the UDP checksum is wrong"),
    /** Port 0. */
    PORT_ZERO("port 0"),
    /** The ICMP message is truncated. */
    ICMP_HEADER("the ICMP message is truncated"),
    /** The ICMP checksum is wrong. */
    ICMP_CHECKSUM("the ICMP checksum is wrong"),
    /** An ICMP message that is not translated. */
    ICMP_TYPE("an ICMP message that is not translated"),
    /** An ICMP error whose inner packet is truncated, wrong, or itself an error. */
    ICMP_INNER("an ICMP error whose inner packet is truncated, wrong, or itself an error"),
    /** An ICMP error or echo reply that belongs to no flow. */
    ICMP_NO_FLOW("an ICMP error or echo reply that belongs to no flow"),
    /** Neither TCP nor UDP nor ICMP nor a protocol that is translated by address alone. */
    PROTOCOL_UNSUPPORTED("neither TCP nor UDP nor ICMP nor a protocol that is translated by address alone"),
    /** Too short for the header of its protocol, which is neither TCP nor UDP nor ICMP. */
    PROTOCOL_HEADER("too short for the header of its protocol, which is neither TCP nor UDP nor ICMP"),

    /** A DHCP message that is malformed or too long. */
    DHCP_MALFORMED("a DHCP message that is malformed or too long"),
    /** The guest sends more DHCP messages than it may. */
    DHCP_LIMIT("the guest sends more DHCP messages than it may"),
    /** A DHCP message that calls for no answer, or is for another server. */
    DHCP_UNANSWERED("a DHCP message that calls for no answer, or is for another server"),
    /** A DHCP message by which the guest says that its address is in use: somebody else answers ARP on its link. */
    DHCP_DECLINED("a DHCP message by which the guest says that its address is in use"),

    /** From outside to a port that the gateway holds but no mapping or forward uses. */
    NO_MAPPING("from outside to a port that the gateway holds but no mapping or forward uses"),
    /** From outside to a mapping by a peer that the guest has not addressed. */
    FILTERED_BY_MAPPING("from outside to a mapping by a peer that the guest has not addressed"),
    /** A TCP packet that begins no flow and belongs to none. */
    TCP_NO_FLOW("a TCP packet that begins no flow and belongs to none"),
    /** A TCP packet that no side sends at this stage of the connection. */
    TCP_STATE("a TCP packet that no side sends at this stage of the connection"),
    /** TCP data outside the window of their receiver. */
    TCP_WINDOW("TCP data outside the window of their receiver"),
    /** A TCP acknowledgment of what was never sent, or long acknowledged. */
    TCP_ACKNOWLEDGMENT("a TCP acknowledgment of what was never sent, or long acknowledged"),
    /** A TCP reset outside the window of its receiver. */
    TCP_RST_WINDOW("a TCP reset outside the window of its receiver"),
    /** From outside, with the shared address or a guest's as its source. */
    SPOOFED_OUTSIDE_SOURCE("from outside, with the shared address or a guest's as its source"),
    /** From outside, to a guest's private address. */
    INSIDE_DESTINATION("from outside, to a guest's private address"),
    /** From outside, to an address that is not the gateway's. */
    NOT_FOR_US("from outside, to an address that is not the gateway's"),
    /** From a guest to the host, which this uplink cannot reach. */
    HOST_UNREACHABLE("from a guest to the host, which this uplink cannot reach"),
    /** From a guest to the host, which no rule opens to it. */
    HOST_DENIED("from a guest to the host, which no rule opens to it"),
    /** Nothing that a socket of the host can send. */
    SOCKET_UNSUPPORTED("nothing that a socket of the host can send"),
    /** The host's socket did not take it. */
    SOCKET_FULL("the host's socket did not take it"),
    /** The guest asks a service of the gateway more often than it may. */
    LIMIT_SERVICE("the guest asks a service of the gateway more often than it may"),
    /** Pings of the gateway itself come more often than it answers on one link. */
    LIMIT_ECHO("pings of the gateway itself come more often than it answers on one link"),
    /** From a guest to another guest's address. */
    LATERAL("from a guest to another guest's address"),
    /** Another flow has the same addresses, protocol and ports. */
    TUPLE_IN_USE("another flow has the same addresses, protocol and ports"),
    /** The guest has as many flows as it may have. */
    LIMIT_GUEST_FLOWS("the guest has as many flows as it may have"),
    /** The flow table is full. */
    LIMIT_FLOWS("the flow table is full"),
    /** The guest holds as many outside ports as it may hold. */
    LIMIT_GUEST_PORTS("the guest holds as many outside ports as it may hold"),
    /** No outside port is free. */
    LIMIT_PORTS("no outside port is free"),

    /** A rule or a policy dropped it. */
    RULE_DROPPED("a rule or a policy dropped it"),
    /** A rule or a policy rejected it. */
    RULE_REJECTED("a rule or a policy rejected it"),
    /** The next hop did not answer ARP. */
    NEIGHBOUR_UNRESOLVED("the next hop did not answer ARP"),
    /** Too many packets wait for the next hop's MAC address. */
    NEIGHBOUR_QUEUE_FULL("too many packets wait for the next hop's MAC address");

    private final String description;

    DropReason(String description) {
        this.description = description;
    }

    /**
     * What was wrong with the frame.
     *
     * @return one clause, without a full stop
     */
    public String description() {
        return description;
    }
}
