package io.sharedip.nat.internal.tcp;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import java.util.List;

/** A guest whose every segment the test writes by hand, against one endpoint. Its numbers are relative: octet 0 follows the SYN. */
final class Script {

    static final int GATEWAY_ISS = -3_000;
    static final int GUEST_ISS = -500;
    static final int MSS = 1_000;
    static final long SECOND = 1_000_000_000L;
    static final byte[] NO_OPTIONS = {};
    static final byte[] MSS_ONLY = {2, 4, MSS >> 8, (byte) MSS};
    static final byte[] MSS_AND_SACK = {2, 4, MSS >> 8, (byte) MSS, 1, 1, 4, 2};

    final TcpShared shared;
    final MemoryStream stream;
    final Side side;
    final int ports;
    long now = Long.MAX_VALUE - 10 * SECOND;
    int window = 60_000;

    private Script(boolean active, int capacity) {
        this(active, capacity, new TcpShared(1 << 20, 1 << 22));
    }

    private Script(boolean active, int capacity, TcpShared shared) {
        this.shared = shared;
        stream = new MemoryStream(capacity, 1, 2);
        side = new Side(active, shared, 1_500, GATEWAY_ISS, stream, 1);
        ports = side.endpoint.destinationPort() << 16 | side.endpoint.sourcePort();
    }

    /** The guest's connection is open. */
    static Script open(byte[] options) {
        return open(options, 100_000);
    }

    static Script open(byte[] options, int capacity) {
        return open(options, passive(capacity));
    }

    /** The guest's connection is open, and shares its memory with others. */
    static Script open(byte[] options, int capacity, TcpShared shared) {
        return open(options, new Script(false, capacity, shared));
    }

    private static Script open(byte[] options, Script s) {
        s.syn(options);
        s.side.endpoint.connected(1);
        assertThat(s.one().flags()).isEqualTo(SYN | ACK);
        s.ack(0, 0);
        assertThat(s.state()).isEqualTo(TcpState.ESTABLISHED);
        return s;
    }

    static Script passive(int capacity) {
        return new Script(false, capacity);
    }

    static Script active() {
        Script s = new Script(true, 100_000);
        s.side.endpoint.open();
        return s;
    }

    TcpState state() {
        return side.endpoint.state();
    }

    void give(int flags, int sequence, int acknowledgment, byte[] options, byte[] payload) {
        side.take(Segment.of(ports, flags, sequence, acknowledgment, window, options, payload), now);
    }

    void syn(byte[] options) {
        give(SYN, GUEST_ISS, 0, options, NO_OPTIONS);
    }

    /** Octets of the guest's pattern, or of none beyond it. */
    static byte[] octets(int from, int length) {
        byte[] o = new byte[length];
        for (int i = 0; i < length; i++) {
            o[i] = MemoryStream.octet(2, from + i);
        }
        return o;
    }

    static int guest(int position) {
        return GUEST_ISS + 1 + position;
    }

    static int gateway(int position) {
        return GATEWAY_ISS + 1 + position;
    }

    void ack(int position, int acknowledged) {
        give(ACK, guest(position), gateway(acknowledged), NO_OPTIONS, NO_OPTIONS);
    }

    void sack(int position, int acknowledged, int... edges) {
        byte[] options = new byte[4 + 4 * edges.length];
        options[0] = 1;
        options[1] = 1;
        options[2] = 5;
        options[3] = (byte) (2 + 4 * edges.length);
        for (int i = 0; i < edges.length; i++) {
            Octets.put32(options, 4 + 4 * i, gateway(edges[i]));
        }
        give(ACK, guest(position), gateway(acknowledged), options, NO_OPTIONS);
    }

    void data(int position, int length, int acknowledged) {
        give(ACK, guest(position), gateway(acknowledged), NO_OPTIONS, octets(position, length));
    }

    void fin(int position, int acknowledged) {
        give(FIN | ACK, guest(position), gateway(acknowledged), NO_OPTIONS, NO_OPTIONS);
    }

    void rst(int position) {
        give(RST, guest(position), 0, NO_OPTIONS, NO_OPTIONS);
    }

    /** Lets the stream's program say something. */
    void say(int octets) {
        stream.say(octets);
        stream.speak();
    }

    List<Segment> all() {
        return side.pull(Integer.MAX_VALUE, now);
    }

    void silence() {
        assertThat(all()).isEmpty();
    }

    Segment one() {
        List<Segment> out = all();
        assertThat(out).hasSize(1);
        return out.get(0);
    }

    /** The one segment that comes says only where things stand. */
    void expectAck(int acknowledged, int sent) {
        Segment s = one();
        assertThat(s.flags()).isEqualTo(ACK);
        assertThat(s.length()).isZero();
        assertThat(s.acknowledgment()).isEqualTo(guest(acknowledged));
        assertThat(s.sequence()).isEqualTo(gateway(sent));
    }

    void expectData(Segment s, int position, int length) {
        assertThat(s.sequence() - gateway(0)).isEqualTo(position);
        assertThat(s.length()).isEqualTo(length);
    }

    /** Lets the next deadline come. @return how long it took */
    long awaitDeadline(boolean linkWritable) {
        assertThat(side.endpoint.hasDeadline()).isTrue();
        long wait = side.endpoint.deadline() - now;
        assertThat(wait).isPositive();
        now += wait - 1;
        side.endpoint.onTimer(now, linkWritable);
        now++;
        side.endpoint.onTimer(now, linkWritable);
        return wait;
    }
}
