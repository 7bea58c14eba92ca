package io.sharedip.nat.sockets;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.PSH;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** One end of a TCP connection on a guest, segment by segment, whose path loses nothing. */
final class TcpGuest {

    private static final byte[] NO_OPTIONS = {};
    private static final byte[] MSS_1460 = {2, 4, 5, (byte) 0xb4};

    private final GatewayRig.Station station;
    private final String address;
    private final int port;
    private final String peer;
    private final int peerPort;
    private long next;
    private long expected;
    private int window = 65_535;

    TcpGuest(GatewayRig.Station station, String address, int port, String peer, int peerPort) {
        this.station = station;
        this.address = address;
        this.port = port;
        this.peer = peer;
        this.peerPort = peerPort;
        this.next = 7_000;
    }

    TcpGuest window(int octets) {
        window = octets;
        return this;
    }

    PacketBuilder segment(int flags, String text) {
        return PacketBuilder.tcp()
                .from(address, port)
                .to(peer, peerPort)
                .flags(flags)
                .sequence(next, (flags & ACK) == 0 ? 0 : expected)
                .window(window)
                .tcpOptions((flags & SYN) == 0 ? NO_OPTIONS : MSS_1460)
                .payload(text);
    }

    /** Sends a segment, whatever it is. */
    TcpGuest send(int flags, String text) {
        station.send(segment(flags, text));
        next += text.length() + ((flags & (SYN | FIN)) != 0 ? 1 : 0);
        return this;
    }

    TcpGuest syn() {
        return send(SYN, "");
    }

    TcpGuest say(String text) {
        return send(ACK | PSH, text);
    }

    TcpGuest finish() {
        return send(ACK | FIN, "");
    }

    TcpGuest reset() {
        return send(RST | ACK, "");
    }

    TcpGuest acknowledge() {
        return send(ACK, "");
    }

    /** Nothing has come. */
    void expectNothing() {
        assertThat(station.take()).isEmpty();
    }

    /** One segment has come, with just these flags, PSH left out. */
    ParsedPacket expect(int flags) {
        ParsedPacket segment = station.takeOne();
        assertThat(segment.protocol()).isEqualTo(6);
        assertThat(segment.from()).isEqualTo(peer + ":" + peerPort);
        assertThat(segment.to()).isEqualTo(address + ":" + port);
        assertThat(segment.flags() & ~PSH).as("flags").isEqualTo(flags);
        if ((flags & SYN) != 0) {
            expected = segment.sequence() + 1 & 0xffffffffL;
        } else if ((flags & RST) == 0) {
            assertThat(segment.sequence()).isEqualTo(expected);
            expected = expected + segment.payload().length + ((flags & FIN) != 0 ? 1 : 0) & 0xffffffffL;
        }
        if ((flags & ACK) != 0 && (flags & RST) == 0) {
            assertThat(segment.acknowledgment()).isEqualTo(next & 0xffffffffL);
        }
        return segment;
    }

    /** Text has come, in one or several segments, all in order. */
    void expectText(String text) {
        assertThat(readAll()).isEqualTo(text);
    }

    /** What has come in order, however many segments it was; ends at FIN. */
    String readAll() {
        StringBuilder read = new StringBuilder();
        for (ParsedPacket segment : station.take()) {
            assertThat(segment.sequence()).isEqualTo(expected);
            read.append(new String(segment.payload(), StandardCharsets.US_ASCII));
            expected = expected + segment.payload().length & 0xffffffffL;
        }
        return read.toString();
    }

    /** The whole packets that have come. */
    List<ParsedPacket> take() {
        return station.take();
    }
}
