package io.sharedip.nat.soak;

import io.sharedip.Guest;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.internal.flow.FlowTimers;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.testing.GatewayRig;
import io.sharedip.uplink.PacketUplink;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Hours of mixed traffic with churn on the virtual clock, and a ledger that knows, without the engine, when each flow has to end.
 *
 * <p>There are a number of places for flows: 94.5 in 100 for TCP, 5 for UDP, 0.5 for pings, of four guests that all have the shared
 * address. In each place a flow begins, talks now and then, and ends as flows do: closed, reset, never answered, or forgotten; when it
 * has expired another one begins there. Every ten seconds, or every second where places are few:
 *
 * <ul>
 *   <li>the engine has no flow less than the ledger, and no more than the ledger had one tick of the wheel ago;
 *   <li>every frame that should pass has passed, and no other: forwarded and dropped are exactly as many as foreseen;
 *   <li>the books balance.
 * </ul>
 *
 * <p>Now and then a flow is tried one nanosecond before its end, and must be there, or at its end, and must not. Each hour the heap is
 * measured after a collection; it must not grow.
 */
public final class Soak {

    private static final int SHARED = 0xc000020a;
    private static final int PEERS = 0xc6120000;
    private static final int GUESTS = 4;
    private static final int MOST_ENDPOINTS = 48_000;
    private static final int FIRST_PORT = 1024;
    private static final long SECOND = 1_000_000_000L;
    private static final long STEP = SECOND / 10;
    /** 200 ms after the whole second at which flows end: then a tick of the wheel has passed. */
    private static final int CHECK_AT = 2;

    private static final int WHEEL = 1 << 13;
    private static final long MEBI = 1 << 20;

    private static final int FIN = 1;
    private static final int SYN = 2;
    private static final int RST = 4;
    private static final int ACK = 16;

    private static final long HALF_OPEN = 120 * SECOND;
    private static final long ESTABLISHED = 7440 * SECOND;
    private static final long CLOSED = 240 * SECOND;
    private static final long UDP_IDLE = 300 * SECOND;
    private static final long ICMP_IDLE = 60 * SECOND;

    /** What a place is doing. */
    private static final byte NONE = 0;

    private static final byte TALKING = 1;
    /** Left to expire. */
    private static final byte ENDING = 2;

    /** A moment at which a flow is tried. */
    private record Probe(long time, int place, boolean alive) {}

    private final int places;
    private final int endpoints;
    /** In each step. One tick looks at a bounded number of flows; the gateway's own driver ticks each millisecond. */
    private final int ticks;

    /** In steps. */
    private final int checkEvery;

    private final PrintStream out;
    private final NatGateway gateway;
    private final SoakLink uplink = new SoakLink("up", GatewayRig.UPLINK_MAC);
    private final SoakLink[] guests = new SoakLink[GUESTS];
    private final SplittableRandom random = new SplittableRandom(24);

    private final long[] deadlines;
    private final byte[] phases;
    private final byte[] generations;
    private final int[] next;
    private final int[] heads = new int[WHEEL];
    private final int[] outsidePorts;
    private final int[][] waitingOut = new int[GUESTS][SoakLink.BATCH];
    private final PriorityQueue<Probe> probes = new PriorityQueue<>((a, b) -> Long.compare(a.time - b.time, 0));

    private long now = 1_000_000 * SECOND;
    private final long start = now;
    private long forwarded;
    private long dropped;
    private long begun;
    private long tried;
    private long heapAtFirst;

