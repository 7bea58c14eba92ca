package io.sharedip.netty.internal.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * A unix socket for datagrams. What it receives goes through its channel; what it sends does not, since Netty would ask again and again
 * while the peer's queue is full.
 */
public interface UnixDatagramSocket {

    /** To be registered with an event loop of its transport, and bound. */
    Channel channel();

    /** The octets of a message that the channel has read; the message's own, not retained. */
    ByteBuf content(Object message);

    /** The path of a message's sender; empty if it has none. */
    String sender(Object message);

    /**
     * Sends one datagram.
     *
     * @param octets a direct buffer
     * @param path of the receiver, encoded as the file system wants it
     * @return false if the receiver's queue is full or the system is short of room
     * @throws IOException if nobody is there, or the datagram is too long
     */
    boolean send(ByteBuffer octets, int from, int to, byte[] path) throws IOException;

    /** Whether somebody has a datagram socket open at a path. */
    boolean isAlive(Path path);
}
