package io.sharedip.nat.fuzz;

import io.sharedip.ConfigurationException;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.Inside;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.TcpTracking;
import io.sharedip.nat.fuzz.InvariantChecker.Cause;
import io.sharedip.packet.Octets;
import io.sharedip.stats.FlowStatus;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.uplink.PacketUplink;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A program for a gateway on a card: two octets of settings, then instructions. An instruction sends a frame, made up, or made from one
 * that was seen (an answer, an error about it, its fragments), from outside or from a guest; or lets time pass; or changes rules and
 * forwards.
 */
final class FrameProgram extends GuestProgram {

    private static final String[] OUTSIDE = {
        GatewayRig.SERVER,
        GatewayRig.SERVER,
        GatewayRig.OTHER_SERVER,
        NEIGHBOUR,
        GatewayRig.ROUTER,
        SHARED,
        PRIVATE,
        GatewayRig.ALIAS
    };
    private static final String[] CALLED = {
        GatewayRig.SERVER,
        GatewayRig.SERVER,
        GatewayRig.OTHER_SERVER,
        SHARED,
        GatewayRig.ALIAS,
        NEIGHBOUR,
        PRIVATE,
        "224.0.0.1"
    };
    private static final FilterChain[] RULES = {
        FilterChain.acceptAll(),
        FilterChain.parse("drop udp from any to any port 53"),
        FilterChain.parse("reject tcp from any to any port 80\ndrop icmp from any to any hook egress"),
        FilterChain.parse("accept tcp from guest p to any\ndefault reject"),
    };
    private static final PortForward[] FORWARDS = {
        PortForward.parse("tcp 8080 -> p:80"),
        PortForward.parse("tcp 61004 -> s:80"),
        PortForward.parse("udp 5000-5009 -> q:6000-6009"),
        PortForward.parse("udp 61006 -> t:53"),
    };

    private final Wire uplink = new Wire("up", GatewayRig.UPLINK_MAC);
    private final NatGateway gateway;
    private final Inside inside;

    FrameProgram(byte[] program) {
        super(program);
        NatGatewayBuilder builder = builder()
                .uplink(PacketUplink.on(uplink)
                        .withPorts(PortRange.of(61_000, 61_007))
                        .withAddressOfItsOwn());
        settings(builder);
        gateway = builder.build();
        inside = new Inside(gateway);
    }

    @Override
    NatGateway gateway() {
        return gateway;
    }

    @Override
    Inside inside() {
        return inside;
    }

    @Override
    String called(int choice) {
        return CALLED[choice & 7];
    }

    @Override
    void offerOutside(byte[] frame) {
        uplink.offer(frame);
    }

    @Override
    void lookOutside(@Nullable Cause cause) {
        List<byte[]> out = uplink.take();
        if (!out.isEmpty()) {
            List<FlowStatus> flows = inside.flows();
            for (byte[] frame : out) {
                checker.checkUplink(frame, cause, flows);
                remember(frame);
            }
        }
    }

    private void settings(NatGatewayBuilder builder) {
        int general = next();
        int ports = next();
        boolean overload = (general & 0x80) != 0;
        builder.verifyChecksums((general & 1) == 0)
                .udpInboundRefresh((general & 2) != 0)
                .tcpTracking(TcpTracking.defaults()
                        .withWindowChecks((general & 4) == 0)
                        .withMidStreamPickup((general & 8) != 0)
                        .withAnswerUnsolicitedSyn((general & 16) == 0)
                        .withMssClamp((general & 32) == 0 ? 0 : TcpTracking.MSS_OF_LINK));
        builder.tcp(behavior(ProtocolBehavior.tcp(), overload, ports))
                .udp(behavior(ProtocolBehavior.udp(), overload, ports >>> 4));
    }

    @Override
    void begin() {
        pass(Duration.ZERO);
        answerAll(GatewayRig.NEXT_HOP_MAC);
        for (PortForward forward : FORWARDS) {
            if (forward.selector().outside().first() < 61_000) {
                inside.add(forward);
            }
        }
    }

    @Override
    void finish() {
        for (PortForward forward : FORWARDS) {
            removeForward(forward);
        }
    }

    @Override
    void instruction(int code) {
        switch (code & 15) {
            case 0 -> raw();
            case 1, 2, 3 -> fromGuest(code >>> 4);
            case 4, 5 -> fromOutside(code >>> 4);
            case 6, 7, 8 -> answer(code >>> 4);
            case 9 -> errorAbout(code >>> 4);
            case 10 -> fragments(code >>> 4);
            case 11 -> again(code >>> 4);
            case 12 -> arp(code >>> 4);
            case 13 -> pass(PAUSES[code >>> 4 & 7]);
            case 14 -> inside.replaceRules(RULES[code >>> 4 & 3]);
            default -> forward(code >>> 4);
        }
    }

    private void fromOutside(int bits) {
        PacketBuilder packet = packet().from(OUTSIDE[bits & 7], port())
                .to(SHARED, port())
                .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC);
        put(UPLINK, changed(packet.build()));
    }

    private void arp(int bits) {
        if (bits < 8) {
            answerAll(new MacAddress(0x020000000077L));
            return;
        }
        MacAddress[] macs = {
            GatewayRig.NEXT_HOP_MAC, GUESTS.get(0).mac(), GUESTS.get(2).mac()
        };
        int link = new int[] {UPLINK, 1, 3}[bits % 3];
        put(link, changed(GatewayRig.arp(1 + (next() & 1), macs[bits % 3], OUTSIDE[next() & 7], OUTSIDE[next() & 7])));
    }

    private void forward(int bits) {
        PortForward forward = FORWARDS[bits & 3];
        if ((bits & 4) != 0) {
            removeForward(forward);
            return;
        }
        try {
            inside.add(forward);
        } catch (ConfigurationException e) {
            // it is there already
        }
    }

    private void removeForward(PortForward forward) {
        try {
            inside.remove(forward.selector());
        } catch (ConfigurationException e) {
            // it is not there
        }
    }

    private void answerAll(MacAddress mac) {
        for (byte[] frame : List.copyOf(seen)) {
            if (frame.length >= 42 && Octets.u16(frame, 12) == 0x0806 && Octets.u16(frame, 20) == 1) {
                put(UPLINK, GatewayRig.arpReply(frame, mac));
            }
        }
    }
}