    /**
     * Makes the gateway.
     *
     * @param flows places for flows
     * @param out where the hourly lines go
     * @param settings further ones of the gateway; the ledger knows the default timeouts
     */
    Soak(int flows, PrintStream out, Consumer<NatGatewayBuilder> settings) {
        this.places = flows;
        this.endpoints = Math.min(MOST_ENDPOINTS, Math.max(400, flows / 80));
        this.ticks = flows < 100_000 ? 10 : 100;
        this.checkEvery = flows < 100_000 ? 10 : 100;
        this.out = out;
        this.deadlines = new long[flows];
        this.phases = new byte[flows];
        this.generations = new byte[flows];
        this.next = new int[flows];
        this.outsidePorts = new int[endpoints];
        Arrays.fill(heads, -1);
        var builder = NatGateway.builder()
                .address(new Ipv4Address(SHARED))
                .prefix("192.0.2.0/24")
                .router(GatewayRig.ROUTER)
                .alias(GatewayRig.ALIAS)
                .routerMac(GatewayRig.ROUTER_MAC)
                .clock(() -> now)
                .capacity(flows)
                .flowsPerGuest(flows)
                .uplink(PacketUplink.on(uplink)
                        .withPorts(PortRange.of(FIRST_PORT, 65535))
                        .withAddressOfItsOwn());
        for (int i = 0; i < GUESTS; i++) {
            guests[i] = new SoakLink("guest" + i, new MacAddress(0x525400000001L + i));
            builder.guest(Guest.of("g" + i, guests[i].mac().toString(), GatewayRig.SHARED, guests[i]));
        }
        settings.accept(builder);
        gateway = builder.build();
        gateway.tick(now);
        answerArp();
    }

    // ------------------------------------------------------------------------------------------------ places

    private static int protocol(int endpoint) {
        int share = endpoint / GUESTS % 200;
        return share == 0 ? SoakLink.ICMP : share <= 10 ? SoakLink.UDP : SoakLink.TCP;
    }

    private int endpoint(int place) {
        return place % endpoints;
    }

    private int peer(int place) {
        return PEERS + place / endpoints;
    }

    private int peerPort(int place) {
        return 443 + (generations[place] & 0xff);
    }

    private void later(int place, long seconds) {
        int slot = (int) ((now - start) / SECOND + seconds & WHEEL - 1);
        next[place] = heads[slot];
        heads[slot] = place;
    }

    private long between(int from, int to) {
        return random.nextInt(from, to);
    }

    // ------------------------------------------------------------------------------------------------ frames

    private void outward(int place, int flags, int sequence, int acknowledgment) {
        int endpoint = endpoint(place);
        int guest = endpoint % GUESTS;
        SoakLink link = guests[guest];
        if (link.isFull()) {
            send(guest);
        }
        int protocol = protocol(endpoint);
        waitingOut[guest][pending[guest]++] = endpoint;
        link.write(
                GatewayRig.ROUTER_MAC.bits(),
                link.mac().bits(),
                protocol,
                SHARED,
                FIRST_PORT + endpoint / GUESTS,
                peer(place),
                protocol == SoakLink.ICMP ? 0 : peerPort(place),
                protocol == SoakLink.ICMP ? 8 : flags,
                sequence,
                acknowledgment);
    }

    private final int[] pending = new int[GUESTS];

    /** Lets the gateway take what a guest has sent, all of which has to leave. */
    private void send(int guest) {
        int count = pending[guest];
        if (count == 0) {
            return;
        }
        pending[guest] = 0;
        guests[guest].release();
        gateway.poll(now);
        int left = uplink.takeSent();
        require(left == count, left + " of " + count + " frames left");
        for (int i = 0; i < count; i++) {
            outsidePorts[waitingOut[guest][i]] = uplink.sourcePort(i);
        }
        forwarded += count;
    }

    private void sendAll() {
        for (int guest = 0; guest < GUESTS; guest++) {
            send(guest);
        }
    }

    private int pendingIn;

    private void inward(int place, int flags, int sequence, int acknowledgment) {
        if (uplink.isFull()) {
            receive();
        }
        int endpoint = endpoint(place);
        int protocol = protocol(endpoint);
        pendingIn++;
        uplink.write(
                GatewayRig.UPLINK_MAC.bits(),
                GatewayRig.NEXT_HOP_MAC.bits(),
                protocol,
                peer(place),
                protocol == SoakLink.ICMP ? 0 : peerPort(place),
                SHARED,
                outsidePorts[endpoint],
                protocol == SoakLink.ICMP ? 0 : flags,
                sequence,
                acknowledgment);
    }

    /** Lets the gateway take what has come from outside, all of which has to arrive. */
    private void receive() {
        if (pendingIn == 0) {
            return;
        }
        int count = pendingIn;
        int arrived = receiveSome();
        require(arrived == count, arrived + " of " + count + " frames arrived");
        forwarded += count;
    }

