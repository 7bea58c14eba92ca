package io.sharedip.nat.benchmark;

import io.sharedip.Guest;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.Timeouts;
import io.sharedip.packet.Frame;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.testing.GatewayRig;
import io.sharedip.uplink.PacketUplink;
import java.time.Duration;
import java.util.Random;
import java.util.function.UnaryOperator;

/**
 * A gateway with four guests that all have the shared address, a number of established flows, and batches of packets of random flows
 * in either direction.
 *
 * <p>One address has at most 64,512 outside ports for each protocol, so a million flows are some ten thousand inside endpoints, each
 * with many peers.
 */
final class Traffic implements AutoCloseable {

    private static final int SHARED = 0xc000020a;
    private static final int PEERS = 0xc6120000;
    private static final int PEER_PORT = 443;
    private static final int GUESTS = 4;
    private static final int FIRST_PORT = 1024;
    private static final int MOST_ENDPOINTS = 48_000;
    private static final long STEP_NANOS = 10_000;

    private final NatGateway gateway;
    private final BatchLink[] guestLinks = new BatchLink[GUESTS];
    private final MacAddress[] guestMacs = new MacAddress[GUESTS];
    private final BatchLink uplink = new BatchLink("up", GatewayRig.UPLINK_MAC);
    private final FrameBatch batch = new FrameBatch();
    private final Random random = new Random(7);
    private final int flows;
    private final int[] protocols;
    private final int endpoints;
    private final int[] outsidePorts;
    private long now = 1_000_000_000L;

    /**
     * Makes the gateway and lets the flows be established.
     *
     * @param flows at least 1,000
     * @param room for how many flows more
     * @param settings further ones
     * @param protocols of the flows, in turn
     */
    Traffic(int flows, int room, UnaryOperator<NatGatewayBuilder> settings, int... protocols) {
        this.flows = flows;
        this.protocols = protocols;
        this.endpoints = Math.min(flows, MOST_ENDPOINTS) / (GUESTS * protocols.length) * GUESTS * protocols.length;
        this.outsidePorts = new int[endpoints];
        NatGatewayBuilder builder = NatGateway.builder()
                .address(new Ipv4Address(SHARED))
                .prefix("192.0.2.0/24")
                .router(GatewayRig.ROUTER)
                .alias(GatewayRig.ALIAS)
                .routerMac(GatewayRig.ROUTER_MAC)
                .clock(() -> now)
                .capacity(flows + room)
                .flowsPerGuest(flows + room)
                .timeouts(Timeouts.defaults()
                        .withTcpEstablished(Duration.ofDays(30))
                        .withUdp(Duration.ofDays(30))
                        .withIcmp(Duration.ofDays(30)))
                .uplink(PacketUplink.on(uplink)
                        .withPorts(PortRange.of(FIRST_PORT, 65535))
                        .withAddressOfItsOwn());
        for (int i = 0; i < GUESTS; i++) {
            guestMacs[i] = new MacAddress(0x525400000001L + i);
            guestLinks[i] = new BatchLink("guest" + i, guestMacs[i]);
            builder.guest(
                    Guest.of("g" + i, guestMacs[i].toString(), new Ipv4Address(SHARED).toString(), guestLinks[i]));
        }
        gateway = settings.apply(builder).build();
        pass(0);
        for (int flow = 0; flow < flows; flow++) {
            establish(flow);
        }
        pass(STEP_NANOS);
        SharedIpStats stats = gateway.stats();
        if (stats.flows() != flows || stats.dropped() != 0) {
            throw new IllegalStateException("not all flows were established: " + stats);
        }
    }

    private int protocol(int flow) {
        return protocols[flow % endpoints % protocols.length];
    }

    private int guest(int flow) {
        return flow % endpoints / protocols.length % GUESTS;
    }

    private int insidePort(int flow) {
        return FIRST_PORT + flow % endpoints / protocols.length / GUESTS;
    }

    private int peer(int flow) {
        return PEERS + flow / endpoints;
    }

