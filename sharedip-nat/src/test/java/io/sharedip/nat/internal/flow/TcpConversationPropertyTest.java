package io.sharedip.nat.internal.flow;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.nat.conformance.Setting;
import io.sharedip.nat.internal.flow.TcpStack.Segment;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.TrackedState;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Random valid conversations, of which the tracker may drop nothing, and blind attackers, who may change nothing. Seeds are named. */
@Setting("the TCP tracker by itself; window checks: on")
class TcpConversationPropertyTest {

    private static final int CONVERSATIONS = 1_500;
    private static final int STEPS = 400;
    private static final int TRIES = 100_000;

    /** A tracker in the middle, and two networks of which the one lies before it and the other behind it, as seen by each sender. */
    private static final class World {
        final Random random;
        final FlowTable table;
        final TcpTracker tracker;
        final int flow;
        final TcpStack guest;
        final TcpStack peer;
        final boolean guestBegins;
        final boolean reordersBefore;
        final List<Segment> beforeOut = new ArrayList<>();
        final List<Segment> beforeIn = new ArrayList<>();
        final List<Segment> behindOut = new ArrayList<>();
        final List<Segment> behindIn = new ArrayList<>();
        boolean lossy = true;
        boolean begun;
        int judged;

        World(long seed, boolean reordersBefore) {
            this.random = new Random(seed);
            this.reordersBefore = reordersBefore;
            this.table = new FlowTable(1, new KeyedHash(random));
            this.tracker = new TcpTracker(table, true, false);
            this.flow = table.add(1, FlowKey.insidePorts(1, 6, 1, 2), 1, FlowKey.outsidePorts(6, 1, 2));
            this.guestBegins = random.nextBoolean();
            table.state(flow, FlowTable.LIVE | TcpTracker.HALF_OPEN | (guestBegins ? FlowTable.BY_GUEST : 0));
            long most = random.nextInt(3) == 0 ? 0 : 200_000;
            this.guest = new TcpStack(random, random.nextLong(most + 1));
            this.peer = new TcpStack(random, random.nextLong(most + 1));
        }

        TcpStack initiator() {
            return guestBegins ? guest : peer;
        }

        TcpStack responder() {
            return guestBegins ? peer : guest;
        }

        void put(@Nullable Segment segment, boolean out) {
            if (segment == null || (lossy && random.nextInt(20) == 0)) {
                return;
            }
            List<Segment> line = out ? beforeOut : beforeIn;
            line.add(segment);
            if (lossy && random.nextInt(20) == 0) {
                line.add(segment);
            }
        }

        void pass(boolean out) {
            List<Segment> line = out ? beforeOut : beforeIn;
            if (line.isEmpty()) {
                return;
            }
            Segment segment = line.remove(reordersBefore && lossy ? random.nextInt(Math.min(4, line.size())) : 0);
            if (state() == TrackedState.CLOSED && (segment.flags() & SYN) != 0) {
                // so late that it would be taken for the next connection's, by any TCP in TIME-WAIT as well
                return;
            }
            if (!begun && out != guestBegins) {
                // there is no flow yet to belong to
                return;
            }
            begun = true;
            DropReason why = judge(segment, out);
            judged++;
            TcpStack receiver = out ? peer : guest;
            if (why != null && (!reordersBefore || receiver.wouldGain(segment))) {
                throw new AssertionError(why + " for " + segment + (out ? " out, state " : " in, state ") + state()
                        + " after " + judged + " segments; " + windows());
            }
            if (why == null && !(lossy && random.nextInt(20) == 0)) {
                List<Segment> behind = out ? behindOut : behindIn;
                behind.add(segment);
                if (lossy && random.nextInt(20) == 0) {
                    behind.add(segment);
                }
            }
        }

        private @Nullable DropReason judge(Segment segment, boolean out) {
            byte[] header = segment.header(out ? guest.iss : peer.iss, out ? peer.iss : guest.iss);
            return TcpConversationPropertyTest.judge(table, tracker, flow, out, header, segment.length());
        }

