package io.sharedip.nat.fuzz;

import io.sharedip.address.Ipv4Address;
import io.sharedip.dns.DomainName;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.internal.dhcp.DhcpClient;
import io.sharedip.nat.internal.dhcp.DhcpMessage;
import io.sharedip.nat.internal.dhcp.DhcpServer;
import io.sharedip.packet.Octets;
import io.sharedip.testing.DhcpExchange.Answer;

/**
 * Octets as a message to the DHCP server: as they are, and once more with the fixed part mended, so that what stands behind it is
 * reached. Whatever is answered is well-formed, fits into what the client takes, and gives away none but the client's addresses.
 */
final class DhcpInput {

    private static final int SHARED = Ipv4Address.parse("192.0.2.10").bits();
    private static final int SECOND = Ipv4Address.parse("10.0.0.2").bits();
    private static final long MAC = 0x525400000001L;
    /** Room before and behind the message, which must not be looked at. */
    private static final int MARGIN = 16;

    private final byte[] octets;

    DhcpInput(byte[] octets) {
        this.octets = octets;
    }

    /** Handles it twice. @return whether one of the two was answered */
    boolean run() {
        boolean asIs = handle(octets);
        return handle(mended()) || asIs;
    }

    private byte[] mended() {
        byte[] a = octets.clone();
        if (a.length >= DhcpMessage.MIN_LENGTH) {
            a[0] = 1;
            a[1] = 1;
            a[2] = 6;
            Octets.put32(a, 4, 0x5ead1234);
            Octets.put32(a, 24, 0);
            Octets.put48(a, 28, MAC);
            Octets.put32(a, 236, 0x63825363);
        }
        return a;
    }

    private static boolean handle(byte[] message) {
        DhcpClient client = new DhcpClient();
        client.mac = MAC;
        client.addresses = new int[] {SHARED, SECOND};
        client.name = "web";
        client.linkMtu = 1500;
        client.segment = Ipv4Address.parse("192.0.2.0").bits();
        client.segmentMask = 0xffffff00;
        client.router = Ipv4Address.parse("192.0.2.1").bits();
        client.gateway = Ipv4Address.parse("192.0.2.254").bits();
        client.source = message.length > 0 && (message[message.length - 1] & 1) != 0 ? SHARED : 0;
        DhcpServer server =
                new DhcpServer(DhcpSettings.defaults().withSearchDomains(DomainName.parse("guests.internal")), true);
        byte[] room = new byte[MARGIN + message.length + MARGIN];
        System.arraycopy(message, 0, room, MARGIN, message.length);
        if (server.handle(room, MARGIN, message.length, client) != null) {
            return false;
        }
        int destination = server.destination();
        if (server.length() > DhcpMessage.MAX_LENGTH
                || (destination != SHARED && destination != SECOND && destination != -1)) {
            throw new AssertionError("answer of " + server.length() + " octets to " + new Ipv4Address(destination));
        }
        byte[] reply = new byte[server.length()];
        System.arraycopy(server.octets(), 0, reply, 0, reply.length);
        Octets.put32(reply, 4, 0x5ead1234);
        Answer answer = Answer.of(reply);
        int given = Octets.i32(reply, 16);
        if (given != 0 && given != SHARED && given != SECOND) {
            throw new AssertionError("gives away " + answer.address());
        }
        return true;
    }
}
