package org.example.stranger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.sharedip.SharedIp;
import io.sharedip.link.InProcessLink;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Octets of a guest reach a socket of this machine, and the answer reaches the guest. */
class RootlessTest {
    private static final int PATIENCE_MILLIS = 10_000;
    private static final String QUESTION = "anybody there?";
    private static final int UDP_DATA = 14 + 20 + 8;

    private final InProcessLink vm1 = InProcessLink.named("vm1");

    @Test
    void a_guest_and_a_server_of_this_machine_exchange_datagrams() throws Exception {
        try (DatagramSocket server = new DatagramSocket(0, InetAddress.getLoopbackAddress());
                SharedIp gateway = Rootless.start(vm1, server.getLocalPort())) {
            server.setSoTimeout(PATIENCE_MILLIS);
            assertEquals(SharedIp.State.RUNNING, gateway.state());

            vm1.transmit(datagram(routerMac(), server.getLocalPort()));
            DatagramPacket asked = new DatagramPacket(new byte[100], 100);
            server.receive(asked);
            assertEquals(QUESTION, new String(asked.getData(), 0, asked.getLength(), StandardCharsets.UTF_8));

            server.send(new DatagramPacket("yes".getBytes(StandardCharsets.UTF_8), 3, asked.getSocketAddress()));
            byte[] answer = awaitFrame(0x0800);
            assertEquals("yes", new String(answer, UDP_DATA, 3, StandardCharsets.UTF_8));
        }
    }

    /** Who has 192.0.2.1? Tell 192.0.2.10. */
    private byte[] routerMac() {
        vm1.transmit(HexFormat.of()
                .parseHex("ffffffffffff525400000001" + "0806" + "0001080006040001" + "525400000001" + "c000020a"
                        + "000000000000" + "c0000201"));
        return Arrays.copyOfRange(awaitFrame(0x0806), 6, 12);
    }

    private static byte[] datagram(byte[] to, int port) {
        byte[] data = QUESTION.getBytes(StandardCharsets.UTF_8);
        ByteBuffer frame = ByteBuffer.allocate(UDP_DATA + data.length);
        frame.put(to).put(HexFormat.of().parseHex("525400000001" + "0800"));
        frame.put(HexFormat.of().parseHex("4500")).putShort((short) (28 + data.length));
        frame.put(HexFormat.of().parseHex("00010000" + "4011" + "0000" + "c000020a" + "c0000201"));
        int sum = 0;
        for (int i = 14; i < 34; i += 2) {
            sum += frame.getShort(i) & 0xffff;
        }
        frame.putShort(24, (short) ~(sum + (sum >>> 16)));
        frame.putShort((short) 40001).putShort((short) port).putShort((short) (8 + data.length)).putShort((short) 0);
        return frame.put(data).array();
    }

    private byte[] awaitFrame(int type) {
        long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
        byte[] frame = vm1.receive();
        while ((frame == null || ByteBuffer.wrap(frame).getShort(12) != type) && System.nanoTime() - end < 0) {
            Thread.onSpinWait();
            frame = vm1.receive();
        }
        assertNotNull(frame, "no frame within 10 s");
        return frame;
    }
}
