package io.sharedip.nat.fuzz;

import io.sharedip.ConfigurationException;
import io.sharedip.FlowPolicy;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.SnapshotException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.address.UplinkAddress;
import io.sharedip.binding.Binding;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.Inside;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.TcpTracking;
import io.sharedip.nat.fuzz.InvariantChecker.Cause;
import io.sharedip.nat.fuzz.InvariantChecker.Machine;
import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.nat.internal.snapshot.SnapshotReader;
import io.sharedip.packet.Octets;
import io.sharedip.snapshot.RestoreOptions;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.stats.FlowStatus;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.uplink.PacketUplink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A program for a gateway on a card: two octets of settings, or three if the first says so, then instructions. An instruction sends a
 * frame, made up, or made from one that was seen (an answer, an error about it, its fragments), from outside or from a guest; or lets time
 * pass; or changes rules, forwards, guests, their addresses and the gateway's; or takes a snapshot, or restores it, as it is or altered.
 */
class FrameProgram extends GuestProgram {

    /** In the first octet of settings: a third one follows. */
    static final int MORE = 0x40;

    /** In the third octet: a guest has an outside address of its own; a destination is exempt; a protocol without ports passes. */
    private static final int ONE_TO_ONE = 1;

    private static final int EXEMPT = 2;
    private static final int PORTLESS = 4;

    private static final String OWN = "192.0.2.20";
    private static final String FURTHER = "10.0.0.9";
    private static final int GRE = 47;
    private static final UplinkAddress[] PLACES = {
        UplinkAddress.of(SHARED, "192.0.2.0/24", GatewayRig.ROUTER).withAlias(GatewayRig.ALIAS),
        UplinkAddress.of("192.0.2.11", "192.0.2.0/24", GatewayRig.ROUTER).withAlias(GatewayRig.ALIAS),
        UplinkAddress.of("203.0.113.50", "203.0.113.0/24", "203.0.113.1").withAlias("203.0.113.254"),
        UplinkAddress.of("192.0.2.12", "192.0.2.0/24", GatewayRig.ROUTER)
    };

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
    private final List<Set<String>> addresses = new ArrayList<>();
    private final boolean[] isGone = new boolean[GUESTS.size()];
    private final int more;
    private UplinkAddress place = PLACES[0];
    private byte[] kept = {};

