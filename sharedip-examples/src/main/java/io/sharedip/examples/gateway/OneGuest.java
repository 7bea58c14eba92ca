package io.sharedip.examples.gateway;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.config.GatewayFile;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Optional;

/** The settings of a gateway for one guest, where no file says them. */
final class OneGuest {

    private static final Ipv4Address DOCUMENTATION = Ipv4Address.parse("192.0.2.10");
    private static final long LOCAL_MAC = 0x5254_0000_0000L;

    private OneGuest() {}

    /**
     * A gateway over sockets with DHCP and DNS.
     *
     * @param address the guest's; the host's own if empty
     * @throws io.sharedip.ConfigurationException if name or address cannot be
     */
    static GatewayFile file(String name, Optional<String> address, Path socket) throws BadConfigurationException {
        GuestId id = GuestId.of(name);
        Ipv4Address shared = address.map(Ipv4Address::parse).orElseGet(OneGuest::hostAddress);
        String text = "address: " + shared + "\nguests:\n  - name: \"" + id.name() + "\"\n    mac: \"" + mac(id)
                + "\"\n    address: " + shared + "\n    link: { qemu-stream: \"unix:" + socket
                + "\" }\ndhcp: {}\ndns: {}\n";
        return GatewayFile.parse(text, "qemu");
    }

    /** The same at each start, so that the guest knows its card again. */
    static MacAddress mac(GuestId guest) {
        return new MacAddress(LOCAL_MAC | (guest.name().hashCode() & 0xff_ffff));
    }

    /** The address that the host itself would call the outside from; nothing is sent. */
    private static Ipv4Address hostAddress() {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(InetAddress.getByAddress(new byte[] {8, 8, 8, 8}), 53));
            InetAddress local = socket.getLocalAddress();
            return local.isAnyLocalAddress() || local.getAddress().length != 4
                    ? DOCUMENTATION
                    : Ipv4Address.parse(local.getHostAddress());
        } catch (IOException | RuntimeException noRoute) {
            return DOCUMENTATION;
        }
    }
}
