package io.sharedip.nat.fuzz;

import io.sharedip.Guest;
import io.sharedip.SharedIp;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.nat.FilteringBehavior;
import io.sharedip.nat.Inside;
import io.sharedip.nat.MappingBehavior;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.fuzz.InvariantChecker.Cause;
import io.sharedip.nat.fuzz.InvariantChecker.Machine;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Octets as a program for a small gateway with four guests, two of which have the same private address and two the shared one. Here is
 * what all such programs have in common: how octets are read, how guests' frames are made up, or made from what was seen, and what is
 * looked at after each. Any octets are a program.
 *
 * <p>After every frame the {@link InvariantChecker} looks. At the end time passes until everything has expired, and then the tables
 * must be empty and every port back in its pool.
 */
abstract class GuestProgram {

    static final String PRIVATE = "10.0.0.2";
    static final String SHARED = GatewayRig.SHARED;
    static final String NEIGHBOUR = "192.0.2.77";
    private static final int FLOWS = 12;
    static final int MOST_INSTRUCTIONS = 48;
    private static final int MOST_SEEN = 8;
    static final int UPLINK = 0;

    static final List<Machine> GUESTS = List.of(
            new Machine("p", MacAddress.parse("52:54:00:00:00:01"), Set.of(PRIVATE)),
            new Machine("q", MacAddress.parse("52:54:00:00:00:02"), Set.of(PRIVATE)),
            new Machine("s", MacAddress.parse("52:54:00:00:00:03"), Set.of(SHARED)),
            new Machine("t", MacAddress.parse("52:54:00:00:00:04"), Set.of(SHARED)));
    private static final int[] PROTOCOLS = {6, 6, 6, 17, 17, 1, 1, 47};
    private static final int[] FLAGS = {2, 18, 16, 24, 17, 4, 20, 0};
    static final Duration[] PAUSES = {
        Duration.ofNanos(1),
        Duration.ofMillis(100),
        Duration.ofSeconds(1),
        Duration.ofSeconds(7),
        Duration.ofSeconds(61),
        Duration.ofSeconds(121),
        Duration.ofSeconds(301),
        Duration.ofSeconds(7441)
    };

    private final byte[] program;
    private int at;
    private long now = Long.MAX_VALUE - 5_000_000_000L;
    final List<Wire> wires = new ArrayList<>();
    InvariantChecker checker = new InvariantChecker(PRIVATE);
    final List<byte[]> seen = new ArrayList<>();
    private byte[] last = {};
    int transcript = 1;

    GuestProgram(byte[] program) {
        this.program = program;
    }

    final long now() {
        return now;
    }

    /** What gateways of all programs have in common. */
    final NatGatewayBuilder builder() {
        NatGatewayBuilder builder = NatGateway.builder()
                .address(SHARED)
                .prefix("192.0.2.0/24")
                .router(GatewayRig.ROUTER)
                .alias(GatewayRig.ALIAS)
                .routerMac(GatewayRig.ROUTER_MAC)
                .clock(() -> now)
                .random(new Random(42))
                .capacity(FLOWS)
                .flowsPerGuest(FLOWS - 4);
        for (Machine machine : GUESTS) {
            Wire wire = new Wire(machine.name(), machine.mac());
            wires.add(wire);
            builder.guest(Guest.of(
                    machine.name(),
                    machine.mac().toString(),
                    machine.addresses().iterator().next(),
                    wire));
        }
        return builder;
    }

    /** The gateway, made from {@link #builder}. */
    abstract NatGateway gateway();

    /** The gateway as its driver sees it. */
    abstract Inside inside();

    /** Whom guests call. */
    abstract String called(int choice);

    /** A guest as it is now. */
    Machine machine(int guest) {
        return GUESTS.get(guest);
    }

    /** Whether a guest is plugged in. */
    boolean isThere(int guest) {
        return true;
    }

    /** Puts a frame on a link that is not a guest's. */
    abstract void offerOutside(byte[] frame);

    /** Looks at what has come of a frame, or of time, on the outside. */
    abstract void lookOutside(@Nullable Cause cause);

    /** Does what comes before the first instruction. */
    abstract void begin();

