package io.sharedip.netty.internal.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.unix.DomainDatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;

/** A unix socket for datagrams on Linux. */
final class EpollUnixDatagramSocket implements UnixDatagramSocket {

    private final EpollDomainDatagramChannel channel = new EpollDomainDatagramChannel();
    private final Socket socket = (Socket) channel.fd();

    @Override
    public Channel channel() {
        return channel;
    }

    @Override
    public ByteBuf content(Object message) {
        return ((DomainDatagramPacket) message).content();
    }

    @Override
    public String sender(Object message) {
        DomainSocketAddress sender = ((DomainDatagramPacket) message).sender();
        return sender == null ? "" : sender.path();
    }

    @Override
    public boolean send(ByteBuffer octets, int from, int to, byte[] path) throws IOException {
        try {
            return socket.sendToDomainSocket(octets, from, to, path) > 0;
        } catch (IOException e) {
            if (String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("no buffer space")) {
                return false; // ENOBUFS passes, as a full queue does
            }
            throw e;
        }
    }

    @Override
    public boolean isAlive(Path path) {
        Socket probe = Socket.newSocketDomainDgram();
        try {
            return probe.connect(new DomainSocketAddress(path.toString()));
        } catch (ConnectException | FileNotFoundException nobody) {
            return false;
        } catch (IOException e) {
            // one that talks with somebody else refuses; one of another kind is somebody too
            return !String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("no such file");
        } finally {
            try {
                probe.close();
            } catch (IOException ignored) {
                // it has served its purpose
            }
        }
    }
}
