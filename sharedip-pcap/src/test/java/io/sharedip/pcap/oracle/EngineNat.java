package io.sharedip.pcap.oracle;

import io.sharedip.Guest;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.FilteringBehavior;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.ManualClock;
import io.sharedip.uplink.PacketUplink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** The engine under test on memory links and a manual clock, set to what the kernel does where the requirements leave a choice. */
final class EngineNat implements Nat {

    private static final int LINK_ROOM = 1 << 16;
    /** Long enough for the engine to afford an answer to each frame; short enough that no timer runs out within a case. */
    private static final Duration STEP = Duration.ofMillis(10);

    private final ManualClock clock = new ManualClock(0);
    private final InProcessLink[] links = new InProcessLink[Net.GUESTS + 1];
    private NatGateway gateway;

    EngineNat() {
        gateway = build();
    }

    private NatGateway build() {
        NatGatewayBuilder builder = NatGateway.builder()
                .address(Net.SHARED_TEXT)
                .prefix("192.0.2.0/24")
                .router(Net.ROUTER_TEXT)
                .alias(Net.ALIAS_TEXT)
                .routerMac(MacAddress.parse(Net.ROUTER_MAC_TEXT))
                .capacity(1024)
                .oneToOne(Net.OWN_TEXT, Net.linkName(Net.OWNER))
                .protocols(Arrays.stream(Net.PORTLESS).mapToObj(IpProtocol::new).toArray(IpProtocol[]::new))
                .tcp(ProtocolBehavior.tcp().withFiltering(FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT))
                .udp(ProtocolBehavior.udp().withFiltering(FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT))
                .clock(clock)
                .random(new Random(42));
        links[Net.UPLINK] = InProcessLink.named("up0")
                .withMacAddress(MacAddress.parse(Net.UPLINK_MAC_TEXT))
                .withCapacity(LINK_ROOM);
        for (int guest = 1; guest <= Net.GUESTS; guest++) {
            links[guest] = InProcessLink.named(Net.linkName(guest)).withCapacity(LINK_ROOM);
            builder.guest(
                    Guest.of(Net.linkName(guest), Net.guestMacText(guest), Net.guestAddressText(guest), links[guest]));
        }
        for (Net.Forward f : Net.Forward.values()) {
            builder.forward(
                    f.protocolName() + " " + f.outsidePort + " -> " + Net.linkName(f.guest) + ":" + f.insidePort);
        }
        builder.uplink(PacketUplink.on(links[Net.UPLINK])
                .withPorts(PortRange.of(Net.FIRST_POOL_PORT, Net.LAST_POOL_PORT))
                .withAddressOfItsOwn());
        NatGateway built = builder.build();
        work(built);
        List<Emission> ignored = new ArrayList<>();
        take(built, ignored);
        return built;
    }

    private void work(NatGateway g) {
        while (g.poll(clock.nanoTime()) > 0) {
            // until idle
        }
        g.tick(clock.nanoTime());
    }

    /** Takes what came out; the router's side of ARP is played here. */
    private void take(NatGateway g, List<Emission> out) {
        boolean asked = false;
        for (int link = 0; link < links.length; link++) {
            for (byte[] frame = links[link].receive(); frame != null; frame = links[link].receive()) {
                boolean arp = link == Net.UPLINK && Octets.u16(frame, 12) == 0x0806;
                if (arp && Octets.i32(frame, 38) != Net.ROUTER) {
                    continue; // it announces an address of its own
                }
                if (arp) {
                    links[link].transmit(GatewayRig.arpReply(frame, MacAddress.parse(Net.NEXT_HOP_MAC_TEXT)));
                    asked = true;
                } else {
                    out.add(new Emission(link, frame));
                }
            }
        }
        if (asked) {
            work(g);
            take(g, out);
        }
    }

    @Override
    public void reset() {
        gateway.close();
        gateway = build();
    }

    @Override
    public List<Emission> exchange(int link, byte[] frame) {
        clock.advance(STEP);
        if (!links[link].transmit(frame)) {
            throw new IllegalStateException("no room on " + Net.linkName(link));
        }
        work(gateway);
        List<Emission> out = new ArrayList<>(1);
        take(gateway, out);
        return out;
    }

    /** Why frames were dropped since the last {@link #reset()}, for reports. */
    String drops() {
        SharedIpStats stats = gateway.stats();
        StringBuilder s = new StringBuilder();
        for (DropReason reason : DropReason.values()) {
            if (stats.drops(reason) > 0) {
                s.append(reason).append('=').append(stats.drops(reason)).append(' ');
            }
        }
        return s.toString();
    }

    @Override
    public void close() {
        gateway.close();
    }
}
