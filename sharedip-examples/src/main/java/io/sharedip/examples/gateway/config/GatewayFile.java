package io.sharedip.examples.gateway.config;

import io.sharedip.GuestId;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.dns.DnsSettings;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.FragmentLimits;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.TcpTracking;
import io.sharedip.netty.SocketTransport;
import io.sharedip.packet.ChecksumState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a gateway's file says, checked and typed. Immutable.
 *
 * @param address the shared address
 * @param prefix the segment
 * @param router the next hop for everything outside the segment
 * @param alias stands for the shared address where a guest owns that itself
 * @param control the control socket
 * @param state where flows are kept while the gateway does not run
 * @param uplink the way out
 * @param capacity how many flows there may be
 * @param routerMac what guests see as their router
 * @param guests at least one
 * @param forwards in the order of the file
 * @param rules the filter chain
 * @param nat how ports are given to guests, whom they let in, and how TCP is tracked
 * @param timeouts those that the file names
 * @param dhcp what guests are told by DHCP; nothing if empty
 * @param dns what guests are told by DNS; nothing if empty
 */
public record GatewayFile(
        Ipv4Address address,
        IpPrefix prefix,
        Ipv4Address router,
        Optional<Ipv4Address> alias,
        Optional<Path> control,
        Optional<Path> state,
        UplinkSettings uplink,
        Capacity capacity,
        Optional<MacAddress> routerMac,
        List<GuestSettings> guests,
        List<PortForward> forwards,
        FilterChain rules,
        NatSettings nat,
        Map<TimeoutKey, Duration> timeouts,
        Optional<DhcpSettings> dhcp,
        Optional<DnsSettings> dns) {

    /** Copies the collections. */
    public GatewayFile {
        guests = List.copyOf(guests);
        forwards = List.copyOf(forwards);
        Map<TimeoutKey, Duration> ordered = new EnumMap<>(TimeoutKey.class);
        ordered.putAll(timeouts);
        timeouts = Collections.unmodifiableMap(ordered);
    }

    /**
     * Reads a file.
     *
     * @param path the file
     * @return what it says
     * @throws BadConfigurationException with every mistake in it
     */
    public static GatewayFile read(Path path) throws BadConfigurationException {
        Problems problems = new Problems(path.toString());
        return GatewayFileReader.read(YamlFile.read(path, problems), problems);
    }

    /**
     * Reads a text.
     *
     * @param text the content of a file
     * @param name what to call it in messages
     * @return what it says
     * @throws BadConfigurationException with every mistake in it
     */
    public static GatewayFile parse(String text, String name) throws BadConfigurationException {
        return GatewayFileReader.read(text, new Problems(name));
    }

    /**
     * The same with other forwards and rules.
     *
     * @param newForwards instead of those of the file
     * @param newRules instead of those of the file
     * @return settings like these
     */
    public GatewayFile with(List<PortForward> newForwards, FilterChain newRules) {
        return new GatewayFile(
                address,
                prefix,
                router,
                alias,
                control,
                state,
                uplink,
                capacity,
                routerMac,
                guests,
                newForwards,
                newRules,
                nat,
                timeouts,
                dhcp,
                dns);
    }

    /** How outside ports are kept from the host. */
    public enum Claims {
        /** By sockets that hold them. */
        SOCKETS,
        /** By a rule of the host's packet filter. */
        FIREWALL,
        /** Not at all: the address is the gateway's own. */
        NONE
    }

    /** The way out. */
    public sealed interface UplinkSettings {

        /**
         * What kind of uplink this is.
         *
         * @return one word
         */
        String kind();

        /**
         * A network card on which translated frames are sent.
         *
         * @param card the network card of the segment
         * @param claims how outside ports are kept from the host
         * @param addressIsOwn whether no host uses the address
         * @param ports the pool of outside ports
         */
        record Card(String card, Claims claims, boolean addressIsOwn, PortRange ports) implements UplinkSettings {

            @Override
            public String kind() {
                return "pcap";
            }
        }

        /**
         * Ordinary sockets of the host.
         *
         * @param transport how they are served
         * @param showClients whether guests see the true address of who reaches them through a forward
         */
        record Sockets(SocketTransport transport, boolean showClients) implements UplinkSettings {

            /** What holds if the file says nothing. */
            static final Sockets DEFAULT = new Sockets(SocketTransport.AUTO, true);

            @Override
            public String kind() {
                return "sockets";
            }
        }
    }

    /**
     * How many flows there may be.
     *
     * @param flows of all guests together
     * @param flowsPerGuest of one guest; the engine's default if empty
     */
    public record Capacity(int flows, OptionalInt flowsPerGuest) {

        /** What holds if the file says nothing. */
        static final Capacity DEFAULT = new Capacity(5000, OptionalInt.empty());
    }

    /**
     * How guests are translated.
     *
     * @param tcp ports and filtering of TCP
     * @param udp ports and filtering of UDP
     * @param udpInboundRefresh whether UDP packets from outside keep a flow alive that a guest began
     * @param tcpTracking how TCP segments are judged
     * @param fragments how much of fragments is kept, and how long
     * @param errorsPerSecond how many errors the gateway itself says; the engine's default if empty
     * @param echoRepliesPerSecond how many pings of its own the gateway answers; the engine's default if empty
     * @param plan what is translated in another way
     */
    public record NatSettings(
            ProtocolBehavior tcp,
            ProtocolBehavior udp,
            boolean udpInboundRefresh,
            TcpTracking tcpTracking,
            FragmentLimits fragments,
            OptionalInt errorsPerSecond,
            OptionalInt echoRepliesPerSecond,
            AddressPlan plan) {

        /** What holds if the file says nothing. */
        static final NatSettings DEFAULT = new NatSettings(
                ProtocolBehavior.tcp(),
                ProtocolBehavior.udp(),
                false,
                TcpTracking.defaults(),
                FragmentLimits.defaults(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                new AddressPlan(List.of(), List.of(), List.of()));
    }

    /**
     * What is translated in another way than to the shared address and a port of the pool.
     *
     * @param protocols translated by address alone
     * @param oneToOne addresses of one guest each
     * @param exempt destinations that are not translated
     */
    public record AddressPlan(List<IpProtocol> protocols, List<OneToOne> oneToOne, List<IpPrefix> exempt) {

        /** Copies the lists. */
        public AddressPlan {
            protocols = List.copyOf(protocols);
            oneToOne = List.copyOf(oneToOne);
            exempt = List.copyOf(exempt);
        }
    }

    /**
     * An address of the segment that is one guest's alone.
     *
     * @param address the address
     * @param guest whose it is
     */
    public record OneToOne(Ipv4Address address, GuestId guest) {}

    /**
     * A guest.
     *
     * @param id its name
     * @param mac its MAC address
     * @param address its IPv4 address
     * @param link where it is plugged in
     */
    public record GuestSettings(GuestId id, MacAddress mac, Ipv4Address address, LinkSettings link) {}

    /** Where a guest is plugged in. */
    public sealed interface LinkSettings {

        /**
         * What no two guests may share.
         *
         * @return for comparison
         */
        String place();

        /**
         * A network card that is the guest's alone.
         *
         * @param card the card's name
         */
        record Pcap(String card) implements LinkSettings {

            @Override
            public String place() {
                return placeOf(card);
            }

            /** The place of any card. */
            static String placeOf(String card) {
                return "card " + card;
            }
        }

        /**
         * Frames behind their lengths on a stream, as QEMU's stream network backend speaks.
         *
         * @param address {@code unix:PATH} or {@code tcp:HOST:PORT} to listen on, or to connect to if {@code connect } stands before it
         * @param wire what all sockets have
         */
        record QemuStream(String address, Wire wire) implements LinkSettings {

            @Override
            public String place() {
                return address;
            }
        }

        /**
         * A frame in each UDP datagram.
         *
         * @param address {@code HOST:PORT}, {@code HOST:PORT->HOST:PORT} or {@code HOST:PORT->any}
         * @param wire what all sockets have
         */
        record Udp(String address, Wire wire) implements LinkSettings {

            @Override
            public String place() {
                return "udp " + localPart(address);
            }
        }

        /**
         * A frame in each datagram of a unix socket.
         *
         * @param address {@code PATH} or {@code PATH->PATH}
         * @param wire what all sockets have
         */
        record UnixDatagram(String address, Wire wire) implements LinkSettings {

            @Override
            public String place() {
                return "unix:" + localPart(address);
            }
        }

        /**
         * Frames behind their lengths on the program's own standard input and output.
         *
         * @param greeting what comes before the frames
         * @param wire what all sockets have
         */
        record Stdio(Greeting greeting, Wire wire) implements LinkSettings {

            @Override
            public String place() {
                return "standard input";
            }
        }

        /** What comes before the frames of standard input. */
        enum Greeting {
            /** Nothing. */
            PLAIN,
            /** What hyperkit says. */
            HYPERKIT
        }

        /**
         * What all links have that are no cards.
         *
         * @param mtu of the guest's card
         * @param checksums of frames that arrive
         */
        record Wire(int mtu, ChecksumState checksums) {}

        private static String localPart(String address) {
            int arrow = address.indexOf("->");
            return (arrow < 0 ? address : address.substring(0, arrow)).strip();
        }
    }

    /** The timers that can be set. */
    public enum TimeoutKey {
        /** TCP before the handshake is complete. */
        TCP_HALF_OPEN,
        /** TCP after the handshake. */
        TCP_ESTABLISHED,
        /** TCP after one side's FIN. */
        TCP_HALF_CLOSED,
        /** TCP after both sides' FINs or a reset. */
        TCP_TRANSITORY,
        /** UDP. */
        UDP,
        /** ICMP queries. */
        ICMP,
        /** Protocols that are translated by address alone. */
        OTHER;

        String key() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }
}