    private int receiveSome() {
        pendingIn = 0;
        uplink.release();
        gateway.poll(now);
        int arrived = 0;
        for (SoakLink link : guests) {
            arrived += link.takeSent();
        }
        return arrived;
    }

    private void answerArp() {
        if (uplink.wasAsked()) {
            byte[] request = GatewayRig.arp(1, GatewayRig.UPLINK_MAC, GatewayRig.SHARED, GatewayRig.ROUTER);
            uplink.offer(GatewayRig.arpReply(request, GatewayRig.NEXT_HOP_MAC));
            uplink.release();
            gateway.poll(now);
        }
    }

    // ------------------------------------------------------------------------------------------------ life

    /** Everything whose second has come does what it does next: first all that goes out, then the answers, and so on. */
    private int[] due = new int[1024];

    private void second() {
        int slot = (int) ((now - start) / SECOND & WHEEL - 1);
        int count = 0;
        for (int place = heads[slot]; place >= 0; place = next[place]) {
            if (count == due.length) {
                due = Arrays.copyOf(due, count * 2);
            }
            due[count++] = place;
        }
        heads[slot] = -1;
        int[] opening = new int[count];
        int opened = 0;
        int[] closing = new int[count];
        int closed = 0;
        for (int i = 0; i < count; i++) {
            int place = due[i];
            if (phases[place] == ENDING) {
                if (deadlines[place] - now > -SECOND) {
                    later(place, Math.min(WHEEL - 100, 2 + (deadlines[place] - now) / SECOND));
                    continue;
                }
                phases[place] = NONE;
                generations[place]++;
            }
            boolean tcp = protocol(endpoint(place)) == SoakLink.TCP;
            if (phases[place] == NONE) {
                begun++;
                outward(place, SYN, 0, 0);
                if (tcp && random.nextInt(100) < 4) {
                    end(place, HALF_OPEN);
                } else if (tcp) {
                    opening[opened++] = place;
                } else {
                    answered(place);
                }
            } else if (!tcp) {
                outward(place, 0, 0, 0);
                answered(place);
            } else {
                int fate = random.nextInt(100);
                outward(place, fate < 15 ? FIN | ACK : ACK, 1, 1);
                if (fate < 15) {
                    closing[closed++] = place;
                } else {
                    talk(place, fate);
                }
            }
        }
        sendAll();
        answers();
        for (int i = 0; i < opened; i++) {
            inward(opening[i], SYN | ACK, 0, 1);
        }
        for (int i = 0; i < closed; i++) {
            inward(closing[i], FIN | ACK, 1, 2);
        }
        receive();
        for (int i = 0; i < opened; i++) {
            outward(opening[i], ACK, 1, 1);
            phases[opening[i]] = TALKING;
            deadlines[opening[i]] = now + ESTABLISHED;
            later(opening[i], between(1, 7000));
        }
        for (int i = 0; i < closed; i++) {
            outward(closing[i], ACK, 2, 2);
            end(closing[i], CLOSED);
        }
        sendAll();
    }

    private int[] answering = new int[1024];
    private int answers;
    private int[] resetting = new int[1024];
    private int resets;

    private void answered(int place) {
        if (answers == answering.length) {
            answering = Arrays.copyOf(answering, answers * 2);
        }
        answering[answers++] = place;
        boolean udp = protocol(endpoint(place)) == SoakLink.UDP;
        long idle = udp ? UDP_IDLE : ICMP_IDLE;
        if (random.nextInt(100) < 8) {
            end(place, idle);
        } else {
            phases[place] = TALKING;
            deadlines[place] = now + idle;
            later(place, udp ? between(40, 295) : between(20, 58));
        }
    }

    private void talk(int place, int fate) {
        if (fate < 20) {
            if (resets == resetting.length) {
                resetting = Arrays.copyOf(resetting, resets * 2);
            }
            resetting[resets++] = place;
            end(place, CLOSED);
            return;
        }
        if (fate < 24) {
            end(place, ESTABLISHED);
            return;
        }
        deadlines[place] = now + ESTABLISHED;
        later(place, between(600, 7400));
    }

    private void answers() {
        for (int i = 0; i < answers; i++) {
            inward(answering[i], 0, 0, 0);
        }
        for (int i = 0; i < resets; i++) {
            inward(resetting[i], RST, 1, 0);
        }
        answers = 0;
        resets = 0;
        receive();
    }

