package io.sharedip.examples.gateway.config;

import io.sharedip.address.PortRange;
import io.sharedip.examples.gateway.config.GatewayFile.Claims;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings.Card;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings.Sockets;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import io.sharedip.netty.SocketTransport;
import io.sharedip.uplink.PacketUplink;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Reads {@code uplink}. */
final class UplinkReader {

    /** What the allocator can work with: parity and class of a port are kept where there is a choice. */
    private static final int FEWEST_PORTS = 16;

    private UplinkReader() {}

    static Optional<UplinkSettings> read(Section section) {
        Optional<Value> sockets = section.value("sockets");
        if (sockets.isEmpty()) {
            return card(section);
        }
        Optional<Value> pcap = section.value("pcap");
        section.finish();
        if (pcap.isPresent()) {
            section.wrong("has two kinds of uplink", "keep pcap or sockets");
        }
        return sockets.flatMap(v -> v.section("sockets: {}")).map(UplinkReader::sockets);
    }

    private static UplinkSettings sockets(Section section) {
        Sockets sockets = Sockets.DEFAULT;
        Optional<Parsed<SocketTransport>> transport = section.text("transport", "auto")
                .flatMap(s -> s.parse(Forms.oneOf(List.of(SocketTransport.values()), UplinkReader::kernelName)));
        Optional<Parsed<Boolean>> show = section.text("show-clients", "true").flatMap(s -> s.parse(Forms::bool));
        section.finish();
        return new Sockets(
                transport.map(Parsed::value).orElse(sockets.transport()),
                show.map(Parsed::value).orElse(sockets.showClients()));
    }

    /** As Linux writes it: {@code io_uring}. */
    private static String kernelName(SocketTransport transport) {
        return transport.name().toLowerCase(Locale.ROOT);
    }

    private static Optional<UplinkSettings> card(Section section) {
        Optional<Parsed<String>> card = section.requiredText(
                        "pcap", "eth0", "name the card of the segment, such as pcap: eth0, or write sockets: {}")
                .flatMap(s -> s.parse(Forms::card));
        Optional<Parsed<Claims>> claims =
                section.text("claims", "sockets").flatMap(s -> s.parse(Forms.oneOf(List.of(Claims.values()))));
        Optional<Parsed<Boolean>> own = section.text("address-is-own", "false").flatMap(s -> s.parse(Forms::bool));
        Optional<Parsed<PortRange>> ports =
                section.text("ports", "61000-65535").flatMap(s -> s.parse(PortRange::parse));
        section.finish();
        boolean isOwn = own.map(Parsed::value).orElse(false);
        claims.filter(c -> c.value() == Claims.NONE && !isOwn)
                .ifPresent(c -> c.setting()
                        .wrong(
                                "leaves the host's kernel free to reset the guests' connections",
                                "use sockets or firewall, or, if no host uses the address, address-is-own: true"));
        ports.ifPresent(UplinkReader::checkSize);
        Claims chosen = claims.map(Parsed::value).orElse(isOwn ? Claims.NONE : Claims.SOCKETS);
        PortRange pool = ports.map(Parsed::value).orElse(PacketUplink.DEFAULT_PORTS);
        return card.map(c -> new Card(c.value(), chosen, isOwn, pool));
    }

    private static void checkSize(Parsed<PortRange> ports) {
        if (ports.value().first() < 1024) {
            ports.setting().wrong("holds ports below 1024, which belong to services", "begin at 1024 or above");
        } else if (ports.value().size() < FEWEST_PORTS) {
            ports.setting()
                    .wrong(
                            "holds too few ports",
                            "name at least " + FEWEST_PORTS + ", such as " + PacketUplink.DEFAULT_PORTS);
        }
    }
}
