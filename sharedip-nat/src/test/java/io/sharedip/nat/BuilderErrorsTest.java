package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sharedip.ConfigurationException;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.filter.FilterChain;
import io.sharedip.link.InProcessLink;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.uplink.PacketUplink;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the builder refuses: each message names the setting, the value and the cure. */
class BuilderErrorsTest {

    private static InProcessLink uplink() {
        return InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC);
    }

    private static NatGatewayBuilder good() {
        return NatGateway.builder()
                .address("192.0.2.10")
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .uplink(PacketUplink.on(uplink()).withAddressOfItsOwn());
    }

    private static Guest guest(String name, String mac, String address) {
        return Guest.of(name, mac, address, InProcessLink.named(name));
    }

    private static Arguments with(String setting, String value, Consumer<NatGatewayBuilder> change) {
        return Arguments.of(setting, value, (Runnable) () -> {
            NatGatewayBuilder builder = good();
            change.accept(builder);
            builder.build().close();
        });
    }

    private static NatGatewayBuilder oneToOne(NatGatewayBuilder builder, String outside) {
        return builder.guests.stream().noneMatch(g -> g.id().name().equals("q"))
                ? builder.guest(guest("q", "52:54:00:00:00:02", "10.0.0.3")).oneToOne(outside, "q")
                : builder.oneToOne(outside, "q");
    }

    private static Arguments missing(String setting, NatGatewayBuilder builder) {
        return Arguments.of(setting, "", (Runnable) () -> builder.build().close());
    }

    static List<Arguments> mistakes() {
        InProcessLink shared = InProcessLink.named("x");
        InProcessLink up = uplink();
        return List.of(
                missing("uplink", NatGateway.builder().address("192.0.2.10")),
                missing(
                        "address",
                        NatGateway.builder()
                                .prefix("192.0.2.0/24")
                                .router("192.0.2.1")
                                .uplink(PacketUplink.on(uplink()).withAddressOfItsOwn())),
                missing(
                        "prefix",
                        NatGateway.builder()
                                .address("192.0.2.10")
                                .router("192.0.2.1")
                                .uplink(PacketUplink.on(uplink()).withAddressOfItsOwn())),
                missing(
                        "router",
                        NatGateway.builder()
                                .address("192.0.2.10")
                                .prefix("192.0.2.0/24")
                                .uplink(PacketUplink.on(uplink()).withAddressOfItsOwn())),
                with("uplink.claims", "none", b -> b.uplink(PacketUplink.on(uplink()))),
                with(
                        "uplink",
                        "nic",
                        b -> b.uplink(
                                PacketUplink.on(InProcessLink.named("nic")).withAddressOfItsOwn())),
                with("protocols", "47", b -> b.uplink(new MemoryHost()).protocols(new IpProtocol(47))),
                with("one-to-one", "192.0.2.77", b -> oneToOne(b.uplink(new MemoryHost()), "192.0.2.77")),
                with("exempt", "10.20.0.0/16", b -> b.uplink(new MemoryHost()).exempt("10.20.0.0/16")),
                with(
                        "udp.port-overloading",
                        "true",
                        b -> b.uplink(new MemoryHost())
                                .udp(ProtocolBehavior.udp()
                                        .withMapping(MappingBehavior.ADDRESS_AND_PORT_DEPENDENT)
                                        .withFiltering(FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT)
                                        .withPortOverloading())),
                with(
                        "mid-stream-pickup",
                        "true",
                        b -> b.uplink(new MemoryHost())
                                .tcpTracking(TcpTracking.defaults().withMidStreamPickup(true))),
                with("address", "192.0.3.10", b -> b.address("192.0.3.10")),
                with("address", "192.0.2.0", b -> b.address("192.0.2.0")),
                with("address", "192.0.2.255", b -> b.address("192.0.2.255")),
                with("router", "10.0.0.1", b -> b.router("10.0.0.1")),
                with("router", "192.0.2.10", b -> b.router("192.0.2.10")),
                with("alias", "192.0.3.1", b -> b.alias("192.0.3.1")),
                with("alias", "192.0.2.10", b -> b.alias("192.0.2.10")),
                with("alias", "192.0.2.1", b -> b.alias("192.0.2.1")),
                with("prefix", "192.0.2.8/31", b -> b.prefix("192.0.2.8/31")),
                with("prefix", "0.0.0.0/0", b -> b.prefix("0.0.0.0/0")),
                with("prefix", "2001:db8::/32", b -> b.prefix("2001:db8::/32")),
                with("capacity.flows", "0", b -> b.capacity(0)),
                with("capacity.flows", "4000001", b -> b.capacity(4_000_001)),
                with("capacity.flows-per-guest", "-1", b -> b.flowsPerGuest(-1)),
                with("capacity.flows-per-guest", "101", b -> b.capacity(100).flowsPerGuest(101)),
                with("router-mac", "01:00:5e:00:00:01", b -> b.routerMac("01:00:5e:00:00:01")),
                with("router-mac", "00:00:00:00:00:00", b -> b.routerMac(new MacAddress(0))),
                with(
                        "fragments.timeout",
                        "PT2M1S",
                        b -> b.fragments(FragmentLimits.defaults().withTimeout(Duration.ofSeconds(121)))),
                with(
                        "fragments.octets-per-guest",
                        "131071",
                        b -> b.fragments(FragmentLimits.defaults().withOctetsFromGuests(131_071, 1 << 20))),
                with(
                        "fragments.octets-per-guest",
                        "1048577",
                        b -> b.fragments(FragmentLimits.defaults().withOctetsFromGuests((1 << 20) + 1, 1 << 20))),
                with(
                        "fragments.octets-from-guests",
                        "1073741825",
                        b -> b.fragments(FragmentLimits.defaults().withOctetsFromGuests(1 << 20, (1 << 30) + 1))),
                with(
                        "fragments.octets-from-outside",
                        "0",
                        b -> b.fragments(FragmentLimits.defaults().withOctetsFromOutside(0))),
                with(
                        "timeouts.udp",
                        "PT0.5S",
                        b -> b.timeouts(Timeouts.defaults().withUdp(Duration.ofMillis(500)))),
                with(
                        "timeouts.tcp-established",
                        "PT744H",
                        b -> b.timeouts(Timeouts.defaults().withTcpEstablished(Duration.ofDays(31)))),
                with(
                        "timeouts.tcp-half-open",
                        "PT0S",
                        b -> b.timeouts(Timeouts.defaults().withTcpHalfOpen(Duration.ZERO))),
                with(
                        "timeouts.tcp-half-closed",
                        "PT0S",
                        b -> b.timeouts(Timeouts.defaults().withTcpHalfClosed(Duration.ZERO))),
                with(
                        "timeouts.tcp-transitory",
                        "PT-1S",
                        b -> b.timeouts(Timeouts.defaults().withTcpTransitory(Duration.ofSeconds(-1)))),
                with(
                        "timeouts.icmp",
                        "PT0S",
                        b -> b.timeouts(Timeouts.defaults().withIcmp(Duration.ZERO))),
                with(
                        "guest q",
                        "q",
                        b -> b.guest(guest("q", "52:54:00:00:00:01", "10.0.0.2"))
                                .guest(guest("q", "52:54:00:00:00:02", "10.0.0.3"))),
                with(
                        "guest q: mac",
                        "52:54:00:00:00:01",
                        b -> b.guest(guest("p", "52:54:00:00:00:01", "10.0.0.2"))
                                .guest(guest("q", "52:54:00:00:00:01", "10.0.0.3"))),
                with(
                        "guest q: mac",
                        "02:00:00:00:00:01",
                        b -> b.routerMac("02:00:00:00:00:01").guest(guest("q", "02:00:00:00:00:01", "10.0.0.3"))),
                with(
                        "guest q: link",
                        "x",
                        b -> b.guest(Guest.of("p", "52:54:00:00:00:01", "10.0.0.2", shared))
                                .guest(Guest.of("q", "52:54:00:00:00:02", "10.0.0.3", shared))),
                with(
                        "guest q: link",
                        "up",
                        b -> b.uplink(PacketUplink.on(up).withAddressOfItsOwn())
                                .guest(Guest.of("q", "52:54:00:00:00:02", "10.0.0.3", up))),
                with("guest q: address", "192.0.2.1", b -> b.guest(guest("q", "52:54:00:00:00:02", "192.0.2.1"))),
                with(
                        "guest q: address",
                        "192.0.2.254",
                        b -> b.alias("192.0.2.254").guest(guest("q", "52:54:00:00:00:02", "192.0.2.254"))),
                with("guest", "nobody", b -> b.forward("tcp 80 -> nobody:80")),
                with(
                        "forward",
                        "tcp 80 -> q:81",
                        b -> b.guest(guest("q", "52:54:00:00:00:02", "10.0.0.3"))
                                .forward("tcp 80 -> q:80")
                                .forward("tcp 80 -> q:81")),
                with(
                        "forward",
                        "tcp 192.0.2.11:80 -> q:80",
                        b -> b.guest(guest("q", "52:54:00:00:00:02", "10.0.0.3"))
                                .forward("tcp 192.0.2.11:80 -> q:80")),
                with(
                        "timeouts.other",
                        "PT0S",
                        b -> b.timeouts(Timeouts.defaults().withOther(Duration.ZERO))),
                with("errors-per-second", "-1", b -> b.errorsPerSecond(-1)),
                with("errors-per-second", "1000001", b -> b.errorsPerSecond(1_000_001)),
                with("echo-replies-per-second", "-1", b -> b.echoRepliesPerSecond(-1)),
                with("echo-replies-per-second", "1000001", b -> b.echoRepliesPerSecond(1_000_001)),
                with("protocols", "tcp", b -> b.protocols(IpProtocol.TCP)),
                with("protocols", "udp", b -> b.protocols(IpProtocol.UDP)),
                with("protocols", "icmp", b -> b.protocols(IpProtocol.ICMP)),
                with("protocols", "2", b -> b.protocols(new IpProtocol(2))),
                with("protocols", "51", b -> b.protocols(new IpProtocol(47), new IpProtocol(51))),
                with("one-to-one", "192.0.2.10", b -> oneToOne(b, "192.0.2.10")),
                with("one-to-one", "192.0.2.1", b -> oneToOne(b, "192.0.2.1")),
                with("one-to-one", "192.0.2.254", b -> oneToOne(b.alias("192.0.2.254"), "192.0.2.254")),
                with("one-to-one", "198.51.100.1", b -> oneToOne(b, "198.51.100.1")),
                with("one-to-one", "192.0.2.255", b -> oneToOne(b, "192.0.2.255")),
                with("one-to-one", "192.0.2.20", b -> oneToOne(oneToOne(b, "192.0.2.20"), "192.0.2.20")),
                with("one-to-one", "192.0.2.21", b -> oneToOne(b, "192.0.2.20").oneToOne("192.0.2.21", "q")),
                with(
                        "one-to-one",
                        "192.0.2.20",
                        b -> oneToOne(b.guest(guest("r", "52:54:00:00:00:03", "192.0.2.20")), "192.0.2.20")),
                with(
                        "one-to-one",
                        "192.0.2.20",
                        b -> b.guest(guest("q", "52:54:00:00:00:02", "10.0.0.3"))
                                .oneToOne(
                                        Ipv4Address.parse("192.0.2.20"),
                                        GuestId.of("q"),
                                        Ipv4Address.parse("10.0.0.4"))),
                with("guest", "nobody", b -> b.oneToOne("192.0.2.20", "nobody")),
                with("exempt", "2001:db8::/32", b -> b.exempt("2001:db8::/32")),
                with("exempt", "192.0.0.0/16", b -> b.exempt("192.0.0.0/16")),
                with("guest", "nobody", b -> b.rules(FilterChain.parse("drop from guest nobody to any"))));
    }

    @ParameterizedTest(name = "{0} = {1}")
    @MethodSource("mistakes")
    void a_mistake_is_refused_with_setting_value_and_cure(String setting, String value, Runnable attempt) {
        Throwable thrown = catchThrowable(attempt::run);
        assertThat(thrown).isInstanceOfSatisfying(ConfigurationException.class, e -> {
            assertThat(e.setting()).contains(setting);
            assertThat(e.value().orElse("")).isEqualTo(value);
            assertThat(e.cure().orElse("")).isNotBlank();
            assertThat(e.problem()).isNotBlank();
            assertThat(e.getMessage())
                    .contains(setting, value, e.problem(), e.cure().orElse("?"));
        });
    }

    @Test
    void the_settings_that_the_mistakes_differ_from_are_good() {
        assertThat(PortRange.parse("61000-65535")).isEqualTo(PacketUplink.DEFAULT_PORTS);
        try (NatGateway gateway = good().guest(guest("q", "52:54:00:00:00:02", "10.0.0.3"))
                .alias("192.0.2.254")
                .build()) {
            assertThat(gateway.stats().capacity()).isEqualTo(5000);
        }
    }

    /** An uplink of a kind that is not driven yet: it says its kind, and nothing else is asked of it. */
}
