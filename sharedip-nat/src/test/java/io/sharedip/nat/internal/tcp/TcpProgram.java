package io.sharedip.nat.internal.tcp;

import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;

import io.sharedip.packet.Octets;
import io.sharedip.uplink.HostStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Octets as a program for one endpoint: a setting, then instructions. The guest sends segments that make sense, nearly make sense or make
 * none; the stream speaks, reads, finishes or breaks; time passes; ICMP errors come. Any octets are a program. Whatever comes in, there is
 * no exception, memory stays within its bounds, and what goes out is sound: header, options, octets as the stream said them, nothing
 * larger than allowed, the window never shrinking.
 */
final class TcpProgram implements TcpObserver {

    private static final int MOST_INSTRUCTIONS = 200;
    private static final int ISS = 0x7fff_ff00;
    private static final int MTU = 1_500;
    private static final int RING = 1 << 17;
    private static final int CAPACITY = 40_000;
    private static final int ROOM = 3_000;
    private static final int MOST_OUTPUT = 2_000;
    private static final long[] PAUSES = {
        1, 1_000_000, 40_000_000, 210_000_000, 1_000_000_000, 61_000_000_000L, 130_000_000_000L, 3_000_000_000_000_000L
    };

    private final byte[] program;
    private int at;
    private long now = Long.MAX_VALUE - 1_000_000_000L;
    private final TcpShared shared = new TcpShared(RING, RING);
    private final MemoryStream stream = new MemoryStream(CAPACITY, 1, MemoryStream.ANYTHING);
    private final TcpEndpoint endpoint;
    private final byte[] buffer = new byte[ROOM + 16];

    private int sent = ISS + 1;
    private int guestNext = 0xffff_f000;
    private boolean windowKnown;
    private int right;
    private int scale;
    private int ownScale = -1;
    private int transcript = 1;

    private @Nullable TcpEnd end;
    private boolean connectFailed;

    TcpProgram(byte[] program) {
        this.program = program;
        boolean active = (next() & 1) != 0;
        endpoint = new TcpEndpoint(shared, this, MTU, 80, 4000, ISS, 5);
        stream.serve(endpoint);
        endpoint.attach(stream);
        if (active) {
            endpoint.open();
        }
    }

    private int next() {
        return at < program.length ? program[at++] & 0xff : 0;
    }

    private int nextWord() {
        return next() << 8 | next();
    }

    /** Runs it to its end. @return a digest of all that came out */
    int run() {
        for (int i = 0; i < MOST_INSTRUCTIONS && at < program.length; i++) {
            instruction(next());
            bounds();
        }
        pull(MOST_OUTPUT);
        endpoint.discard();
        require(end != null, "closed is told");
        require(shared.memory() == 0, "memory comes back");
        require(!endpoint.hasOutput() && !endpoint.hasDeadline(), "nothing is left to be done");
        return transcript;
    }

    private static void require(boolean condition, String rule) {
        if (!condition) {
            throw new AssertionError(rule);
        }
    }

    private void bounds() {
        require(endpoint.memory() <= RING + (1 << 16), "memory within bounds: " + endpoint.memory());
        require(stream.waiting() <= CAPACITY, "no more than the stream has room for");
        require(stream.mostRequested <= 1 << 16, "no more asked for than there is room");
    }

    private void instruction(int code) {
        switch (code & 15) {
            case 0, 1, 2, 3, 4 -> segment(code >>> 4);
            case 5 -> plausible(next());
            case 6 -> pull(1 + (code >>> 4));
            case 7 -> pull(MOST_OUTPUT);
            case 8 -> {
                now += PAUSES[code >>> 4 & 7];
                endpoint.onTimer(now, (code & 0x80) == 0);
            }
            case 9 -> {
                if (!connectFailed && end == null) {
                    stream.say(nextWord());
                    stream.speak();
                }
            }
            case 10 -> stream.read(nextWord());
            case 11 -> finish(code >>> 4);
            case 12 -> {
                if (!stream.closed && !stream.reset) {
                    endpoint.connected(1);
                }
            }
            case 13 -> endpoint.onTooBig(nextWord(), ISS + 1 + nextWord());
            case 14 -> orders(code >>> 4);
            default -> endpoint.onUnreachable(ISS + (next() & 1));
        }
    }

    private void finish(int how) {
        if (how < 12) {
            stream.sayFin();
        } else {
            stream.breakDown(HostStream.Failure.values()[how % HostStream.Failure.values().length]);
        }
    }

    private void orders(int which) {
        switch (which) {
            case 0 -> endpoint.refuse();
            case 1 -> endpoint.abort();
            case 2 -> endpoint.discard();
            default -> {}
        }
    }

    private int number(int how, int base) {
        return switch (how & 3) {
            case 0 -> base;
            case 1 -> base + (short) nextWord();
            case 2 -> base + next() - 128;
            default -> nextWord() << 16 | nextWord();
        };
    }

