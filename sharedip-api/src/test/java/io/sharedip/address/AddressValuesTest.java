package io.sharedip.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressValuesTest {

    @Test
    void ipv4_bits_are_in_network_order() {
        assertThat(Ipv4Address.of(192, 0, 2, 10).bits()).isEqualTo(0xc000020a);
        assertThat(Ipv4Address.ofBits(0xc000020a)).isEqualTo(Ipv4Address.parse("192.0.2.10"));
        assertThat(Ipv4Address.of(192, 0, 2, 10).toByteArray()).containsExactly(192, 0, 2, 10);
    }

    @Test
    void ipv4_parts_out_of_range_are_refused() {
        assertThatThrownBy(() -> Ipv4Address.of(1, 2, 3, 256)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> Ipv4Address.of(-1, 2, 3, 4)).isInstanceOf(ConfigurationException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "9.255.255.255,   false", "10.0.0.0,    true", "10.255.255.255,  true", "11.0.0.0,    false",
        "172.15.255.255,  false", "172.16.0.0,  true", "172.31.255.255,  true", "172.32.0.0,  false",
        "192.167.255.255, false", "192.168.0.0, true", "192.168.255.255, true", "192.169.0.0, false",
    })
    void private_means_rfc_1918(String text, boolean expected) {
        assertThat(Ipv4Address.parse(text).isPrivate()).isEqualTo(expected);
    }

    @Test
    void special_ipv4_ranges_begin_and_end_where_they_should() {
        assertThat(Ipv4Address.parse("169.254.0.0").isLinkLocal()).isTrue();
        assertThat(Ipv4Address.parse("169.255.0.0").isLinkLocal()).isFalse();
        assertThat(Ipv4Address.parse("223.255.255.255").isMulticast()).isFalse();
        assertThat(Ipv4Address.parse("224.0.0.0").isMulticast()).isTrue();
        assertThat(Ipv4Address.parse("239.255.255.255").isMulticast()).isTrue();
        assertThat(Ipv4Address.parse("239.255.255.255").isReserved()).isFalse();
        assertThat(Ipv4Address.parse("240.0.0.0").isReserved()).isTrue();
        assertThat(Ipv4Address.BROADCAST.isReserved()).isTrue();
        assertThat(Ipv4Address.BROADCAST.isBroadcast()).isTrue();
        assertThat(Ipv4Address.parse("255.255.255.254").isBroadcast()).isFalse();
        assertThat(Ipv4Address.parse("127.255.0.1").isLoopback()).isTrue();
        assertThat(Ipv4Address.parse("0.0.0.1").isUnspecified()).isFalse();
    }

    @Test
    void special_ipv6_ranges_begin_and_end_where_they_should() {
        assertThat(Ipv6Address.parse("fe80::1").isLinkLocal()).isTrue();
        assertThat(Ipv6Address.parse("febf::1").isLinkLocal()).isTrue();
        assertThat(Ipv6Address.parse("fec0::1").isLinkLocal()).isFalse();
        assertThat(Ipv6Address.parse("fbff::1").isUniqueLocal()).isFalse();
        assertThat(Ipv6Address.parse("fc00::1").isUniqueLocal()).isTrue();
        assertThat(Ipv6Address.parse("fdff::1").isUniqueLocal()).isTrue();
        assertThat(Ipv6Address.parse("fe00::1").isUniqueLocal()).isFalse();
        assertThat(Ipv6Address.parse("ff02::1").isMulticast()).isTrue();
    }

    @Test
    void addresses_are_ordered_as_unsigned_numbers() {
        assertThat(List.of(
                        Ipv4Address.parse("0.0.0.0"),
                        Ipv4Address.parse("9.0.0.0"),
                        Ipv4Address.parse("127.255.255.255"),
                        Ipv4Address.parse("128.0.0.0"),
                        Ipv4Address.BROADCAST))
                .isSorted();
        assertThat(List.of(
                        Ipv6Address.parse("::"),
                        Ipv6Address.parse("::7fff:0:0:0"),
                        Ipv6Address.parse("::8000:0:0:0"),
                        Ipv6Address.parse("7fff::"),
                        Ipv6Address.parse("8000::")))
                .isSorted();
    }

    @Test
    void a_prefix_contains_exactly_the_addresses_that_begin_with_its_bits() {
        RandomValues values = new RandomValues(201);
        int inside = 0;
        for (int i = 0; i < 20_000; i++) {
            IpPrefix prefix = values.prefix();
            IpAddress address = values.oneIn(2) ? values.ip() : near(prefix.network(), values);
            boolean expected = address.bitLength() == prefix.network().bitLength()
                    && binary(address).startsWith(binary(prefix.network()).substring(0, prefix.length()));
            assertThat(prefix.contains(address)).as("%s in %s", address, prefix).isEqualTo(expected);
            inside += expected ? 1 : 0;
            IpPrefix other = values.prefixOf(address);
            assertThat(prefix.contains(other))
                    .as("%s in %s", other, prefix)
                    .isEqualTo(prefix.contains(other.network()) && prefix.contains(other.lastAddress()));
        }
        assertThat(inside).as("the cases must hit both outcomes").isBetween(2_000, 18_000);
    }

    private static IpAddress near(IpAddress address, RandomValues values) {
        int bit = values.random.nextInt(64);
        if (address instanceof Ipv4Address v4) {
            return new Ipv4Address(v4.bits() ^ 1 << bit % 32);
        }
        Ipv6Address v6 = (Ipv6Address) address;
        return values.oneIn(2)
                ? new Ipv6Address(v6.high() ^ 1L << bit, v6.low())
                : new Ipv6Address(v6.high(), v6.low() ^ 1L << bit);
    }

    private static String binary(IpAddress address) {
        StringBuilder s = new StringBuilder();
        for (byte b : address.toByteArray()) {
            for (int bit = 7; bit >= 0; bit--) {
                s.append(b >>> bit & 1);
            }
        }
        return s.toString();
    }

    @Test
    void the_mask_selects_the_network_bits() {
        RandomValues values = new RandomValues(202);
        for (int i = 0; i < 5_000; i++) {
            IpPrefix prefix = values.ipv4Prefix();
            Ipv4Address address = values.ipv4();
            int network = ((Ipv4Address) prefix.network()).bits();
            assertThat((address.bits() & prefix.mask()) == network).isEqualTo(prefix.contains(address));
        }
        assertThat(IpPrefix.parse("192.0.2.0/24").mask()).isEqualTo(0xffffff00);
        assertThat(IpPrefix.ANY_IPV4.mask()).isZero();
        assertThat(IpPrefix.parse("192.0.2.1").mask()).isEqualTo(-1);
        assertThatThrownBy(() -> IpPrefix.parse("::/0").mask()).isInstanceOf(ConfigurationException.class);
    }

    @Test
    void the_last_address_of_a_segment_is_its_directed_broadcast() {
        assertThat(IpPrefix.parse("192.0.2.0/24").lastAddress()).hasToString("192.0.2.255");
        assertThat(IpPrefix.ANY_IPV4.lastAddress()).isEqualTo(Ipv4Address.BROADCAST);
        assertThat(IpPrefix.parse("2001:db8::/63").lastAddress()).hasToString("2001:db8:0:1:ffff:ffff:ffff:ffff");
        assertThat(IpPrefix.parse("::1").lastAddress()).hasToString("::1");
        assertThat(IpPrefix.ANY_IPV6.contains(Ipv6Address.parse("ffff::"))).isTrue();
        assertThat(IpPrefix.ANY_IPV6.contains(Ipv4Address.BROADCAST)).isFalse();
    }

    @Test
    void a_prefix_with_host_bits_is_refused_with_the_right_one() {
        assertThatThrownBy(() -> new IpPrefix(Ipv4Address.parse("192.0.2.77"), 26))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("192.0.2.64/26");
        assertThatThrownBy(() -> new IpPrefix(Ipv6Address.parse("2001:db8::1"), 64))
                .hasMessageContaining("2001:db8::/64");
        assertThatThrownBy(() -> new IpPrefix(Ipv4Address.UNSPECIFIED, 33)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> new IpPrefix(Ipv4Address.UNSPECIFIED, -1)).isInstanceOf(ConfigurationException.class);
    }

    @Test
    void mac_addresses_know_their_kind() {
        assertThat(MacAddress.BROADCAST.isBroadcast()).isTrue();
        assertThat(MacAddress.BROADCAST.isMulticast()).isTrue();
        assertThat(MacAddress.parse("01:00:5e:00:00:01").isMulticast()).isTrue();
        assertThat(MacAddress.parse("01:00:5e:00:00:01").isLocallyAdministered())
                .isFalse();
        assertThat(MacAddress.parse("52:54:00:00:00:01").isMulticast()).isFalse();
        assertThat(MacAddress.parse("52:54:00:00:00:01").isLocallyAdministered())
                .isTrue();
        assertThat(MacAddress.parse("00:00:00:00:00:00").isZero()).isTrue();
        assertThat(MacAddress.parse("52:54:00:00:00:01").bits()).isEqualTo(0x525400000001L);
        assertThatThrownBy(() -> new MacAddress(1L << 48)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> new MacAddress(-1)).isInstanceOf(ConfigurationException.class);
    }

    @Test
    void port_ranges_contain_and_overlap_like_sets_of_ports() {
        RandomValues values = new RandomValues(203);
        for (int i = 0; i < 300; i++) {
            PortRange a = small(values);
            PortRange b = small(values);
            int common = 0;
            int size = 0;
            for (int port = 0; port <= 40; port++) {
                common += a.contains(port) && b.contains(port) ? 1 : 0;
                size += a.contains(port) ? 1 : 0;
            }
            assertThat(a.overlaps(b)).isEqualTo(common > 0).isEqualTo(b.overlaps(a));
            assertThat(a.size()).isEqualTo(size);
            assertThat(a.isSingle()).isEqualTo(size == 1);
        }
    }

    private static PortRange small(RandomValues values) {
        int first = 1 + values.random.nextInt(20);
        return PortRange.of(first, first + values.random.nextInt(20));
    }

    @Test
    void ports_out_of_range_are_refused() {
        assertThatThrownBy(() -> PortRange.of(0)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> PortRange.of(65536)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> PortRange.of(2, 1)).hasMessageContaining("ends before it begins");
        assertThatThrownBy(() -> new Endpoint(Ipv4Address.UNSPECIFIED, -1)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> new Endpoint(Ipv6Address.UNSPECIFIED, 65536)).hasMessageContaining("'[::]:65536'");
    }

    @Test
    void port_ranges_are_ordered_by_first_then_last() {
        assertThat(List.of(PortRange.of(1), PortRange.of(1, 5), PortRange.of(2), PortRange.of(2, 3)))
                .isSorted();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 256})
    void protocol_numbers_out_of_range_are_refused(int number) {
        assertThatThrownBy(() -> new IpProtocol(number)).isInstanceOf(ConfigurationException.class);
    }

    @Test
    void only_tcp_and_udp_have_ports() {
        for (int number = 0; number <= 255; number++) {
            assertThat(new IpProtocol(number).hasPorts()).isEqualTo(number == 6 || number == 17);
        }
    }

    @Test
    void an_endpoint_becomes_a_socket_address_without_a_lookup() {
        InetSocketAddress socket = Endpoint.parse("192.0.2.10:443").toSocketAddress();
        assertThat(socket.isUnresolved()).isFalse();
        assertThat(socket.getPort()).isEqualTo(443);
        assertThat(socket.getAddress().getHostAddress()).isEqualTo("192.0.2.10");
    }
}
