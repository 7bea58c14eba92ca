package io.sharedip.examples.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * Sends back what it gets, over TCP and UDP, for thousands of connections and datagrams of any size. Run as a program on a lab machine:
 * {@code EchoServer PORT}.
 */
public final class EchoServer {
    private static final int BACKLOG = 4096;
    private static final int ROOM = 65_536;

    private final Selector selector;
    private final ByteBuffer datagram = ByteBuffer.allocateDirect(ROOM);

    private EchoServer(Selector selector) {
        this.selector = selector;
    }

    /**
     * Serves until it is ended.
     *
     * @param args the port
     * @throws IOException if the port cannot be had
     */
    public static void main(String[] args) throws IOException {
        InetSocketAddress port = new InetSocketAddress(Integer.parseInt(args[0]));
        try (Selector selector = Selector.open();
                ServerSocketChannel listener = ServerSocketChannel.open();
                DatagramChannel datagrams = DatagramChannel.open()) {
            listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            listener.bind(port, BACKLOG).configureBlocking(false);
            listener.register(selector, SelectionKey.OP_ACCEPT);
            datagrams.bind(port).configureBlocking(false);
            datagrams.register(selector, SelectionKey.OP_READ);
            new EchoServer(selector).serve();
        }
    }

    private void serve() throws IOException {
        while (true) {
            selector.select(key -> {
                try {
                    answer(key);
                } catch (IOException e) {
                    close(key);
                }
            });
        }
    }

    private void answer(SelectionKey key) throws IOException {
        if (key.channel() instanceof ServerSocketChannel listener) {
            SocketChannel connection = listener.accept();
            if (connection != null) {
                connection.configureBlocking(false);
                connection.register(selector, SelectionKey.OP_READ, ByteBuffer.allocate(ROOM));
            }
        } else if (key.channel() instanceof DatagramChannel datagrams) {
            datagram.clear();
            SocketAddress peer = datagrams.receive(datagram);
            if (peer != null) {
                datagrams.send(datagram.flip(), peer);
            }
        } else {
            echo(key, (SocketChannel) key.channel(), (ByteBuffer) key.attachment());
        }
    }

    private static void echo(SelectionKey key, SocketChannel connection, ByteBuffer waiting) throws IOException {
        if (key.isReadable() && connection.read(waiting) < 0) {
            connection.close();
            return;
        }
        waiting.flip();
        connection.write(waiting);
        key.interestOps(waiting.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
        waiting.compact();
    }

    private static void close(SelectionKey key) {
        try {
            key.channel().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