    /** Does an instruction. */
    abstract void instruction(int code);

    /** Undoes what lasts, so that all else can expire. */
    abstract void finish();

    /**
     * Runs the program.
     *
     * @return a number that tells programs apart that do different things: the same octets give the same number
     * @throws AssertionError if an invariant is broken, or whatever the engine throws
     */
    final int run() {
        int tcp = inside().freePorts(IpProtocol.TCP);
        int udp = inside().freePorts(IpProtocol.UDP);
        int icmp = inside().freePorts(IpProtocol.ICMP);
        begin();
        for (int i = 0; i < MOST_INSTRUCTIONS && hasNext(); i++) {
            instruction(next());
        }
        finish();
        end();
        require(inside().freePorts(IpProtocol.TCP) == tcp, "TCP ports are lost");
        require(inside().freePorts(IpProtocol.UDP) == udp, "UDP ports are lost");
        require(inside().freePorts(IpProtocol.ICMP) == icmp, "ping identifiers are lost");
        return transcript;
    }

    /** How a protocol is translated, as four bits say. */
    static ProtocolBehavior behavior(ProtocolBehavior defaults, boolean overload, int bits) {
        if (overload) {
            return defaults.withPortOverloading();
        }
        ProtocolBehavior chosen = defaults.withMapping(MappingBehavior.values()[(bits & 3) % 3])
                .withFiltering(FilteringBehavior.values()[(bits >>> 2 & 3) % 3]);
        return (bits & 3) == 3 ? chosen.withPortsPerGuest(2).withPortReuseDelay(Duration.ofMinutes(2)) : chosen;
    }

    // ------------------------------------------------------------------------------------------------ reading

    final boolean hasNext() {
        return at < program.length;
    }

    final int next() {
        return hasNext() ? program[at++] & 0xff : 0;
    }

    final int nextWord() {
        return next() << 8 | next();
    }

    // ------------------------------------------------------------------------------------------------ instructions

    final void raw() {
        int link = next() % 5;
        byte[] frame = new byte[next()];
        for (int i = 0; i < frame.length; i++) {
            frame[i] = (byte) next();
        }
        put(link, frame);
    }

    final void fromGuest(int bits) {
        int guest = bits & 3;
        Machine machine = machine(guest);
        List<String> own = List.copyOf(machine.addresses());
        PacketBuilder packet = packet().from(own.get((bits >>> 2 & 3) % own.size()), port())
                .to(called(next()), port())
                .macs(machine.mac(), GatewayRig.ROUTER_MAC);
        put(1 + guest, changed(packet.build()));
    }

    final PacketBuilder packet() {
        int kind = next();
        int number = PROTOCOLS[kind & 7];
        byte[] payload = new byte[(kind & 0x80) != 0 ? 1400 + next() * 2 : kind >>> 3 & 15];
        Arrays.fill(payload, (byte) kind);
        PacketBuilder packet = switch (number) {
            case 6 ->
                PacketBuilder.tcp()
                        .flags(FLAGS[next() & 7])
                        .sequence(1000L + next() * 64L, 5000L + next() * 64L)
                        .tcpOptions(
                                (kind & 0x40) != 0
                                        ? new byte[] {2, 4, 5, (byte) 0xb4, 3, 3, (byte) next(), 0}
                                        : new byte[0]);
            case 17 -> PacketBuilder.udp();
            case 1 -> PacketBuilder.icmp().echo((kind & 0x40) != 0 ? 0 : 8, 61_000 + (next() & 15), 1);
            default -> PacketBuilder.protocol(number);
        };
        return packet.payload(payload).fragment((kind & 0x20) != 0 ? 0 : 0x4000);
    }

    final int port() {
        int choice = next();
        return switch (choice >>> 5) {
            case 0 -> 80;
            case 1 -> 53;
            case 2 -> 8080;
            case 3 -> 5000 + (choice & 15);
            case 4 -> choice & 31;
            case 5 -> 40_000 + (choice & 31);
            default -> 60_998 + (choice & 15);
        };
    }

