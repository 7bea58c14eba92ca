package io.sharedip.nat.internal.dhcp;

import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.dns.DomainName;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.stats.DropReason;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a client's message calls for (RFC 2131 section 4.3), and writes the answer. The server is authoritative for its link:
 * whoever claims an address that is not bound to it is told so at once, and so begins anew.
 *
 * <p>Not thread-safe. Nothing is kept from one message to the next.
 */
public final class DhcpServer {

    private static final int BROADCAST = -1;
    private static final int DEFAULT_MASK = 0xffffff00;

    private final int leaseSeconds;
    private final boolean rapidCommit;
    private final int mtu;
    private final int[] dnsServers;
    private final boolean offersDns;
    private final byte[] domain;
    private final byte[] search;
    private final int[] networks;
    private final int[] networkMasks;
    private final int[] networkRouters;
    private final DhcpMessage message = new DhcpMessage();
    private final DhcpReply reply = new DhcpReply();
    private int destination;

    /**
     * Makes a server.
     *
     * @param settings what it says
     * @param offersDns whether the gateway itself is a DNS server for guests
     */
    public DhcpServer(DhcpSettings settings, boolean offersDns) {
        this.offersDns = offersDns;
        leaseSeconds = (int) settings.leaseTime().toSeconds();
        rapidCommit = settings.rapidCommit();
        mtu = settings.mtu();
        dnsServers = settings.dnsServers().stream().mapToInt(Ipv4Address::bits).toArray();
        domain = settings.domain()
                .map(name -> name.toString().getBytes(StandardCharsets.US_ASCII))
                .orElse(new byte[0]);
        search = wire(settings.searchDomains());
        List<DhcpSettings.Network> byLength = settings.networks().stream()
                .sorted((a, b) -> b.prefix().length() - a.prefix().length())
                .toList();
        networks = byLength.stream().mapToInt(n -> bits(n.prefix())).toArray();
        networkMasks = byLength.stream().mapToInt(n -> n.prefix().mask()).toArray();
        networkRouters = byLength.stream().mapToInt(n -> n.router().bits()).toArray();
    }

    private static int bits(IpPrefix prefix) {
        return ((Ipv4Address) prefix.network()).bits();
    }

    private static byte[] wire(List<DomainName> names) {
        byte[] all = new byte[names.stream().mapToInt(DomainName::length).sum()];
        int at = 0;
        for (DomainName name : names) {
            System.arraycopy(name.toWire(), 0, all, at, name.length());
            at += name.length();
        }
        return all;
    }

    /**
     * Handles a message. If the outcome is null, {@link #octets()} to {@link #destination()} are the answer until the next message.
     *
     * @param a holds the message
     * @param from index of its first octet
     * @param length in octets
     * @param client who sent it
     * @return why it is not answered, or null if it is
     */
    public @Nullable DropReason handle(byte[] a, int from, int length, DhcpClient client) {
        final DhcpMessage m = message;
        if (!m.parse(a, from, length)) {
            return DropReason.DHCP_MALFORMED;
        }
        if (m.hardwareAddress != client.mac) {
            return DropReason.BINDING_MAC;
        }
        boolean boundSource = client.source == 0 || client.owns(client.source);
        if (!boundSource && (m.type != DhcpMessage.REQUEST || m.clientAddress != client.source)) {
            return DropReason.BINDING_ADDRESS;
        }
        return switch (m.type) {
            case DhcpMessage.DISCOVER -> {
                boolean commit = rapidCommit && m.rapidCommit;
                grant(client, commit ? DhcpMessage.ACK : DhcpMessage.OFFER, wanted(client, m.requestedAddress), commit);
                yield null;
            }
            case DhcpMessage.REQUEST -> request(client);
            case DhcpMessage.INFORM -> inform(client);
            case DhcpMessage.DECLINE -> DropReason.DHCP_DECLINED;
            case DhcpMessage.RELEASE -> DropReason.DHCP_UNANSWERED;
            default -> DropReason.DHCP_MALFORMED;
        };
    }

    private static int wanted(DhcpClient client, int requested) {
        return client.owns(requested) ? requested : client.addresses[0];
    }