    FrameProgram(byte[] program) {
        super(program);
        NatGatewayBuilder builder = builder()
                .uplink(PacketUplink.on(uplink)
                        .withPorts(PortRange.of(61_000, 61_007))
                        .withAddressOfItsOwn());
        int general = next();
        settings(builder, general, next());
        more = (general & MORE) != 0 ? next() : 0;
        if ((more & ONE_TO_ONE) != 0) {
            builder.oneToOne(OWN, "p");
        }
        if ((more & EXEMPT) != 0) {
            builder.exempt(GatewayRig.OTHER_SERVER + "/32");
        }
        if ((more & PORTLESS) != 0) {
            builder.protocols(new IpProtocol(GRE));
        }
        GUESTS.forEach(machine -> addresses.add(new LinkedHashSet<>(machine.addresses())));
        judge();
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

    private static void settings(NatGatewayBuilder builder, int general, int ports) {
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

    /** Judges from now on by the settings and the place. */
    private void judge() {
        checker = InvariantChecker.at(place.address().toString(), PRIVATE, FURTHER);
        if ((more & ONE_TO_ONE) != 0) {
            checker.oneToOne(OWN);
        }
        if ((more & EXEMPT) != 0) {
            // a guest's own address shows there, be it what was shared before or a neighbour's
            checker.exempting(GatewayRig.OTHER_SERVER + "/32", SHARED, NEIGHBOUR);
        }
        if ((more & PORTLESS) != 0) {
            checker.protocols(GRE);
        }
    }

    @Override
    Machine machine(int guest) {
        Machine machine = GUESTS.get(guest);
        return new Machine(machine.name(), machine.mac(), addresses.get(guest));
    }

    @Override
    boolean isThere(int guest) {
        return !isGone[guest];
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
        inside.forwards().forEach(this::removeForward);
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
            case 14 -> change(code >>> 4);
            default -> forward(code >>> 4);
        }
    }

    private void change(int what) {
        switch (what) {
            case 4 -> move(next());
            case 5 -> kept = inside.snapshot();
            case 6 -> restoreKept(next());
            case 7 -> restoreAltered(next());
            case 8 -> remove(next() & 3);
            case 9 -> add(next() & 3);
            case 10 -> bind(next());
            case 11 -> unbind(next());
            default -> isDone(() -> inside.replaceRules(RULES[what & 3]));
        }
        look(null);
    }

    /** Does what may be refused. @return whether it was done */
    private static boolean isDone(Runnable change) {
        try {
            change.run();
            return true;
        } catch (ConfigurationException e) {
            return false;
        }
    }

    private void move(int bits) {
        UplinkAddress to = PLACES[bits & 3];
        if (isDone(() -> inside.move(to, (bits & 4) != 0 ? FlowPolicy.FLUSH : FlowPolicy.KEEP))) {
            place = to;
            judge();
        }
    }

    private void restoreKept(int bits) {
        if (kept.length > 0) {
            restore(kept, bits);
        }
    }

    private void restoreAltered(int bits) {
        byte[] altered = kept.clone();
        for (int i = bits & 7; i >= 0 && altered.length > 0; i--) {
            int at = nextWord() % altered.length;
            altered[at] = (byte) next();
        }
        restore(SnapshotInput.mended(altered), bits >>> 3);
    }

    private void restore(byte[] octets, int bits) {
        try {
            restore(SnapshotReader.read(octets), PAUSES[bits & 7]);
        } catch (SnapshotException e) {
            // what is altered may be refused
        }
    }

    /** Restores a snapshot, of whatever address. */
    final RestoreReport restore(Snapshot snapshot, Duration downtime) {
        RestoreReport report = inside.restore(
                snapshot,
                place.address(),
                RestoreOptions.defaults()
                        .withDowntime(downtime)
                        .withOtherAddress(RestoreOptions.OtherAddress.TAKE_OVER));
        for (Binding binding : snapshot.bindings()) {
            for (int i = 0; i < GUESTS.size(); i++) {
                if (GUESTS.get(i).name().equals(binding.guest().name())) {
                    noteBindings(i);
                }
            }
        }
        return report;
    }

    private void remove(int guest) {
        if (!isGone[guest]
                && isDone(() -> inside.remove(GuestId.of(GUESTS.get(guest).name())))) {
            isGone[guest] = true;
            addresses.set(guest, new LinkedHashSet<>(GUESTS.get(guest).addresses()));
        }
    }

    private void add(int guest) {
        if (isGone[guest]) {
            Machine machine = GUESTS.get(guest);
            String address = machine.addresses().iterator().next();
            isGone[guest] = !isDone(
                    () -> inside.add(Guest.of(machine.name(), machine.mac().toString(), address, wires.get(guest))));
        }
    }

    private void bind(int bits) {
        int guest = bits & 3;
        isDone(() -> inside.bind(binding(guest, bits)));
        noteBindings(guest);
    }

    private void unbind(int bits) {
        int guest = bits & 3;
        isDone(() -> inside.unbind(binding(guest, bits)));
        noteBindings(guest);
    }

    private static Binding binding(int guest, int bits) {
        String address = new String[] {FURTHER, SHARED, PRIVATE, NEIGHBOUR}[bits >>> 2 & 3];
        Machine machine = GUESTS.get(guest);
        return new Binding(GuestId.of(machine.name()), machine.mac(), Ipv4Address.parse(address));
    }

    private void noteBindings(int guest) {
        Set<String> now = inside.addressesOf(GuestId.of(GUESTS.get(guest).name()));
        if (!now.isEmpty()) {
            addresses.set(guest, now);
        }
    }

    private void fromOutside(int bits) {
        boolean toOne = (more & ONE_TO_ONE) != 0 && (bits & 8) != 0;
        PacketBuilder packet = packet().from(OUTSIDE[bits & 7], port())
                .to(toOne ? OWN : place.address().toString(), port())
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