    /** An answer to something seen: addresses and ports the other way round. */
    final void answer(int bits) {
        byte[] about = seen(bits);
        int protocol = about.length < 42 ? -1 : Octets.u8(about, 23);
        int header = about.length < 42 ? 0 : (about[14] & 0xf) * 4;
        if (protocol < 0 || Octets.u16(about, 12) != 0x0800 || about.length < 14 + header + 20) {
            return;
        }
        byte[] a = about.clone();
        long mac = Octets.u48(a, 0);
        Octets.put48(a, 0, Octets.u48(a, 6));
        Octets.put48(a, 6, mac);
        Octets.put32(a, 26, Octets.i32(about, 30));
        Octets.put32(a, 30, Octets.i32(about, 26));
        int transport = 14 + header;
        if (protocol == 6 || protocol == 17) {
            Octets.put32(a, transport, Integer.rotateLeft(Octets.i32(about, transport), 16));
        } else if (protocol == 1 && a[transport] == 8) {
            a[transport] = 0;
        }
        if (protocol == 6) {
            int choice = next();
            int flags = Octets.u8(about, transport + 13);
            int length = Math.max(0, about.length - transport - (Octets.u8(about, transport + 12) >>> 2))
                    + (flags & 1)
                    + (flags >>> 1 & 1);
            Octets.put32(a, transport + 4, (flags & 16) != 0 ? Octets.i32(about, transport + 8) : 7000);
            Octets.put32(a, transport + 8, Octets.i32(about, transport + 4) + length);
            a[transport + 13] = (byte) FLAGS[choice & 7];
        }
        fix(a);
        put(linkOf(a), changed(a));
    }

    /** An error from where a frame seen was going, or from a machine on the way. */
    final void errorAbout(int bits) {
        byte[] about = seen(bits);
        if (about.length < 42 || Octets.u16(about, 12) != 0x0800) {
            return;
        }
        int choice = next();
        boolean toOutside = Octets.u48(about, 6) == GatewayRig.ROUTER_MAC.bits();
        int reporter = Octets.i32(about, 30);
        byte[] error = PacketBuilder.icmp()
                .from((choice & 1) != 0 ? GatewayRig.OTHER_SERVER : new Ipv4Address(reporter).toString(), 0)
                .to(new Ipv4Address(Octets.i32(about, 26)).toString(), 0)
                .error(
                        new int[] {3, 3, 11, 12, 4, 5, 3, 0}[choice >>> 1 & 7],
                        choice >>> 4,
                        (choice & 0x10) != 0 ? 1200 : 0,
                        about,
                        (choice & 0x80) != 0 ? 28 : 576)
                .build();
        Octets.put48(error, 0, Octets.u48(about, 6));
        Octets.put48(error, 6, Octets.u48(about, 0));
        if (toOutside && (choice & 1) != 0) {
            // a guest reports under its own address
            Octets.put32(error, 26, reporter);
            fix(error);
        }
        put(linkOf(error), changed(error));
    }

    /** The frame that went in last, in two or three pieces, in some order, with some overlap. */
    final void fragments(int bits) {
        byte[] whole = last;
        if (whole.length < 60 || Octets.u16(whole, 12) != 0x0800 || (whole[14] & 0xf) != 5) {
            return;
        }
        int cut = 1 + next() % Math.max(1, (whole.length - 34) / 8);
        int overlap = bits & 1;
        byte[] first = piece(whole, 0, Math.min(cut * 8, whole.length - 34), true);
        int second = Math.max(0, cut - overlap);
        byte[] rest = piece(whole, second, whole.length - 34 - second * 8, (bits & 2) != 0);
        int link = linkOf(whole);
        boolean backwards = (bits & 4) != 0;
        put(link, changed(backwards ? rest : first));
        if ((bits & 8) != 0) {
            put(link, backwards ? rest : first);
        }
        put(link, backwards ? first : rest);
        last = whole;
    }

    static byte[] piece(byte[] whole, int offset, int length, boolean more) {
        int from = Math.min(34 + offset * 8, whole.length);
        int size = Math.max(0, Math.min(length, whole.length - from));
        byte[] a = new byte[34 + size];
        System.arraycopy(whole, 0, a, 0, 34);
        System.arraycopy(whole, from, a, 34, size);
        Octets.put16(a, 16, 20 + size);
        Octets.put16(a, 20, (more ? 0x2000 : 0) | offset & 0x1fff);
        ipChecksum(a);
        return a;
    }

