package io.sharedip.examples.gateway.config;

import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings.Greeting;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings.Wire;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import io.sharedip.netty.DatagramLink;
import io.sharedip.packet.ChecksumState;
import java.util.List;
import java.util.Optional;

/** Reads {@code link} of a guest. */
final class LinkReader {

    private static final String KINDS = "pcap, qemu-stream, udp, unix-datagram or stdio";
    private static final int LEAST_MTU = 68;
    private static final int MOST_MTU = 65520;
    private static final int DEFAULT_MTU = 1500;

    /** A kind of link that is no card, with what its datagrams or lengths can carry. */
    private enum Kind {
        QEMU_STREAM("qemu-stream", MOST_MTU, "\"unix:/run/db.sock\""),
        UDP("udp", 65489, "\"127.0.0.1:5001->127.0.0.1:5002\""),
        UNIX_DATAGRAM("unix-datagram", MOST_MTU, "\"/run/gw.sock->/run/vm.sock\"");

        private final String key;
        private final int mostMtu;
        private final String example;

        Kind(String key, int mostMtu, String example) {
            this.key = key;
            this.mostMtu = mostMtu;
            this.example = example;
        }
    }

    /** Reads an address; a link that is made of it, and thrown away unopened, says what is wrong with it. */
    private static LinkSettings parse(Kind kind, String text, Wire wire) {
        switch (kind) {
            case UDP -> DatagramLink.udp(text);
            case UNIX_DATAGRAM -> DatagramLink.unix(text);
            case QEMU_STREAM -> Forms.qemuStream(text);
        }
        return switch (kind) {
            case UDP -> new LinkSettings.Udp(text, wire);
            case UNIX_DATAGRAM -> new LinkSettings.UnixDatagram(text, wire);
            case QEMU_STREAM -> new LinkSettings.QemuStream(text, wire);
        };
    }

    private LinkReader() {}

    /** The link, at the key that says where it leads. */
    static Optional<Parsed<LinkSettings>> read(Section section) {
        Optional<Value> pcap = section.value("pcap");
        List<Optional<Value>> sockets = List.of(Kind.values()).stream()
                .map(kind -> section.value(kind.key))
                .toList();
        Optional<Setting> stdio = section.text("stdio", "plain");
        Optional<Parsed<Integer>> mtu =
                section.text("mtu", "9000").flatMap(s -> s.parse(Forms.number(LEAST_MTU, MOST_MTU)));
        Optional<Parsed<ChecksumState>> checksums = section.text("checksums", "complete")
                .flatMap(s -> s.parse(Forms.oneOf(List.of(ChecksumState.COMPLETE, ChecksumState.RECOMPUTE))));
        section.finish();
        long kinds = sockets.stream().filter(Optional::isPresent).count()
                + (pcap.isPresent() ? 1 : 0)
                + (stdio.isPresent() ? 1 : 0);
        if (kinds != 1) {
            section.wrong(
                    kinds == 0 ? "names no link" : "has two kinds of link",
                    kinds == 0
                            ? "write " + KINDS + ", such as pcap: CARD or qemu-stream: \"unix:PATH\""
                            : "keep one of " + KINDS);
        }
        if (pcap.isPresent()) {
            mtu.ifPresent(
                    m -> m.setting().wrong("is set where the card has one", "set it on the card, and leave it out"));
            checksums.ifPresent(c -> c.setting().wrong("is set where the card knows", "leave it out"));
            return pcap.flatMap(v -> v.text("vm1"))
                    .flatMap(s -> s.parse(text -> new LinkSettings.Pcap(Forms.card(text))));
        }
        Wire wire = new Wire(
                mtu.map(Parsed::value).orElse(DEFAULT_MTU),
                checksums.map(Parsed::value).orElse(ChecksumState.COMPLETE));
        if (stdio.isPresent()) {
            checkMtu(mtu, 65517);
            return stdio.flatMap(s -> s.parse(Forms.oneOf(List.of(Greeting.values()))))
                    .map(p -> new Parsed<>(new LinkSettings.Stdio(p.value(), wire), p.setting()));
        }
        for (Kind kind : Kind.values()) {
            Optional<Value> value = sockets.get(kind.ordinal());
            if (value.isPresent()) {
                checkMtu(mtu, kind.mostMtu);
                return value.flatMap(v -> v.text(kind.example)).flatMap(s -> s.parse(text -> parse(kind, text, wire)));
            }
        }
        return Optional.empty();
    }

    private static void checkMtu(Optional<Parsed<Integer>> mtu, int most) {
        mtu.filter(m -> m.value() > most)
                .ifPresent(m -> m.setting()
                        .wrong("is more than such a link carries in one piece", "use " + LEAST_MTU + " to " + most));
    }
}