    /** The states of a client that sends DHCPREQUEST are told apart as in RFC 2131 section 4.3.2. */
    private @Nullable DropReason request(DhcpClient client) {
        final DhcpMessage m = message;
        if (m.serverId != 0 && m.serverId != client.gateway && m.clientAddress == 0) {
            // selects another server
            return DropReason.DHCP_UNANSWERED;
        }
        int address = m.clientAddress != 0 ? m.clientAddress : m.requestedAddress;
        if (address == 0) {
            return DropReason.DHCP_MALFORMED;
        }
        if (client.owns(address)) {
            grant(client, DhcpMessage.ACK, address, false);
        } else {
            refuse(client);
        }
        return null;
    }

    private @Nullable DropReason inform(DhcpClient client) {
        if (!client.owns(message.clientAddress)) {
            return DropReason.DHCP_UNANSWERED;
        }
        reply.begin(message, DhcpMessage.ACK, client.gateway, 0, limit(client));
        configuration(client, message.clientAddress);
        reply.end();
        destination = message.clientAddress;
        return null;
    }

    private void grant(DhcpClient client, int type, int address, boolean committed) {
        reply.begin(message, type, client.gateway, address, limit(client));
        reply.i32(DhcpOption.LEASE_TIME, leaseSeconds);
        reply.i32(DhcpOption.RENEWAL_TIME, leaseSeconds / 2);
        reply.i32(DhcpOption.REBINDING_TIME, (int) (leaseSeconds * 7L / 8));
        if (committed) {
            reply.empty(DhcpOption.RAPID_COMMIT);
        }
        configuration(client, address);
        reply.end();
        if (client.owns(message.clientAddress)) {
            destination = message.clientAddress;
        } else {
            destination = (message.flags & DhcpMessage.BROADCAST_FLAG) != 0 ? BROADCAST : address;
        }
    }

    private void refuse(DhcpClient client) {
        reply.begin(message, DhcpMessage.NAK, client.gateway, 0, limit(client));
        reply.end();
        destination = BROADCAST;
    }

    /** The most important first: what does not fit is left out. */
    private void configuration(DhcpClient client, int address) {
        int mask = DEFAULT_MASK;
        int router = (address & mask) | 1;
        int network = networkOf(address);
        if (network >= 0) {
            mask = networkMasks[network];
            router = networkRouters[network];
        } else if ((address & client.segmentMask) == client.segment) {
            mask = client.segmentMask;
            router = client.router;
        } else if (router == address) {
            router = (address & mask) | 254;
        }
        reply.i32(DhcpOption.SUBNET_MASK, mask);
        if (router != address) {
            reply.i32(DhcpOption.ROUTER, router);
        }
        if (dnsServers.length > 0) {
            reply.i32s(DhcpOption.DNS_SERVERS, dnsServers);
        } else if (offersDns) {
            reply.i32(DhcpOption.DNS_SERVERS, client.gateway);
        }
        reply.u16(DhcpOption.INTERFACE_MTU, Math.min(mtu != 0 ? mtu : client.linkMtu, 0xffff));
        reply.i32(DhcpOption.BROADCAST_ADDRESS, (address & mask) | ~mask);
        if (isHostName(client.name)) {
            reply.text(DhcpOption.HOST_NAME, client.name);
        }
        if (domain.length > 0) {
            reply.octets(DhcpOption.DOMAIN_NAME, domain, 0, domain.length);
        }
        if (search.length > 0) {
            reply.octets(DhcpOption.DOMAIN_SEARCH, search, 0, search.length);
        }
    }

    private int networkOf(int address) {
        for (int i = 0; i < networks.length; i++) {
            if ((address & networkMasks[i]) == networks[i]) {
                return i;
            }
        }
        return -1;
    }

    /** Whether a guest's name may be a host's: names of guests may hold more than letters, digits and hyphens (RFC 1123). */
    private static boolean isHostName(String name) {
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c == '.' || c == '_') {
                return false;
            }
        }
        return !name.isEmpty() && !name.endsWith("-");
    }

    private int limit(DhcpClient client) {
        return Math.min(
                Math.max(message.maxSize, DhcpReply.LEAST_LIMIT), Math.max(client.linkMtu, DhcpReply.LEAST_LIMIT));
    }

    /**
     * The octets that hold the answer.
     *
     * @return from index 0 on
     */
    public byte[] octets() {
        return reply.octets();
    }

    /**
     * How long the answer is.
     *
     * @return in octets
     */
    public int length() {
        return reply.length();
    }

    /**
     * The IP address that the answer goes to, at the MAC address of the client unless it is the broadcast address.
     *
     * @return the client's own or future address, or 255.255.255.255
     */
    public int destination() {
        return destination;
    }
}
