package io.sharedip.examples.gateway;

import io.sharedip.examples.gateway.config.GatewayFile.GuestSettings;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings;
import java.util.List;
import java.util.Optional;

/** The card of a guest in QEMU's own words. */
final class QemuCard {

    private static final String ID = "sharedip0";
    private static final String UNIX = "unix:";
    private static final String TCP = "tcp:";
    private static final int ETHERNET = 1500;

    private QemuCard() {}

    /** What QEMU is told so that it connects to the guest's link; empty if it cannot connect there. */
    static Optional<List<String>> arguments(GuestSettings guest) {
        if (!(guest.link() instanceof LinkSettings.QemuStream stream)) {
            return Optional.empty();
        }
        // PXE, for which QEMU would look for a ROM, is nothing that the gateway's DHCP server offers.
        String card = "virtio-net-pci,netdev=" + ID + ",romfile=,mac=" + guest.mac()
                + (stream.wire().mtu() == ETHERNET
                        ? ""
                        : ",host_mtu=" + stream.wire().mtu());
        return socket(stream.address())
                .map(socket -> List.of("-netdev", "stream,id=" + ID + "," + socket, "-device", card));
    }

    private static Optional<String> socket(String listen) {
        if (listen.startsWith(UNIX)) {
            return Optional.of("addr.type=unix,addr.path=" + value(listen.substring(UNIX.length())));
        }
        if (listen.startsWith(TCP)) {
            int colon = listen.lastIndexOf(':');
            String host = listen.substring(TCP.length(), colon).replaceAll("[\\[\\]]", "");
            return Optional.of("addr.type=inet,addr.host=" + value(host) + ",addr.port=" + listen.substring(colon + 1));
        }
        return Optional.empty();
    }

    /** QEMU ends a value at a comma, unless there are two. */
    private static String value(String text) {
        return text.replace(",", ",,");
    }
}
