package io.sharedip.examples.gateway;

import io.netty.channel.EventLoopGroup;
import io.sharedip.ConfigurationException;
import io.sharedip.Guest;
import io.sharedip.SharedIp;
import io.sharedip.event.SharedIpListener;
import io.sharedip.examples.gateway.config.GatewayFile;
import io.sharedip.examples.gateway.config.GatewayFile.AddressPlan;
import io.sharedip.examples.gateway.config.GatewayFile.GuestSettings;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings.Greeting;
import io.sharedip.examples.gateway.config.GatewayFile.TimeoutKey;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings.Card;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings.Sockets;
import io.sharedip.link.Link;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.Timeouts;
import io.sharedip.netty.DatagramLink;
import io.sharedip.netty.DnsForwarder;
import io.sharedip.netty.QemuStreamLink;
import io.sharedip.netty.SocketUplink;
import io.sharedip.netty.StdioLink;
import io.sharedip.pcap.LinuxPortClaims;
import io.sharedip.pcap.PcapLink;
import io.sharedip.uplink.PacketUplink;
import io.sharedip.uplink.Uplink;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Builds the gateway that a file describes: the place where engine and adapters meet. */
final class GatewayAssembly implements GatewayStarter {

    @Override
    public SharedIp start(GatewayFile file, SharedIpListener listener) {
        Uplink uplink = uplink(file.uplink());
        Optional<EventLoopGroup> loop = uplink instanceof SocketUplink sockets
                ? Optional.of(sockets.driver().group())
                : Optional.empty();
        NatGatewayBuilder builder = NatGateway.builder()
                .address(file.address())
                .prefix(file.prefix())
                .router(file.router())
                .uplink(uplink)
                .capacity(file.capacity().flows())
                .timeouts(timeouts(file.timeouts()))
                .tcp(file.nat().tcp())
                .udp(file.nat().udp())
                .udpInboundRefresh(file.nat().udpInboundRefresh())
                .tcpTracking(file.nat().tcpTracking())
                .fragments(file.nat().fragments())
                .rules(file.rules())
                .listener(listener);
        if (file.uplink() instanceof Sockets sockets) {
            builder.showClients(sockets.showClients());
        }
        file.alias().ifPresent(builder::alias);
        file.dhcp().ifPresent(builder::dhcp);
        file.dns().map(DnsForwarder::of).ifPresent(builder::service);
        file.routerMac().ifPresent(builder::routerMac);
        file.capacity().flowsPerGuest().ifPresent(builder::flowsPerGuest);
        for (GuestSettings guest : file.guests()) {
            builder.guest(new Guest(guest.id(), guest.mac(), List.of(guest.address()), link(guest, loop)));
        }
        file.forwards().forEach(builder::forward);
        file.nat().errorsPerSecond().ifPresent(builder::errorsPerSecond);
        file.nat().echoRepliesPerSecond().ifPresent(builder::echoRepliesPerSecond);
        AddressPlan plan = file.nat().plan();
        plan.protocols().forEach(builder::protocols);
        plan.oneToOne()
                .forEach(one ->
                        builder.oneToOne(one.address().toString(), one.guest().name()));
        plan.exempt().forEach(builder::exempt);
        return builder.start();
    }

    private static Uplink uplink(UplinkSettings settings) {
        return settings instanceof Card card ? uplink(card) : uplink((Sockets) settings);
    }

    private static Uplink uplink(Sockets settings) {
        return SocketUplink.create().withTransport(settings.transport());
    }

    private static Uplink uplink(Card settings) {
        PacketUplink uplink = PacketUplink.on(PcapLink.uplink(settings.card())).withPorts(settings.ports());
        if (settings.addressIsOwn()) {
            return uplink.withAddressOfItsOwn();
        }
        return switch (settings.claims()) {
            case SOCKETS -> uplink.withClaims(LinuxPortClaims.sockets());
            case FIREWALL -> uplink.withClaims(LinuxPortClaims.firewall());
            case NONE -> uplink;
        };
    }

    private static Link link(GuestSettings guest, Optional<EventLoopGroup> loop) {
        LinkSettings settings = guest.link();
        if (settings instanceof LinkSettings.QemuStream stream) {
            return loop.map(group -> QemuStreamLink.parse(stream.address(), group))
                    .orElseGet(() -> QemuStreamLink.parse(stream.address()))
                    .withMtu(stream.wire().mtu())
                    .withChecksums(stream.wire().checksums());
        }
        if (settings instanceof LinkSettings.Udp udp) {
            return loop.map(group -> DatagramLink.udp(udp.address(), group))
                    .orElseGet(() -> DatagramLink.udp(udp.address()))
                    .withMtu(udp.wire().mtu())
                    .withChecksums(udp.wire().checksums());
        }
        if (settings instanceof LinkSettings.UnixDatagram unix) {
            return unixDatagrams(unix.address(), loop)
                    .withMtu(unix.wire().mtu())
                    .withChecksums(unix.wire().checksums());
        }
        if (settings instanceof LinkSettings.Stdio stdio) {
            StdioLink plain = StdioLink.standard();
            return (stdio.greeting() == Greeting.HYPERKIT ? plain.withHyperkitGreeting(guest.mac()) : plain)
                    .withMtu(stdio.wire().mtu())
                    .withChecksums(stdio.wire().checksums());
        }
        return PcapLink.guest(((LinkSettings.Pcap) settings).card());
    }

    /** Only epoll has unix datagrams; beside another event loop they get a thread of their own. */
    private static DatagramLink unixDatagrams(String address, Optional<EventLoopGroup> loop) {
        try {
            return loop.map(group -> DatagramLink.unix(address, group)).orElseGet(() -> DatagramLink.unix(address));
        } catch (ConfigurationException otherTransport) {
            return DatagramLink.unix(address);
        }
    }

    private static Timeouts timeouts(Map<TimeoutKey, Duration> settings) {
        Timeouts timeouts = Timeouts.defaults();
        for (Map.Entry<TimeoutKey, Duration> setting : settings.entrySet()) {
            Duration value = setting.getValue();
            timeouts = switch (setting.getKey()) {
                case TCP_HALF_OPEN -> timeouts.withTcpHalfOpen(value);
                case TCP_ESTABLISHED -> timeouts.withTcpEstablished(value);
                case TCP_HALF_CLOSED -> timeouts.withTcpHalfClosed(value);
                case TCP_TRANSITORY -> timeouts.withTcpTransitory(value);
                case UDP -> timeouts.withUdp(value);
                case ICMP -> timeouts.withIcmp(value);
                case OTHER -> timeouts.withOther(value);
            };
        }
        return timeouts;
    }
}