        void deliver(boolean out) {
            List<Segment> line = out ? behindOut : behindIn;
            if (!line.isEmpty()) {
                Segment segment = line.remove(lossy ? random.nextInt(Math.min(8, line.size())) : 0);
                put((out ? peer : guest).take(segment), !out);
            }
        }

        void step() {
            boolean out = random.nextBoolean();
            TcpStack sender = out ? guest : peer;
            switch (random.nextInt(8)) {
                case 0 -> {
                    if (sender.hasSentSyn() && (out ? beforeOut : beforeIn).size() < 30) {
                        put(sender.send(), out);
                    }
                }
                case 1, 2, 3 -> pass(out);
                default -> deliver(out);
            }
        }

        TrackedState state() {
            return TrackedState.values()[table.state(flow) & FlowTable.TRACKED_MASK];
        }

        String windows() {
            return "guest " + Integer.toUnsignedString(guest.iss) + " end "
                    + (table.tcpEnd(flow, true) - guest.iss) + " maxEnd " + (table.tcpMaxEnd(flow, true) - guest.iss)
                    + " window " + table.tcpMaxWindow(flow, true) + ", peer " + Integer.toUnsignedString(peer.iss)
                    + " end " + (table.tcpEnd(flow, false) - peer.iss) + " maxEnd "
                    + (table.tcpMaxEnd(flow, false) - peer.iss) + " window " + table.tcpMaxWindow(flow, false);
        }
    }

    private static @Nullable DropReason judge(
            FlowTable table, TcpTracker tracker, int flow, boolean out, byte[] header, int length) {
        DropReason why = tracker.judge(flow, out, header, 0, header.length + length);
        if (why == null) {
            tracker.commit(flow);
            table.state(flow, tracker.state());
        }
        return why;
    }

    private static void talk(long seed, boolean reordersBefore) {
        World world = new World(seed, reordersBefore);
        try {
            world.put(world.initiator().syn(), world.guestBegins);
            if (world.random.nextInt(4) == 0) {
                world.put(world.responder().syn(), !world.guestBegins);
            }
            for (int i = 0; i < STEPS; i++) {
                world.step();
            }
            world.lossy = false;
            for (int i = 0; i < 2_000_000 && !(world.guest.isDone() && world.peer.isDone()); i++) {
                world.step();
            }
            assertThat(world.guest.isDone() && world.peer.isDone())
                    .as("guest %s; peer %s; %s", world.guest, world.peer, world.windows())
                    .isTrue();
            assertThat(world.state()).isEqualTo(TrackedState.CLOSED);
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
        }
    }

    @Test
    void rfc5382_req2_no_segment_of_a_valid_conversation_is_dropped_whatever_is_lost_repeated_or_late() {
        for (long seed = 1; seed <= CONVERSATIONS; seed++) {
            talk(seed, false);
        }
    }

    @Test
    void case09_segments_that_overtake_one_another_before_they_are_seen_are_not_dropped_if_they_say_anything_new() {
        for (long seed = 1; seed <= CONVERSATIONS; seed++) {
            talk(1_000_000 + seed, true);
        }
    }

    private static byte[] header(int flags, int seq, int ack, int window) {
        byte[] a = new byte[20];
        Octets.put32(a, 4, seq);
        Octets.put32(a, 8, ack);
        Octets.put8(a, 12, 0x50);
        Octets.put8(a, 13, flags);
        Octets.put16(a, 14, window);
        return a;
    }

    private static String memory(FlowTable table, int flow) {
        return table.state(flow) + " " + table.tcpEnd(flow, true) + " " + table.tcpMaxEnd(flow, true) + " "
                + table.tcpMaxWindow(flow, true) + " " + table.tcpMaxAck(flow, true) + " " + table.tcpEnd(flow, false)
                + " " + table.tcpMaxEnd(flow, false) + " " + table.tcpMaxWindow(flow, false) + " "
                + table.tcpMaxAck(flow, false) + " " + (table.tcpBits(flow) & ~TcpTracker.UNSETTLED);
    }

