package io.sharedip.examples.embed;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.link.InProcessLink;
import io.sharedip.packet.Checksum;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What an emulator in this process does with a card: it puts octets of Ethernet frames into a link and takes some out. This one knows
 * just enough of ARP, IPv4 and UDP to ask one question. One thread may use it.
 */
final class EmulatedGuest {

    private static final int ARP = 0x0806;
    private static final int IPV4 = 0x0800;
    private static final int UDP = 17;
    private static final int PORT = 40001;
    private static final int ETHERNET_HEADER = 14;
    private static final int IPV4_HEADER = 20;
    private static final int UDP_HEADER = 8;
    private static final long PATIENCE_SECONDS = 10;

    private final InProcessLink card;
    private final MacAddress mac;
    private final Ipv4Address address;
    private final Semaphore arrivals = new Semaphore(0);

    EmulatedGuest(InProcessLink card, MacAddress mac, Ipv4Address address) {
        this.card = card;
        this.mac = mac;
        this.address = address;
        // Called by the gateway's thread; an emulator would raise an interrupt here.
        card.onReceivable(arrivals::release);
    }

    /**
     * Sends a datagram by way of a router and waits for the answer.
     *
     * @return the answer's data
     * @throws TimeoutException if none comes
     */
    byte[] ask(Ipv4Address router, Ipv4Address server, int port, byte[] question)
            throws InterruptedException, TimeoutException {
        MacAddress nextHop = macOf(router);
        ByteBuffer frame = ByteBuffer.allocate(ETHERNET_HEADER + IPV4_HEADER + UDP_HEADER + question.length);
        ethernet(frame, nextHop, IPV4);
        frame.put((byte) 0x45).put((byte) 0).putShort((short) (IPV4_HEADER + UDP_HEADER + question.length));
        frame.putShort((short) 1)
                .putShort((short) 0)
                .put((byte) 64)
                .put((byte) UDP)
                .putShort((short) 0);
        frame.putInt(address.bits()).putInt(server.bits());
        int sum = Checksum.sum(frame.array(), ETHERNET_HEADER, IPV4_HEADER);
        frame.putShort(ETHERNET_HEADER + 10, (short) ~sum);
        frame.putShort((short) PORT).putShort((short) port);
        frame.putShort((short) (UDP_HEADER + question.length)).putShort((short) 0); // 0: without a checksum
        frame.put(question);
        card.transmit(frame.array());

        int data = ETHERNET_HEADER + IPV4_HEADER + UDP_HEADER;
        while (true) {
            ByteBuffer answer = ByteBuffer.wrap(receive());
            if (answer.capacity() >= data
                    && answer.getShort(12) == IPV4
                    && answer.get(ETHERNET_HEADER + 9) == UDP
                    && answer.getShort(ETHERNET_HEADER + IPV4_HEADER + 2) == (short) PORT) {
                int length = answer.getShort(ETHERNET_HEADER + IPV4_HEADER + 4) & 0xffff;
                return Arrays.copyOfRange(answer.array(), data, data - UDP_HEADER + length);
            }
        }
    }

    private MacAddress macOf(Ipv4Address neighbour) throws InterruptedException, TimeoutException {
        ByteBuffer frame = ByteBuffer.allocate(ETHERNET_HEADER + 28);
        ethernet(frame, MacAddress.BROADCAST, ARP);
        frame.putShort((short) 1)
                .putShort((short) IPV4)
                .put((byte) 6)
                .put((byte) 4)
                .putShort((short) 1);
        put(frame, mac);
        frame.putInt(address.bits()).putShort((short) 0).putInt(0).putInt(neighbour.bits());
        card.transmit(frame.array());
        while (true) {
            ByteBuffer answer = ByteBuffer.wrap(receive());
            if (answer.getShort(12) == ARP && answer.getInt(ETHERNET_HEADER + 14) == neighbour.bits()) {
                return new MacAddress(answer.getLong(4) & 0xffff_ffff_ffffL);
            }
        }
    }

    private void ethernet(ByteBuffer frame, MacAddress destination, int type) {
        put(frame, destination);
        put(frame, mac);
        frame.putShort((short) type);
    }

    private static void put(ByteBuffer frame, MacAddress mac) {
        frame.putShort((short) (mac.bits() >>> 32)).putInt((int) mac.bits());
    }

    private byte[] receive() throws InterruptedException, TimeoutException {
        byte[] frame = card.receive();
        while (frame == null) {
            if (!arrivals.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new TimeoutException("no frame within " + PATIENCE_SECONDS + " s");
            }
            frame = card.receive();
        }
        return frame;
    }
}
