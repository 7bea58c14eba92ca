package io.sharedip.netty.internal.sockets;

import io.sharedip.address.Ipv4Address;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** Addresses as the SPI has them, and as Java's sockets have them. */
final class Addresses {

    private Addresses() {}

    static InetSocketAddress of(int address, int port) {
        return new InetSocketAddress(Ipv4Address.ofBits(address).toInetAddress(), port);
    }

    static InetSocketAddress of(@Nullable Ipv4Address address, int port) {
        return of(address == null ? 0 : address.bits(), port);
    }

    /** The IPv4 address, 0 if it is none. */
    static int bits(@Nullable SocketAddress address) {
        if (!(address instanceof InetSocketAddress socket) || !(socket.getAddress() instanceof Inet4Address v4)) {
            return 0;
        }
        return bits(v4);
    }

    static int bits(Inet4Address v4) {
        byte[] octets = v4.getAddress();
        return Ipv4Address.of(octets[0] & 0xff, octets[1] & 0xff, octets[2] & 0xff, octets[3] & 0xff)
                .bits();
    }

    static int port(@Nullable SocketAddress address) {
        return address instanceof InetSocketAddress socket ? socket.getPort() : 0;
    }
}
