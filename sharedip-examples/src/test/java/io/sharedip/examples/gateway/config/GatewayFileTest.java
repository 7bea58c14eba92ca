package io.sharedip.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sharedip.GuestId;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.dns.DnsSettings;
import io.sharedip.dns.DnsView;
import io.sharedip.dns.DomainName;
import io.sharedip.examples.gateway.config.GatewayFile.AddressPlan;
import io.sharedip.examples.gateway.config.GatewayFile.Capacity;
import io.sharedip.examples.gateway.config.GatewayFile.Claims;
import io.sharedip.examples.gateway.config.GatewayFile.GuestSettings;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings.Greeting;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings.Wire;
import io.sharedip.examples.gateway.config.GatewayFile.NatSettings;
import io.sharedip.examples.gateway.config.GatewayFile.OneToOne;
import io.sharedip.examples.gateway.config.GatewayFile.TimeoutKey;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings.Card;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings.Sockets;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.FilteringBehavior;
import io.sharedip.nat.FragmentLimits;
import io.sharedip.nat.MappingBehavior;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.TcpTracking;
import io.sharedip.netty.SocketTransport;
import io.sharedip.packet.ChecksumState;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GatewayFileTest {

    private static final String LEAST = """
            address: 192.0.2.10
            prefix: 192.0.2.0/24
            router: 192.0.2.1
            uplink: { pcap: up0 }
            guests:
              - { name: web, mac: 52:54:00:00:00:01, address: 10.0.0.2, link: { pcap: vm1 } }
            """;

    @TempDir
    Path directory;

    @Test
    void the_uplink_is_the_hosts_sockets_unless_one_is_named() throws Exception {
        String silent = """
                address: 192.0.2.10
                prefix: 192.0.2.0/24
                router: 192.0.2.1
                guests:
                  - { name: db, mac: "52:54:00:00:00:02", address: 192.0.2.10, link: { qemu-stream: "unix:/run/db.sock", mtu: 9000 } }
                """;
        GatewayFile file = GatewayFile.parse(silent, "silent");
        assertThat(file.uplink()).isEqualTo(new Sockets(SocketTransport.AUTO, true));
        assertThat(file.guests().get(0).link())
                .isEqualTo(new LinkSettings.QemuStream("unix:/run/db.sock", new Wire(9000, ChecksumState.COMPLETE)));

        String chosen = silent + "uplink: { sockets: { transport: nio, show-clients: false } }\n";
        assertThat(GatewayFile.parse(chosen, "chosen").uplink()).isEqualTo(new Sockets(SocketTransport.NIO, false));
    }

    @Test
    void over_sockets_prefix_and_router_follow_from_the_address() throws Exception {
        String least = """
                address: ADDRESS
                guests:
                  - { name: db, mac: "52:54:00:00:00:02", address: 10.0.0.2, link: { qemu-stream: "unix:/run/db.sock" } }
                """;
        GatewayFile file = GatewayFile.parse(least.replace("ADDRESS", "198.51.100.77"), "least");
        assertThat(file.prefix()).isEqualTo(IpPrefix.parse("198.51.100.0/24"));
        assertThat(file.router()).isEqualTo(Ipv4Address.parse("198.51.100.1"));

        GatewayFile first = GatewayFile.parse(least.replace("ADDRESS", "198.51.100.1"), "first");
        assertThat(first.router()).isEqualTo(Ipv4Address.parse("198.51.100.2"));

        GatewayFile named = GatewayFile.parse(
                least.replace("ADDRESS", "198.51.100.77\nprefix: 198.51.0.0/16\nrouter: 198.51.100.9"), "named");
        assertThat(named.prefix()).isEqualTo(IpPrefix.parse("198.51.0.0/16"));
        assertThat(named.router()).isEqualTo(Ipv4Address.parse("198.51.100.9"));
    }

    @Test
    void over_sockets_a_forward_may_listen_on_any_address_of_the_host() throws Exception {
        GatewayFile file = GatewayFile.parse("""
                address: 192.0.2.10
                guests:
                  - { name: db, mac: "52:54:00:00:00:02", address: 10.0.0.2, link: { qemu-stream: "unix:/run/db.sock" } }
                forwards: [ "tcp 127.0.0.1:5432 -> db" ]
                """, "local");
        assertThat(file.forwards()).containsExactly(PortForward.parse("tcp 127.0.0.1:5432 -> db"));
    }

    @ParameterizedTest
    @CsvSource({"auto, AUTO", "nio, NIO", "epoll, EPOLL", "io_uring, IO_URING"})
    void transports_have_the_names_that_linux_gives_them(String name, SocketTransport transport) throws Exception {
        GatewayFile file = GatewayFile.parse("""
                address: 192.0.2.10
                uplink: { sockets: { transport: NAME } }
                guests:
                  - { name: db, mac: "52:54:00:00:00:02", address: 10.0.0.2, link: { qemu-stream: "unix:/run/db.sock" } }
                """.replace("NAME", name), "transport");
        assertThat(file.uplink()).isEqualTo(new Sockets(transport, true));
    }

    @Test
    void a_guest_may_be_plugged_in_in_many_ways() throws Exception {
        Wire wire = new Wire(1500, ChecksumState.COMPLETE);
        assertThat(link("qemu-stream: \"connect tcp:127.0.0.1:5000\", checksums: recompute"))
                .isEqualTo(new LinkSettings.QemuStream(
                        "connect tcp:127.0.0.1:5000", new Wire(1500, ChecksumState.RECOMPUTE)));
        assertThat(link("udp: \"127.0.0.1:5001->127.0.0.1:5002\""))
                .isEqualTo(new LinkSettings.Udp("127.0.0.1:5001->127.0.0.1:5002", wire));
        assertThat(link("unix-datagram: /run/gw.sock, mtu: 65520"))
                .isEqualTo(new LinkSettings.UnixDatagram("/run/gw.sock", new Wire(65520, ChecksumState.COMPLETE)));
        assertThat(link("stdio: hyperkit")).isEqualTo(new LinkSettings.Stdio(Greeting.HYPERKIT, wire));
    }

    private static LinkSettings link(String text) throws Exception {
        return GatewayFile.parse("""
                        address: 192.0.2.10
                        prefix: 192.0.2.0/24
                        router: 192.0.2.1
                        guests:
                          - { name: db, mac: "52:54:00:00:00:02", address: 192.0.2.10, link: { LINK } }
                        """.replace("LINK", text), "link")
                .guests()
                .get(0)
                .link();
    }

    @Test
    void everyKeyIsRead() throws Exception {
        Path path = Path.of(GatewayFileTest.class
                .getResource("/io/sharedip/examples/gateway/every-key.yaml")
                .toURI());
        GatewayFile file = GatewayFile.read(path);

        assertThat(file.address()).isEqualTo(Ipv4Address.parse("192.0.2.10"));
        assertThat(file.prefix()).isEqualTo(IpPrefix.parse("192.0.2.0/24"));
        assertThat(file.router()).isEqualTo(Ipv4Address.parse("192.0.2.1"));
        assertThat(file.alias()).contains(Ipv4Address.parse("192.0.2.254"));
        assertThat(file.control()).contains(Path.of("/run/gw/control.sock"));
        assertThat(file.uplink()).isEqualTo(new Card("up0", Claims.SOCKETS, false, PortRange.of(61000, 65535)));
        assertThat(file.capacity()).isEqualTo(new Capacity(5000, OptionalInt.of(2000)));
        assertThat(file.routerMac()).contains(MacAddress.parse("02:00:5e:00:00:01"));
        assertThat(file.guests())
                .containsExactly(
                        new GuestSettings(
                                GuestId.of("web"),
                                MacAddress.parse("52:54:00:00:00:01"),
                                Ipv4Address.parse("192.0.2.10"),
                                new LinkSettings.Pcap("vm1")),
                        new GuestSettings(
                                GuestId.of("db"),
                                MacAddress.parse("52:54:00:00:00:02"),
                                Ipv4Address.parse("192.0.2.10"),
                                new LinkSettings.QemuStream(
                                        "unix:/run/db.sock", new Wire(1500, ChecksumState.COMPLETE))));
        assertThat(file.forwards())
                .containsExactly(
                        PortForward.parse("tcp 8080 -> web:80"), PortForward.parse("udp 5000-5009 -> db:5000-5009"));
        assertThat(file.rules())
                .isEqualTo(FilterChain.parse("drop tcp from guest db to any port 25\n"
                        + "accept tcp from 198.51.100.0/24 to guest web port 80"));
        assertThat(file.timeouts())
                .containsEntry(TimeoutKey.TCP_HALF_OPEN, Duration.ofSeconds(120))
                .containsEntry(TimeoutKey.TCP_ESTABLISHED, Duration.ofMinutes(124))
                .containsEntry(TimeoutKey.TCP_TRANSITORY, Duration.ofSeconds(240))
                .containsEntry(TimeoutKey.UDP, Duration.ofSeconds(300))
                .containsEntry(TimeoutKey.ICMP, Duration.ofSeconds(60))
                .hasSize(5);
    }

    @Test
    void whatIsLeftOutHasDefaults() throws Exception {
        GatewayFile file = GatewayFile.parse(LEAST, "least");

        assertThat(file.alias()).isEmpty();
        assertThat(file.control()).isEmpty();
        assertThat(file.routerMac()).isEmpty();
        assertThat(file.uplink()).isEqualTo(new Card("up0", Claims.SOCKETS, false, PortRange.of(61000, 65535)));
        assertThat(file.capacity()).isEqualTo(new Capacity(5000, OptionalInt.empty()));
        assertThat(file.forwards()).isEmpty();
        assertThat(file.rules()).isEqualTo(FilterChain.acceptAll());
        assertThat(file.nat())
                .isEqualTo(new NatSettings(
                        ProtocolBehavior.tcp(),
                        ProtocolBehavior.udp(),
                        false,
                        TcpTracking.defaults(),
                        FragmentLimits.defaults(),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        new AddressPlan(List.of(), List.of(), List.of())));
        assertThat(file.timeouts()).isEmpty();
        assertThat(file.dhcp()).isEmpty();
        assertThat(file.dns()).isEmpty();
    }

    @Test
    void dhcp_is_on_when_it_is_named_and_says_what_is_set() throws BadConfigurationException {
        assertThat(GatewayFile.parse(LEAST + "dhcp: {}\n", "dhcp").dhcp()).contains(DhcpSettings.defaults());
        String all = LEAST + """
                dhcp:
                  lease-time: 10m
                  dns-servers: [198.51.100.53, 192.0.2.254]
                  mtu: 9000
                  domain: guests.internal
                  search-domains: [guests.internal, example.org]
                  networks: [10.0.0.0/24 -> 10.0.0.1]
                  rapid-commit: false
                  messages-per-second: 5
                """;
        assertThat(GatewayFile.parse(all, "dhcp").dhcp())
                .contains(new DhcpSettings(
                        Duration.ofMinutes(10),
                        List.of(Ipv4Address.parse("198.51.100.53"), Ipv4Address.parse("192.0.2.254")),
                        9000,
                        Optional.of(DomainName.parse("guests.internal")),
                        List.of(DomainName.parse("guests.internal"), DomainName.parse("example.org")),
                        List.of(new DhcpSettings.Network(IpPrefix.parse("10.0.0.0/24"), Ipv4Address.parse("10.0.0.1"))),
                        false,
                        5));
    }

    @Test
    void dns_is_on_when_it_is_named_and_says_what_is_set() throws BadConfigurationException {
        assertThat(GatewayFile.parse(LEAST + "dns: {}\n", "dns").dns()).isPresent();
        String guest = GatewayFile.parse(LEAST, "dns").guests().get(0).id().name();
        String all = LEAST + """
                dns:
                  domain: guests.internal
                  answers: [intra.example A 192.0.2.5]
                  blocked: ["*.ads.example"]
                  routes: [. -> 198.51.100.53]
                  views:
                    - { guest: GUEST, blocked: [social.example] }
                  queries-per-second: 50
                  min-ttl: 5s
                  max-ttl: 1h
                  cache: { entries: 100, octets: 65536 }
                  timeout: 3s
                  resolv-conf: /run/resolv.conf
                """.replace("GUEST", guest);
        DnsSettings dns = GatewayFile.parse(all, "dns").dns().orElseThrow();
        assertThat(dns.domain()).contains(DomainName.parse("guests.internal"));
        assertThat(dns.common())
                .isEqualTo(DnsView.EMPTY
                        .withAnswers("intra.example A 192.0.2.5")
                        .withBlocked("*.ads.example")
                        .withRoutes(". -> 198.51.100.53"));
        assertThat(dns.views())
                .containsExactly(Map.entry(GuestId.of(guest), DnsView.EMPTY.withBlocked("social.example")));
        assertThat(List.of(dns.queriesPerSecond(), dns.cacheEntries(), dns.cacheOctets()))
                .containsExactly(50, 100, 65_536);
        assertThat(List.of(dns.minTtl(), dns.maxTtl(), dns.timeout()))
                .containsExactly(Duration.ofSeconds(5), Duration.ofHours(1), Duration.ofSeconds(3));
        assertThat(dns.resolvConf()).isEqualTo(Path.of("/run/resolv.conf"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "answers: [a MX b] | has an unknown type",
                "routes: [corp.example] | lacks '->' and servers",
                "views: [{ guest: nobody }] | nobody",
                "views: [{ blocked: [a] }] | guest",
                "min-ttl: 1h, max-ttl: 1s | dns.max-ttl"
            })
    void a_mistake_in_dns_is_told(String setting, String message) {
        assertThatThrownBy(() -> GatewayFile.parse(LEAST + "dns: { " + setting + " }\n", "dns"))
                .isInstanceOf(BadConfigurationException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lease-time: 9s | dhcp.lease-time",
                "mtu: 500 | dhcp.mtu",
                "networks: [10.0.0.0/24] | lacks '->' and a router",
                "networks: [10.0.0.0/24 -> 10.0.1.1] | is no machine of",
                "networks: [10.0.0.0/24 -> 10.0.0.1, 10.0.0.0/24 -> 10.0.0.2] | is named twice",
                "domain: a..b | has an empty label"
            })
    void a_mistake_in_dhcp_is_told(String setting, String message) {
        assertThatThrownBy(() -> GatewayFile.parse(LEAST + "dhcp: { " + setting + " }\n", "dhcp"))
                .isInstanceOf(BadConfigurationException.class)
                .hasMessageContaining(message);
    }

    @Test
    void everySettingOfTheTranslationIsRead() throws Exception {
        GatewayFile file = GatewayFile.parse(LEAST + """
                nat:
                  tcp:
                    mapping: address-and-port-dependent
                    filtering: address-and-port-dependent
                    port-overloading: true
                    port-reuse-delay: 1h
                    ports-per-guest: 65535
                  udp:
                    mapping: address-dependent
                    filtering: endpoint-independent
                    port-reuse-delay: 0s
                    inbound-refresh: true
                  tcp-tracking: { window-checks: false, mid-stream-pickup: true, mss-clamp: link, answer-unsolicited-syn: true }
                  fragments:
                    timeout: 2m
                    octets-per-guest: 131072
                    octets-from-guests: 1073741824
                    octets-from-outside: 262144
                  errors-per-second: 0
                  echo-replies-per-second: 7
                  protocols: [gre, 50, sctp]
                  one-to-one: [192.0.2.20->web]
                  exempt: [10.20.0.0/16, 10.30.0.0/16]
                """, "nat");

        assertThat(file.nat())
                .isEqualTo(new NatSettings(
                        new ProtocolBehavior(
                                MappingBehavior.ADDRESS_AND_PORT_DEPENDENT,
                                FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT,
                                true,
                                Duration.ofHours(1),
                                65535),
                        new ProtocolBehavior(
                                MappingBehavior.ADDRESS_DEPENDENT,
                                FilteringBehavior.ENDPOINT_INDEPENDENT,
                                false,
                                Duration.ZERO,
                                0),
                        true,
                        new TcpTracking(false, true, TcpTracking.MSS_OF_LINK, true),
                        new FragmentLimits(Duration.ofMinutes(2), 131072, 1 << 30, 262144),
                        OptionalInt.of(0),
                        OptionalInt.of(7),
                        new AddressPlan(
                                List.of(new IpProtocol(47), new IpProtocol(50), new IpProtocol(132)),
                                List.of(new OneToOne(Ipv4Address.parse("192.0.2.20"), GuestId.of("web"))),
                                List.of(IpPrefix.parse("10.20.0.0/16"), IpPrefix.parse("10.30.0.0/16")))));
    }

    @ParameterizedTest
    @CsvSource({"none, 0", "link, -1", "88, 88", "1360, 1360", "65495, 65495"})
    void theMaximumSegmentSizeIsAWordOrANumber(String text, int clamp) throws Exception {
        String nat = LEAST + "nat: { tcp-tracking: { mss-clamp: " + text + " } }\n";
        assertThat(GatewayFile.parse(nat, "nat").nat().tcpTracking().mssClamp()).isEqualTo(clamp);
    }

    @Test
    void partsOfTheTranslationThatAreLeftOutHaveTheDefaultsOfTheirProtocol() throws Exception {
        NatSettings nat = GatewayFile.parse(
                        LEAST + "nat: { tcp: { ports-per-guest: 7 }, udp: { ports-per-guest: 8 } }\n", "nat")
                .nat();
        assertThat(nat.tcp()).isEqualTo(ProtocolBehavior.tcp().withPortsPerGuest(7));
        assertThat(nat.udp()).isEqualTo(ProtocolBehavior.udp().withPortsPerGuest(8));
    }

    @Test
    void anAddressOfItsOwnNeedsNoClaims() throws Exception {
        String own = LEAST.replace("pcap: up0", "pcap: up0, address-is-own: true");
        assertThat(((Card) GatewayFile.parse(own, "own").uplink()).claims()).isEqualTo(Claims.NONE);
        String said = own.replace("true", "true, claims: none");
        assertThat(((Card) GatewayFile.parse(said, "own").uplink()).claims()).isEqualTo(Claims.NONE);
    }

    @Test
    void aListWhoseItemsAreAllCommentedOutIsEmpty() throws Exception {
        String text = LEAST + "forwards:\n#  - tcp 80 -> web\nrules:\n  default: drop\n  chain:\n";
        assertThat(GatewayFile.parse(text, "empty").forwards()).isEmpty();
    }

    @Test
    void aByteOrderMarkIsPassedOver() throws Exception {
        assertThat(GatewayFile.parse(LEAST, "x"))
                .isEqualTo(GatewayFile.read(Files.writeString(directory.resolve("bom.yaml"), "\ufeff" + LEAST)));
    }

    @Test
    void aFileThatCannotBeReadIsAMistakeToo() throws Exception {
        Path missing = directory.resolve("missing.yaml");
        assertThat(problem(missing))
                .isEqualTo(missing + ":1:1: file: does not exist; check the name, or write the file");
        assertThat(problem(directory)).contains("file: is a directory");
        Path large = Files.write(directory.resolve("large.yaml"), new byte[YamlFile.MOST_OCTETS + 1]);
        assertThat(problem(large)).contains("file: is larger than 1048576 octets");
        byte[] latin1 = "address: 1\nalias: caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1);
        Path notUtf8 = Files.write(directory.resolve("latin1.yaml"), latin1);
        assertThat(problem(notUtf8)).startsWith(notUtf8 + ":2:11: file: has an octet here that is not UTF-8 text");
    }

    private static String problem(Path path) {
        return assertThrows(BadConfigurationException.class, () -> GatewayFile.read(path))
                .problems()
                .get(0)
                .toString();
    }

    @Test
    void rulesAreReadFromALineEach() throws Exception {
        Path good =
                Files.writeString(directory.resolve("good.rules"), "# none\ndefault drop\naccept from any to host\n");
        assertThat(FilterChain.parse(RulesFile.read(good)).rules()).hasSize(1);

        Path bad = Files.writeString(
                directory.resolve("bad.rules"), "accept frm any to host\n\n  drop tcp from any to any port 0\n");
        assertThat(assertThrows(BadConfigurationException.class, () -> RulesFile.read(bad))
                        .problems())
                .extracting(p -> p.line() + ":" + p.column() + ":" + p.key())
                .containsExactly("1:8:rule", "3:33:rule");

        Path doubled = Files.writeString(directory.resolve("doubled.rules"), "default drop\ndefault accept\n");
        assertThat(assertThrows(BadConfigurationException.class, () -> RulesFile.read(doubled))
                        .problems())
                .extracting(p -> p.line() + ":" + p.column() + ":" + p.key())
                .containsExactly("2:1:rule");
    }
}
