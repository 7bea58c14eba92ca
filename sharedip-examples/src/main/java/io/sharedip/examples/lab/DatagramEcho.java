package io.sharedip.examples.lab;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Random;

/**
 * Sends datagrams to an echo server and compares what comes back. Run as a program on a lab machine:
 * {@code DatagramEcho ADDRESS PORT SIZE...}. It says {@code echoed SIZE} for each.
 */
public final class DatagramEcho {
    private static final int PATIENCE_MILLIS = 3000;
    private static final int ROOM = 65_536;

    private DatagramEcho() {}

    /**
     * Sends one datagram of each size.
     *
     * @param args address, port, and sizes
     * @throws IOException if a datagram cannot be sent, or nothing comes back, or something else
     */
    public static void main(String[] args) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(args[0], Integer.parseInt(args[1])));
            socket.setSoTimeout(PATIENCE_MILLIS);
            for (String size : Arrays.asList(args).subList(2, args.length)) {
                byte[] sent = new byte[Integer.parseInt(size)];
                new Random(sent.length).nextBytes(sent);
                DatagramPacket echo = new DatagramPacket(new byte[ROOM], ROOM);
                socket.send(new DatagramPacket(sent, sent.length));
                socket.receive(echo);
                if (!Arrays.equals(sent, 0, sent.length, echo.getData(), 0, echo.getLength())) {
                    throw new IOException(size + " octets came back as " + echo.getLength() + ", or changed");
                }
                System.out.println("echoed " + size);
            }
        }
    }
}