    private byte[] options(int how) {
        byte[] options = new byte[(how & 7) * 4];
        for (int i = 0; i < options.length; i++) {
            options[i] = (byte) next();
        }
        if ((how & 8) != 0 && options.length >= 12) {
            // selective acknowledgments of something near
            Octets.put32(options, 0, 0x0101_0500 | options.length - 2 & ~7 | 2);
            Octets.put32(options, 4, sent - next() * 16);
            Octets.put32(options, 8, sent - next() * 16);
        } else if ((how & 16) != 0 && options.length >= 12) {
            Octets.put32(options, 0, 0x0101_080a);
        } else if ((how & 32) != 0 && options.length >= 12) {
            Octets.put32(options, 0, 0x0204_0000 | nextWord());
            Octets.put32(options, 4, 0x0101_0402);
            Octets.put32(options, 8, 0x0103_0300 | next());
        }
        return options;
    }

    private void segment(int how) {
        int flags = (how & 8) != 0 ? next() : 0x10;
        int sequence = number(how, guestNext);
        int acknowledgment = number(how >>> 2, sent);
        int window = nextWord();
        byte[] options = options(next());
        byte[] payload = new byte[(how & 4) != 0 ? nextWord() % 5_000 : 0];
        Arrays.fill(payload, (byte) how);
        give(flags, sequence, acknowledgment, window, options, payload);
    }

    /** A segment as a well-behaved guest might send it. */
    private void plausible(int how) {
        TcpState state = endpoint.state();
        boolean syn = state.compareTo(TcpState.SYN_RECEIVED) < 0;
        byte[] options = new byte[0];
        if (syn) {
            options = new byte[] {2, 4, 5, (byte) 180, 4, 2, 1, 1, 3, 3, 1, (byte) (how & 7)};
            if ((how & 8) == 0) {
                options = Arrays.copyOf(options, 8);
            }
        }
        int flags = syn ? SYN | (state == TcpState.SYN_SENT ? 0x10 : 0) : 0x10 | (how & 0xf0) / 0xf0;
        byte[] payload = new byte[syn ? 0 : (how & 15) * 100];
        int sequence = guestNext;
        guestNext += payload.length + ((flags & (SYN | FIN)) != 0 ? 1 : 0);
        give(flags, sequence, sent, 30_000, options, payload);
    }

    private void give(int flags, int sequence, int acknowledgment, int window, byte[] options, byte[] payload) {
        Segment s = Segment.of(4000 << 16 | 80, flags, sequence, acknowledgment, window, options, payload);
        if ((flags & SYN) != 0) {
            scale = s.octets.length > 20 ? scaleOf(s) : -1;
        }
        endpoint.givesWayTo(s.octets, 0);
        endpoint.onSegment(s.octets, 0, s.octets.length, now);
        int answered = TcpReset.answer(s.octets, 0, s.octets.length, buffer, 0);
        require(answered == ((flags & RST) != 0 ? 0 : 20), "RST answers all but RST");
    }

    private static int scaleOf(Segment s) {
        TcpOptions options = new TcpOptions();
        options.read(s.octets, 20, s.header());
        return options.scale;
    }

    private void pull(int most) {
        for (int i = 0; i < most && endpoint.hasOutput(); i++) {
            Arrays.fill(buffer, (byte) 0xee);
            int length = endpoint.emit(buffer, 8, ROOM, now);
            if (length == 0) {
                require(!endpoint.hasOutput(), "no output left");
                return;
            }
            require(buffer[7] == (byte) 0xee && buffer[8 + length] == (byte) 0xee, "nothing beside the segment");
            sound(Segment.copyOf(buffer, 8, length));
        }
        require(most < MOST_OUTPUT || !endpoint.hasOutput(), "output comes to an end");
    }

    private void sound(Segment s) {
        transcript = 31 * transcript + Arrays.hashCode(s.octets);
        require(s.header() >= 20 && s.header() <= s.octets.length, "header of " + s);
        s.option(99);
        require(s.sourcePort() == 80 && s.destinationPort() == 4000, "ports of " + s);
        require(s.octets.length <= MTU - 20, "size of " + s);
        if (s.has(RST)) {
            require(s.length() == 0, "RST is empty");
            return;
        }
        if (s.has(SYN)) {
            require(s.sequence() == ISS && s.length() == 0, "SYN " + s);
            ownScale = s.scale();
            windowKnown = false;
            return;
        }
        require(s.end() - sent <= 0 || s.sequence() - sent <= 0, "no gap before " + s);
        int position = s.sequence() - ISS - 1;
        for (int i = 0; i < s.length(); i++) {
            require(s.octets[s.header() + i] == MemoryStream.octet(1, position + i), "octet of " + s);
        }
        sent = s.end() - sent > 0 ? s.end() : sent;
        window(s);
    }

    private void window(Segment s) {
        int shift = scale >= 0 && ownScale >= 0 ? ownScale : 0;
        int edge = s.acknowledgment() + (s.window() << shift);
        require(!windowKnown || edge - right > -(1 << Math.max(0, ownScale)), "the window shrinks in " + s);
        right = edge - right > 0 || !windowKnown ? edge : right;
        windowKnown = true;
    }

    @Override
    public void changed(TcpEndpoint e) {
        require(e.hasOutput(), "there is output when it is told");
    }

    @Override
    public void connectFailed(TcpEndpoint e, HostStream.Failure failure) {
        connectFailed = true;
    }

    @Override
    public void closed(TcpEndpoint e, TcpEnd how) {
        require(end == null, "closed once");
        end = how;
    }
}
