package io.sharedip.examples.lab;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Many TCP connections at once to an echo server, each from a given source port. Run as a program on a lab machine; it says
 * {@code connected N} when all are open, waits for a file to appear, then sends on all of them and compares every octet that
 * comes back. It ends with {@code echoed N octets} and 0, or with the first failure and 1.
 */
public final class EchoClients {
    private static final int BLOCK = 8192;
    private static final int CONNECT_MILLIS = 20_000;
    private static final int READ_MILLIS = 60_000;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private EchoClients() {}

    /**
     * Runs the clients.
     *
     * @param args server address, server port, first source port, number of connections, octets for each, the file to wait for
     * @throws IOException if a connection fails
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        InetSocketAddress server = new InetSocketAddress(args[0], Integer.parseInt(args[1]));
        int firstPort = Integer.parseInt(args[2]);
        int count = Integer.parseInt(args[3]);
        int octets = Integer.parseInt(args[4]);
        Path go = Path.of(args[5]);

        List<Socket> connections = new ArrayList<>();
        for (int index = 0; index < count; index++) {
            connections.add(connect(server, firstPort + index));
        }
        System.out.println("connected " + connections.size());
        Waiting.require(go.toString(), PATIENCE, () -> Files.exists(go));

        ExecutorService threads = Executors.newFixedThreadPool(count);
        try {
            List<Future<?>> echoes = new ArrayList<>();
            for (Socket connection : connections) {
                echoes.add(threads.submit(() -> {
                    exchange(connection, octets);
                    return true;
                }));
            }
            for (Future<?> echo : echoes) {
                echo.get();
            }
        } catch (ExecutionException e) {
            System.out.println(e.getCause());
            System.exit(1);
        } finally {
            threads.shutdownNow();
        }
        System.out.println("echoed " + (long) count * octets + " octets");
    }

    private static Socket connect(InetSocketAddress server, int sourcePort) throws IOException {
        Socket socket = new Socket();
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(sourcePort));
        socket.connect(server, CONNECT_MILLIS);
        socket.setSoTimeout(READ_MILLIS);
        return socket;
    }

    private static void exchange(Socket connection, int octets) throws IOException {
        Random random = new Random(connection.getLocalPort());
        try (connection) {
            byte[] block = new byte[BLOCK];
            for (int sent = 0; sent < octets; ) {
                int length = Math.min(BLOCK, octets - sent);
                random.nextBytes(block);
                connection.getOutputStream().write(block, 0, length);
                byte[] echo = connection.getInputStream().readNBytes(length);
                if (!Arrays.equals(echo, 0, echo.length, block, 0, length)) {
                    throw new IOException("port " + connection.getLocalPort()
                            + ": another echo than what was sent, after " + sent + " octets");
                }
                sent += length;
            }
            connection.shutdownOutput();
            if (connection.getInputStream().read() != -1) {
                throw new IOException("port " + connection.getLocalPort() + ": more came back than was sent");
            }
        }
    }
}
