package io.sharedip.examples.lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Sends so many octets over a TCP connection, closes its half, and takes what the other side sends until that does the same, all at
 * once. Run as a program on two lab machines: {@code Exchange PORT OCTETS} waits for a connection, {@code Exchange PORT OCTETS ADDRESS}
 * makes it. It ends with {@code sent N SHA-256} and {@code received N SHA-256}.
 */
public final class Exchange {
    private static final int BLOCK = 1 << 16;
    private static final int SILENCE_MILLIS = 60_000;
    private static final int CONNECT_MILLIS = 20_000;

    private Exchange() {}

    /**
     * Runs one side.
     *
     * @param args the port, how much to send, and the address to call, if any
     * @throws IOException if the connection fails
     * @throws InterruptedException if it is interrupted
     * @throws ExecutionException if the connection fails while it sends
     */
    public static void main(String[] args) throws IOException, InterruptedException, ExecutionException {
        int port = Integer.parseInt(args[0]);
        long octets = Long.parseLong(args[1]);
        try (Socket connection = args.length > 2 ? call(args[2], port) : await(port)) {
            connection.setSoTimeout(SILENCE_MILLIS);
            ExecutorService thread = Executors.newSingleThreadExecutor();
            try {
                Future<String> sent = thread.submit(() -> send(connection, octets, port + args.length));
                String received = receive(connection.getInputStream());
                System.out.println("sent " + sent.get());
                System.out.println("received " + received);
            } finally {
                thread.shutdownNow();
            }
        }
    }

    private static Socket call(String address, int port) throws IOException {
        Socket connection = new Socket();
        connection.connect(new InetSocketAddress(address, port), CONNECT_MILLIS);
        return connection;
    }

    private static Socket await(int port) throws IOException {
        try (ServerSocket listener = new ServerSocket(port)) {
            return listener.accept();
        }
    }

    private static String send(Socket connection, long octets, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        MessageDigest sum = sha256();
        byte[] block = new byte[BLOCK];
        OutputStream out = connection.getOutputStream();
        for (long left = octets; left > 0; left -= BLOCK) {
            random.nextBytes(block);
            int length = (int) Math.min(BLOCK, left);
            sum.update(block, 0, length);
            out.write(block, 0, length);
        }
        connection.shutdownOutput();
        return octets + " " + HexFormat.of().formatHex(sum.digest());
    }

    private static String receive(InputStream in) throws IOException {
        MessageDigest sum = sha256();
        byte[] block = new byte[BLOCK];
        long octets = 0;
        for (int length = in.read(block); length >= 0; length = in.read(block)) {
            sum.update(block, 0, length);
            octets += length;
        }
        return octets + " " + HexFormat.of().formatHex(sum.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new LabException("every JDK has SHA-256", e);
        }
    }
}