    private void end(int place, long after) {
        phases[place] = ENDING;
        deadlines[place] = now + after;
        later(place, Math.min(WHEEL - 100, after / SECOND + between(2, 60)));
        if (random.nextInt(200) == 0 && protocol(endpoint(place)) == SoakLink.TCP) {
            boolean mayLive = after == ESTABLISHED && random.nextBoolean();
            probes.add(new Probe(mayLive ? deadlines[place] - 1 : deadlines[place], place, mayLive));
        }
    }

    /** Tries a flow at the moment before its end, or at its end. */
    private void probe(Probe probe) {
        if (phases[probe.place] != ENDING) {
            return;
        }
        now = probe.time;
        inward(probe.place, ACK, 1, 1);
        int arrived = receiveSome();
        tried++;
        if (probe.alive) {
            require(arrived == 1, "a flow has ended early");
            forwarded++;
            deadlines[probe.place] = now + ESTABLISHED;
        } else {
            require(arrived == 0, "a flow has outlived its end");
            dropped++;
        }
    }

    // ------------------------------------------------------------------------------------------------ running

    /**
     * Lets time pass.
     *
     * @param hours of virtual time
     * @throws AssertionError if something is not as the ledger has it
     */
    void run(int hours) {
        for (int place = 0; place < places; place++) {
            later(place, between(1, 600));
        }
        long real = System.nanoTime();
        for (long step = 1; step <= hours * 36_000L; step++) {
            long time = start + step * STEP;
            for (int tick = 1; tick <= ticks; tick++) {
                now = time - STEP + tick * (STEP / ticks);
                while (!probes.isEmpty() && probes.peek().time - now <= 0) {
                    probe(probes.remove());
                }
                now = time - STEP + tick * (STEP / ticks);
                gateway.tick(now);
            }
            answerArp();
            if (step % 10 == 0) {
                second();
            }
            if (step % checkEvery == CHECK_AT) {
                check();
            }
            if (step % 36_000 == 0) {
                hour((int) (step / 36_000), (System.nanoTime() - real) / SECOND);
            }
        }
    }

    private void check() {
        long alive = 0;
        long late = 0;
        for (long deadline : deadlines) {
            if (deadline != 0 && deadline - now > 0) {
                alive++;
            } else if (deadline != 0 && deadline - now > -FlowTimers.TICK_NANOS) {
                late++;
            }
        }
        SharedIpStats stats = gateway.stats();
        require(stats.balances(), "the books do not balance: " + stats);
        require(
                stats.flows() >= alive && stats.flows() <= alive + late,
                stats.flows() + " flows, but " + alive + " are to be alive and " + late + " have just ended");
        require(
                stats.forwarded() == forwarded && stats.dropped() == dropped,
                "forwarded " + stats.forwarded() + ", foreseen " + forwarded + "; dropped " + stats.dropped()
                        + ", foreseen " + dropped + ": " + stats);
    }

    private void hour(int hour, long seconds) {
        System.gc();
        long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        if (hour == 1) {
            heapAtFirst = heap;
        }
        SharedIpStats stats = gateway.stats();
        out.printf(
                "hour %2d: %,d flows, %,d begun since the start, %,d packets, %,d tried at their end, heap %,d MiB, %,d s%n",
                hour, stats.flows(), begun, stats.framesIn(), tried, heap / MEBI, seconds);
        // the ledger's own lists and the probes vary a little
        require(
                heap < heapAtFirst + heapAtFirst / 50 + 4 * MEBI,
                "the heap has grown from " + heapAtFirst + " to " + heap + " octets");
    }

    long tried() {
        return tried;
    }

    long begun() {
        return begun;
    }

    private void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError("after " + (now - start) / SECOND + " s: " + otherwise);
        }
    }

    /**
     * Runs it.
     *
     * @param arguments virtual hours, and places for flows
     */
    public static void main(String[] arguments) {
        int hours = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 24;
        int flows = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 4_000_000;
        System.out.printf("%d hours, places for %,d flows%n", hours, flows);
        new Soak(flows, System.out, builder -> {}).run(hours);
        System.out.println("nothing lost early, nothing kept late, the books balance, the heap has not grown");
    }
}
