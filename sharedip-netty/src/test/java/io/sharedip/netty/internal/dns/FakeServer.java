package io.sharedip.netty.internal.dns;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.xbill.DNS.Message;

/** A name server on loopback, UDP and TCP on one port, that answers as a test says. */
final class FakeServer implements AutoCloseable {

    /** Decides what is answered. */
    interface Script {

        /** The messages to send, in order. */
        List<byte[]> answer(Message question, boolean byTcp) throws IOException;
    }

    private final ServerSocket tcp;
    private final DatagramSocket udp;
    private final Script script;
    private final List<Message> byUdp = new CopyOnWriteArrayList<>();
    private final List<Message> byTcp = new CopyOnWriteArrayList<>();

    FakeServer(Script script) {
        this.script = script;
        try {
            tcp = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            udp = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), tcp.getLocalPort()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        start(this::serveUdp);
        start(this::serveTcp);
    }

    /** One that answers each question with one message. */
    static FakeServer answering(Answering answering) {
        return new FakeServer(
                (question, byTcp) -> List.of(answering.answer(question).toWire()));
    }

    /** Makes one answer. */
    interface Answering {

        /** The answer. */
        Message answer(Message question) throws IOException;
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "fake name server");
        thread.setDaemon(true);
        thread.start();
    }

    /** Where it listens, as a route names it. */
    String place() {
        return "127.0.0.1:" + tcp.getLocalPort();
    }

    List<Message> byUdp() {
        return byUdp;
    }

    List<Message> byTcp() {
        return byTcp;
    }

    private void serveUdp() {
        byte[] room = new byte[4096];
        try {
            while (true) {
                DatagramPacket packet = new DatagramPacket(room, room.length);
                udp.receive(packet);
                byte[] octets = new byte[packet.getLength()];
                System.arraycopy(room, 0, octets, 0, octets.length);
                Message question = new Message(octets);
                byUdp.add(question);
                for (byte[] answer : script.answer(question, false)) {
                    udp.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                }
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void serveTcp() {
        try {
            while (true) {
                Socket socket = tcp.accept();
                start(() -> serve(socket));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            while (true) {
                byte[] octets = new byte[in.readUnsignedShort()];
                in.readFully(octets);
                Message question = new Message(octets);
                byTcp.add(question);
                for (byte[] answer : script.answer(question, true)) {
                    out.writeShort(answer.length);
                    out.write(answer);
                }
                out.flush();
            }
        } catch (IOException e) {
            // the client has gone, or the server is closed
        }
    }

    @Override
    public void close() {
        udp.close();
        try {
            tcp.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