    final void again(int bits) {
        if ((bits & 1) != 0) {
            put(linkOf(last), changed(last));
            return;
        }
        byte[] frame = seen(bits >>> 1);
        if (frame.length > 0) {
            put(bits >>> 1 & 3, changed(frame));
        }
    }

    // ------------------------------------------------------------------------------------------------ frames

    final byte[] seen(int back) {
        return seen.isEmpty() ? last : seen.get(seen.size() - 1 - back % seen.size());
    }

    static int linkOf(byte[] frame) {
        if (frame.length >= 12) {
            for (int i = 0; i < GUESTS.size(); i++) {
                if (Octets.u48(frame, 6) == GUESTS.get(i).mac().bits()) {
                    return 1 + i;
                }
            }
        }
        return UPLINK;
    }

    /** Changes up to three octets as the program says, and mends lengths and checksums if it says so. */
    final byte[] changed(byte[] frame) {
        int how = next();
        if ((how & 0x80) == 0 || frame.length == 0) {
            return frame;
        }
        byte[] a = frame.clone();
        for (int i = how & 3; i >= 0; i--) {
            int word = nextWord();
            // most of it in the headers
            int place = (word >>> 8) % Math.min(a.length, 80);
            a[place] = (byte) word;
        }
        if ((how & 4) != 0) {
            a = Arrays.copyOf(a, next() % (a.length + 8));
        }
        if ((how & 8) == 0) {
            fix(a);
        }
        return a;
    }

    static void ipChecksum(byte[] a) {
        Octets.put16(a, 24, 0);
        Octets.put16(a, 24, ~Checksum.sum(a, 14, 20));
    }

    static void fix(byte[] a) {
        if (a.length >= 34 && Octets.u16(a, 12) == 0x0800) {
            int header = (a[14] & 0xf) * 4;
            if (header >= 20 && 14 + header <= a.length && Octets.u16(a, 16) >= header) {
                PacketBuilder.fixChecksums(a);
            }
        }
    }

    final void put(int link, byte[] frame) {
        last = frame;
        if (link != UPLINK && !isThere(link - 1)) {
            return;
        }
        // the gateway writes its answers over what it has been given
        byte[] asSent = frame.clone();
        if (link == UPLINK) {
            offerOutside(frame);
        } else {
            wires.get(link - 1).offer(frame);
        }
        gateway().poll(now);
        look(new Cause(link == UPLINK ? null : GUESTS.get(link - 1).name(), asSent));
    }

    final void pass(Duration time) {
        now += time.toNanos();
        gateway().tick(now);
        look(null);
    }

    final void look(@Nullable Cause cause) {
        lookOutside(cause);
        for (int i = 0; i < wires.size(); i++) {
            for (byte[] frame : wires.get(i).take()) {
                lookAtGuests(frame, machine(i));
                remember(frame);
            }
        }
        gateway().tick(now);
        SharedIpStats stats = gateway().stats();
        checker.checkBooks(stats);
        transcript = transcript * 31 + (int) stats.dropped();
        require(gateway().state() == SharedIp.State.RUNNING, "the gateway has failed");
    }

    /** Looks at a frame that a guest gets. */
    void lookAtGuests(byte[] frame, Machine machine) {
        checker.checkGuest(frame, machine);
    }

    final void remember(byte[] frame) {
        transcript = transcript * 31 + Arrays.hashCode(frame);
        seen.add(frame);
        if (seen.size() > MOST_SEEN) {
            seen.remove(0);
        }
    }

    void end() {
        for (int i = 0; i < 6; i++) {
            pass(Duration.ofHours(3));
        }
        SharedIpStats stats = gateway().stats();
        require(stats.flows() == 0, "flows outlive all timers: " + inside().flows());
        require(stats.mappings() == 0, "mappings outlive their flows");
        require(stats.held() == 0, "frames are held for ever");
    }

    static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }
}
