package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.UDP;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put48;
import static io.sharedip.packet.Octets.put8;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u48;

import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.internal.dhcp.DhcpClient;
import io.sharedip.nat.internal.dhcp.DhcpMessage;
import io.sharedip.nat.internal.dhcp.DhcpServer;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Ipv4View;
import io.sharedip.packet.UdpView;
import io.sharedip.stats.DropReason;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * DHCP on guests' links. A guest asks before it has an address, so its messages pass by the judgement of senders; here they are held
 * against the guest's MAC address instead, and the answer goes to no other. Rules do not see them.
 */
final class DhcpTraffic {

    private static final int SERVER_PORT = 67;
    private static final int CLIENT_PORT = 68;
    private static final long BROADCAST_MAC = 0xffff_ffff_ffffL;
    private static final int IP = EthernetView.MIN_LENGTH;
    private static final int TRANSPORT = IP + Ipv4View.MIN_LENGTH;
    private static final int PAYLOAD = TRANSPORT + UdpView.MIN_LENGTH;
    private static final int TTL = 64;

    private final Engine engine;
    private final EngineSettings settings;
    private final OutsideAddresses outside;
    private final Counters counters;
    private final DhcpServer server;
    private final int messagesPerSecond;
    private final DhcpClient client = new DhcpClient();
    private final Frame frame = new Frame();
    private final byte[] room = new byte[PAYLOAD + DhcpMessage.MAX_LENGTH];
    /** By number of the guest. */
    private @Nullable TokenBucket[] buckets = new TokenBucket[16];

    DhcpTraffic(
            Engine engine, EngineSettings settings, DhcpSettings dhcp, OutsideAddresses outside, Counters counters) {
        this.engine = engine;
        this.settings = settings;
        this.outside = outside;
        this.counters = counters;
        this.server = new DhcpServer(dhcp, settings.offersDns());
        this.messagesPerSecond = dhcp.messagesPerSecond();
    }

    /**
     * Whether a guest's packet is for the server.
     *
     * @param why as {@link PacketContext#parseIp} has said
     */
    boolean isForServer(PacketContext c, @Nullable DropReason why) {
        if (why != null && (why != DropReason.IP_SOURCE || c.source != 0)) {
            return false;
        }
        return c.protocol == UDP
                && c.transportLength >= UdpView.MIN_LENGTH
                && u16(c.octets, c.transport + 2) == SERVER_PORT
                && u16(c.octets, c.transport) == CLIENT_PORT
                && !c.isFragment()
                && (outside.isSegmentBroadcast(c.destination)
                        || (c.source != 0 && c.destination == outside.gatewayAddress()));
    }

    void fromGuest(Attachment from, PacketContext c, long sourceMac, long nowNanos) {
        DropReason why = judge(from, c, sourceMac);
        if (why == null && !bucket(from.number()).take(nowNanos)) {
            why = DropReason.DHCP_LIMIT;
        }
        if (why == null) {
            why = c.parseTransport(settings.verifyChecksums());
        }
        if (why == null) {
            why = handle(from, c);
        }
        if (why == null) {
            why = answer(from);
        }
        if (why == null) {
            counters.answered();
            return;
        }
        if (why == DropReason.BINDING_MAC || why == DropReason.BINDING_ADDRESS) {
            engine.violated(from, why, sourceMac, c.source);
        }
        counters.drop(why);
    }

    private @Nullable DropReason judge(Attachment from, PacketContext c, long sourceMac) {
        if (sourceMac != from.mac()) {
            return PacketContext.isNobodysMac(sourceMac) ? DropReason.ETHERNET_SOURCE : DropReason.BINDING_MAC;
        }
        long mac = u48(c.octets, c.start);
        boolean broadcast = outside.isSegmentBroadcast(c.destination);
        return mac == settings.routerMac() || (broadcast && mac == BROADCAST_MAC)
                ? null
                : DropReason.ETHERNET_DESTINATION;
    }

    private TokenBucket bucket(int guest) {
        if (guest >= buckets.length) {
            buckets = Arrays.copyOf(buckets, Math.max(guest + 1, 2 * buckets.length));
        }
        TokenBucket bucket = buckets[guest];
        if (bucket == null) {
            bucket = new TokenBucket(messagesPerSecond, messagesPerSecond);
            buckets[guest] = bucket;
        }
        return bucket;
    }

    private @Nullable DropReason handle(Attachment from, PacketContext c) {
        client.mac = from.mac();
        client.addresses = from.addresses();
        client.name = from.guestId().name();
        client.linkMtu = from.mtu();
        client.segment = outside.network();
        client.segmentMask = outside.mask();
        client.router = outside.router();
        client.gateway = outside.gatewayAddress();
        client.source = c.source;
        int length = u16(c.octets, c.transport + 4) - UdpView.MIN_LENGTH;
        return server.handle(c.octets, c.transport + UdpView.MIN_LENGTH, length, client);
    }

    private @Nullable DropReason answer(Attachment to) {
        int length = server.length();
        int destination = server.destination();
        System.arraycopy(server.octets(), 0, room, PAYLOAD, length);
        put48(room, 0, destination == -1 ? BROADCAST_MAC : to.mac());
        put48(room, 6, settings.routerMac());
        put16(room, 12, EthernetView.TYPE_IPV4);
        put16(room, IP, 0x4500);
        put16(room, IP + 2, PAYLOAD - IP + length);
        // an atomic datagram needs no identification (RFC 6864 section 4)
        put32(room, IP + 4, Ipv4View.DONT_FRAGMENT);
        put8(room, IP + 8, TTL);
        put8(room, IP + 9, UDP);
        put16(room, IP + 10, 0);
        put32(room, IP + 12, client.gateway);
        put32(room, IP + 16, destination);
        put16(room, IP + 10, ~Checksum.sum(room, IP, Ipv4View.MIN_LENGTH));
        int udp = UdpView.MIN_LENGTH + length;
        put16(room, TRANSPORT, SERVER_PORT);
        put16(room, TRANSPORT + 2, CLIENT_PORT);
        put16(room, TRANSPORT + 4, udp);
        put16(room, TRANSPORT + 6, 0);
        int sum = ~Checksum.add(
                        Checksum.sum(room, TRANSPORT, udp),
                        Checksum.pseudoHeader(client.gateway, destination, UDP, udp))
                & 0xffff;
        put16(room, TRANSPORT + 6, sum == 0 ? 0xffff : sum);
        if (!to.send(frame.wrap(room, 0, PAYLOAD + length))) {
            return DropReason.LINK_FULL;
        }
        counters.ownFrames++;
        return null;
    }
}
