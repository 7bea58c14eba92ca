package io.sharedip.testing;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A guest and an outside machine that talk TCP or UDP through a {@link GatewayRig}, packet by packet. TCP segments bear the numbers
 * that a TCP would send: what did not arrive is sent again under the same number, and a SYN counts once it has been acknowledged.
 */
public final class Conversation {

    private final GatewayRig rig;
    private final boolean tcp;
    private final String guest;
    private final String inside;
    private final int port;
    private final String server;
    private final int serverPort;
    private int outsidePort;
    private final Side atGuest = new Side(1000);
    private final Side atServer = new Side(5000);
    private boolean synAcknowledged;

    private static final class Side {
        private long next;
        private boolean synSent;

        private Side(long next) {
            this.next = next;
        }

        private long received() {
            return synSent ? next + 1 : next;
        }
    }

    private Conversation(
            GatewayRig rig, boolean tcp, String guest, String inside, int port, String server, int serverPort) {
        this.rig = rig;
        this.tcp = tcp;
        this.guest = guest;
        this.inside = inside;
        this.port = port;
        this.server = server;
        this.serverPort = serverPort;
    }

    /**
     * A TCP connection that nobody has begun.
     *
     * @param rig to talk through
     * @param guest its name
     * @param inside the guest's address
     * @param port the guest's port
     * @param server the outside machine
     * @param serverPort its port
     * @return a new conversation
     */
    public static Conversation tcp(
            GatewayRig rig, String guest, String inside, int port, String server, int serverPort) {
        return new Conversation(rig, true, guest, inside, port, server, serverPort);
    }

    /**
     * UDP that nobody has begun.
     *
     * @param rig to talk through
     * @param guest its name
     * @param inside the guest's address
     * @param port the guest's port
     * @param server the outside machine
     * @param serverPort its port
     * @return a new conversation
     */
    public static Conversation udp(
            GatewayRig rig, String guest, String inside, int port, String server, int serverPort) {
        return new Conversation(rig, false, guest, inside, port, server, serverPort);
    }

    /** The same conversation, continued through another gateway. @param other to talk through @return a copy */
    public Conversation through(GatewayRig other) {
        Conversation copy = new Conversation(other, tcp, guest, inside, port, server, serverPort);
        copy.outsidePort = outsidePort;
        copy.atGuest.next = atGuest.next;
        copy.atGuest.synSent = atGuest.synSent;
        copy.atServer.next = atServer.next;
        copy.atServer.synSent = atServer.synSent;
        copy.synAcknowledged = synAcknowledged;
        return copy;
    }

    /** The outside port, as the last packet out bore it. @return 0 if there was none */
    public int outsidePort() {
        return outsidePort;
    }

    /** Sets the outside port, where the outside speaks first. @param value the port @return this */
    public Conversation outsidePort(int value) {
        outsidePort = value;
        return this;
    }

    /** The guest sends a datagram or a data segment. @return what came out, null if nothing */
    public @Nullable ParsedPacket out() {
        return out(PacketBuilder.ACK | PacketBuilder.PSH);
    }

    /** The guest sends a segment. @param flags of it @return what came out, null if nothing */
    public @Nullable ParsedPacket out(int flags) {
        PacketBuilder packet = (tcp ? PacketBuilder.tcp() : PacketBuilder.udp())
                .from(inside, port)
                .to(server, serverPort)
                .flags(flags);
        number(packet, atGuest, atServer, flags, "out");
        rig.outside().take();
        rig.station(guest).send(packet);
        ParsedPacket seen = single(rig.outside().take());
        if (seen != null) {
            outsidePort = seen.sourcePort();
            arrived(atGuest, flags, "out");
        }
        return seen;
    }

    /** The outside machine sends a datagram or a data segment. @return what came in, null if nothing */
    public @Nullable ParsedPacket in() {
        return in(PacketBuilder.ACK | PacketBuilder.PSH);
    }

    /** The outside machine sends a segment. @param flags of it @return what came in, null if nothing */
    public @Nullable ParsedPacket in(int flags) {
        PacketBuilder packet = (tcp ? PacketBuilder.tcp() : PacketBuilder.udp())
                .from(server, serverPort)
                .to(GatewayRig.SHARED, outsidePort)
                .flags(flags);
        number(packet, atServer, atGuest, flags, "in");
        rig.station(guest).take();
        rig.outside().send(packet);
        ParsedPacket seen = single(rig.station(guest).take());
        if (seen != null) {
            arrived(atServer, flags, "in");
        }
        return seen;
    }

    private void number(PacketBuilder packet, Side from, Side to, int flags, String text) {
        if (!tcp) {
            packet.payload(text);
            return;
        }
        boolean syn = (flags & PacketBuilder.SYN) != 0;
        if (!syn) {
            for (Side side : List.of(from, to)) {
                side.next += synAcknowledged && side.synSent ? 1 : 0;
                side.synSent = false;
            }
            synAcknowledged = false;
        }
        packet.sequence(from.next, (flags & PacketBuilder.ACK) == 0 ? 0 : to.received());
        packet.payload(hasText(flags) ? text : "");
    }

    private static boolean hasText(int flags) {
        return (flags & (PacketBuilder.SYN | PacketBuilder.RST)) == 0;
    }

    private void arrived(Side from, int flags, String text) {
        if ((flags & PacketBuilder.SYN) != 0) {
            from.synSent = true;
            synAcknowledged |= (flags & PacketBuilder.ACK) != 0;
        } else if (hasText(flags)) {
            from.next += text.length() + (flags & PacketBuilder.FIN);
        }
    }

    private static @Nullable ParsedPacket single(List<ParsedPacket> packets) {
        if (packets.size() > 1) {
            throw new AssertionError("more than one packet: " + packets);
        }
        return packets.isEmpty() ? null : packets.get(0);
    }

    private static void require(@Nullable ParsedPacket packet) {
        if (packet == null) {
            throw new AssertionError("a packet of the handshake did not pass");
        }
    }

    /** Shakes hands, the guest first. @return this, established */
    public Conversation handshake() {
        require(out(PacketBuilder.SYN));
        require(in(PacketBuilder.SYN | PacketBuilder.ACK));
        require(out(PacketBuilder.ACK));
        return this;
    }

    /** Shakes hands, the outside first. @return this, established */
    public Conversation handshakeFromOutside() {
        require(in(PacketBuilder.SYN));
        require(out(PacketBuilder.SYN | PacketBuilder.ACK));
        require(in(PacketBuilder.ACK));
        return this;
    }
}