    @Test
    void rfc5961_whoever_does_not_know_the_numbers_changes_nothing_of_an_established_flow() {
        int[] kinds = {ACK, FIN | ACK, RST, RST | ACK, SYN, SYN | ACK, ACK, RST};
        for (long seed = 1; seed <= 4; seed++) {
            Random random = new Random(seed);
            FlowTable table = new FlowTable(1, new KeyedHash(random));
            TcpTracker tracker = new TcpTracker(table, true, false);
            int flow = table.add(1, FlowKey.insidePorts(1, 6, 1, 2), 1, FlowKey.outsidePorts(6, 1, 2));
            table.state(flow, FlowTable.LIVE | TcpTracker.HALF_OPEN | FlowTable.BY_GUEST);
            int guest = random.nextInt();
            int peer = random.nextInt();
            judge(table, tracker, flow, true, header(SYN, guest, 0, 65_535), 0);
            judge(table, tracker, flow, false, header(SYN | ACK, peer, guest + 1, 65_535), 0);
            judge(table, tracker, flow, true, header(ACK, guest + 1, peer + 1, 65_535), 0);
            judge(table, tracker, flow, true, header(ACK, guest + 1, peer + 1, 65_535), 1_000);
            judge(table, tracker, flow, false, header(ACK, peer + 1, guest + 1_001, 65_535), 1_000);
            assertThat(table.state(flow) & FlowTable.TRACKED_MASK).isEqualTo(TcpTracker.ESTABLISHED);
            String before = memory(table, flow);
            int dropped = 0;
            for (int i = 0; i < TRIES; i++) {
                int flags = kinds[random.nextInt(kinds.length)];
                byte[] header = header(flags, random.nextInt(), random.nextInt(), random.nextInt(65_536));
                DropReason why = judge(table, tracker, flow, random.nextInt(4) == 0, header, random.nextInt(3) * 700);
                dropped += why != null ? 1 : 0;
                assertThat(memory(table, flow)).as("seed %d, try %d", seed, i).isEqualTo(before);
            }
            assertThat(dropped).as("all but the SYNs, seed %d", seed).isGreaterThan(TRIES * 7 / 10);
        }
    }

    @Test
    void rfc5961_whoever_does_not_know_the_numbers_does_not_keep_a_handshake_from_being_completed() {
        int[] kinds = {ACK, FIN | ACK, RST, RST | ACK, SYN, SYN | ACK};
        for (long seed = 1; seed <= 2_000; seed++) {
            Random random = new Random(seed);
            FlowTable table = new FlowTable(1, new KeyedHash(random));
            TcpTracker tracker = new TcpTracker(table, true, false);
            int flow = table.add(1, FlowKey.insidePorts(1, 6, 1, 2), 1, FlowKey.outsidePorts(6, 1, 2));
            table.state(flow, FlowTable.LIVE | TcpTracker.HALF_OPEN | FlowTable.BY_GUEST);
            int guest = random.nextInt();
            int peer = random.nextInt();
            judge(table, tracker, flow, true, header(SYN, guest, 0, 65_535), 0);
            for (int i = 0; i < 20; i++) {
                byte[] header = header(kinds[random.nextInt(kinds.length)], random.nextInt(), random.nextInt(), 65_535);
                judge(table, tracker, flow, false, header, 0);
                assertThat(table.state(flow) & FlowTable.TRACKED_MASK).isEqualTo(TcpTracker.HALF_OPEN);
            }
            assertThat(judge(table, tracker, flow, false, header(SYN | ACK, peer, guest + 1, 65_535), 0))
                    .isNull();
            assertThat(judge(table, tracker, flow, true, header(ACK, guest + 1, peer + 1, 65_535), 0))
                    .isNull();
            assertThat(table.state(flow) & FlowTable.TRACKED_MASK)
                    .as("seed %d", seed)
                    .isEqualTo(TcpTracker.ESTABLISHED);
            assertThat(judge(table, tracker, flow, true, header(ACK, guest + 1, peer + 1, 65_535), 60_000))
                    .isNull();
            assertThat(judge(table, tracker, flow, false, header(ACK, peer + 1, guest + 60_001, 65_535), 60_000))
                    .isNull();
        }
    }
}