    private void establish(int flow) {
        int protocol = protocol(flow);
        writeOutward(0, flow, FrameBatch.SYN);
        guestLinks[guest(flow)].offer(batch.frames(), 1);
        run();
        outsidePorts[flow % endpoints] = batch.sourcePort(0);
        writeInward(0, flow, FrameBatch.SYN | FrameBatch.ACK);
        uplink.offer(batch.frames(), 1);
        run();
        if (protocol == FrameBatch.TCP) {
            writeOutward(0, flow, FrameBatch.ACK);
            guestLinks[guest(flow)].offer(batch.frames(), 1);
            run();
        }
    }

    private void writeOutward(int slot, int flow, int tcpFlags) {
        int protocol = protocol(flow);
        batch.write(
                slot,
                GatewayRig.ROUTER_MAC.bits(),
                guestMacs[guest(flow)].bits(),
                protocol,
                SHARED,
                insidePort(flow),
                peer(flow),
                PEER_PORT,
                protocol == FrameBatch.ICMP ? FrameBatch.ECHO_REQUEST : tcpFlags);
    }

    private void writeInward(int slot, int flow, int tcpFlags) {
        int protocol = protocol(flow);
        batch.write(
                slot,
                GatewayRig.UPLINK_MAC.bits(),
                GatewayRig.NEXT_HOP_MAC.bits(),
                protocol,
                peer(flow),
                PEER_PORT,
                SHARED,
                outsidePorts[flow % endpoints],
                protocol == FrameBatch.ICMP ? FrameBatch.ECHO_REPLY : tcpFlags);
    }

    /** Lets a full batch of packets of random flows of one guest, which changes from batch to batch, wait on its link. */
    void prepareOutward() {
        int guest = random.nextInt(GUESTS);
        for (int slot = 0; slot < FrameBatch.SIZE; slot++) {
            int flow = random.nextInt(flows);
            // of the same endpoint but for the guest
            flow += (guest - guest(flow)) * protocols.length;
            writeOutward(slot, flow < flows ? flow : flow - endpoints, FrameBatch.ACK);
        }
        guestLinks[guest].offer(batch.frames(), FrameBatch.SIZE);
    }

    /** Lets a full batch of packets of random flows wait on the uplink. */
    void prepareInward() {
        for (int slot = 0; slot < FrameBatch.SIZE; slot++) {
            writeInward(slot, random.nextInt(flows), FrameBatch.ACK);
        }
        uplink.offer(batch.frames(), FrameBatch.SIZE);
    }

    /**
     * Lets the first packets of new UDP flows wait on the guests' links.
     *
     * @param first number of a flow; each has an inside port of its own and the guests' ports differ
     */
    void prepareNew(long first) {
        int guest = (int) (first / FrameBatch.SIZE) % GUESTS;
        for (int slot = 0; slot < FrameBatch.SIZE; slot++) {
            long turn = first / (FrameBatch.SIZE * GUESTS) * FrameBatch.SIZE + slot;
            int port = 2048 + (int) ((turn + guest * 15_000L) % 60_000);
            batch.write(
                    slot,
                    GatewayRig.ROUTER_MAC.bits(),
                    guestMacs[guest].bits(),
                    FrameBatch.UDP,
                    SHARED,
                    port,
                    PEERS + 0x10000,
                    53,
                    0);
        }
        guestLinks[guest].offer(batch.frames(), FrameBatch.SIZE);
    }

    /** Lets the gateway take what waits; the router answers if it is asked. @return how many frames it took */
    int run() {
        now += STEP_NANOS;
        int taken = gateway.poll(now);
        answerArp();
        return taken;
    }

    /** Lets time pass and the gateway do its housekeeping. @param nanos how long */
    void pass(long nanos) {
        now += nanos;
        gateway.tick(now);
        answerArp();
    }

    private void answerArp() {
        if (uplink.wasAsked()) {
            byte[] request = GatewayRig.arp(1, GatewayRig.UPLINK_MAC, GatewayRig.SHARED, GatewayRig.ROUTER);
            uplink.offer(new Frame[] {Frame.of(GatewayRig.arpReply(request, GatewayRig.NEXT_HOP_MAC))}, 1);
            run();
        }
    }

    /** How many frames have left on any link. */
    long sent() {
        long sum = uplink.sent();
        for (BatchLink link : guestLinks) {
            sum += link.sent();
        }
        return sum;
    }

    SharedIpStats stats() {
        gateway.tick(now);
        return gateway.stats();
    }

    @Override
    public void close() {
        gateway.close();
    }
}
