package io.sharedip.address;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AddressTextTest {

    private static final int RUNS = 5_000;

    private static Function<String, ?> parser(String type) {
        return switch (type) {
            case "ip" -> IpAddress::parse;
            case "v4" -> Ipv4Address::parse;
            case "v6" -> Ipv6Address::parse;
            case "prefix" -> IpPrefix::parse;
            case "mac" -> MacAddress::parse;
            case "endpoint" -> Endpoint::parse;
            case "ports" -> PortRange::parse;
            case "protocol" -> IpProtocol::parse;
            default -> throw new IllegalArgumentException(type);
        };
    }

    @ParameterizedTest
    @CsvSource({
        "ip, 192.0.2.10, 192.0.2.10",
        "ip, 0.0.0.0, 0.0.0.0",
        "ip, 255.255.255.255, 255.255.255.255",
        "ip, ::ffff:192.0.2.1, ::ffff:192.0.2.1",
        "v6, 2001:db8:0:0:0:0:0:10, 2001:db8::10",
        "v6, 2001:DB8::A, 2001:db8::a",
        "v6, 2001:0db8:0000:0000:0001:0000:0000:0001, 2001:db8::1:0:0:1",
        "v6, 2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
        "v6, 2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
        "v6, 2001:db8::1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
        "v6, ::, ::",
        "v6, ::1, ::1",
        "v6, 1::, 1::",
        "v6, 0:0:0:0:0:0:0:0, ::",
        "v6, 1:2:3:4:5:6:7:8, 1:2:3:4:5:6:7:8",
        "v6, ::2:3:4:5:6:7:8, 0:2:3:4:5:6:7:8",
        "v6, 1:2:3:4:5:6:7::, 1:2:3:4:5:6:7:0",
        "v6, ::192.0.2.1, ::c000:201",
        "v6, 64:ff9b::192.0.2.33, 64:ff9b::c000:221",
        "v6, 1:2:3:4:5:6:192.0.2.1, 1:2:3:4:5:6:c000:201",
        "v6, 0:0:0:0:0:ffff:c000:0201, ::ffff:192.0.2.1",
        "prefix, 192.0.2.0/24, 192.0.2.0/24",
        "prefix, 192.0.2.10, 192.0.2.10",
        "prefix, 192.0.2.10/32, 192.0.2.10",
        "prefix, 0.0.0.0/0, 0.0.0.0/0",
        "prefix, 2001:db8::/32, 2001:db8::/32",
        "prefix, ::1/128, ::1",
        "mac, 52:54:00:00:00:01, 52:54:00:00:00:01",
        "mac, 52-54-00-AB-cd-01, 52:54:00:ab:cd:01",
        "mac, FF:FF:FF:FF:FF:FF, ff:ff:ff:ff:ff:ff",
        "endpoint, 192.0.2.10:40001, 192.0.2.10:40001",
        "endpoint, 192.0.2.10:0, 192.0.2.10:0",
        "endpoint, [2001:db8::10]:443, [2001:db8::10]:443",
        "ports, 80, 80",
        "ports, 1-65535, 1-65535",
        "ports, 80-80, 80",
        "protocol, tcp, tcp",
        "protocol, 6, tcp",
        "protocol, 17, udp",
        "protocol, 1, icmp",
        "protocol, 0, 0",
        "protocol, 255, 255",
        "protocol, 47, 47",
    })
    void reads_what_is_of_the_form_and_writes_it_in_one_way(String type, String text, String canonical) {
        TextForms.reads(parser(type), text, canonical);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "ip | \"\" | 0 | lacks a number",
                "ip | web | 0 | has 'w' where a digit",
                "ip | 192.0.2.10:80 | 10 | has ':' where a digit",
                "ip | fe80::1%eth0 | 7 | leave the zone",
                "v4 | 192.0.2 | 7 | has only 3 of the four numbers",
                "v4 | 10 | 2 | has only 1 of the four numbers",
                "v4 | 192.0.2.256 | 8 | a number out of range, 256",
                "v4 | 1.2.3.99999999999 | 6 | out of range",
                "v4 | 010.0.0.1 | 0 | leading zero",
                "v4 | 10.0.00.1 | 5 | leading zero",
                "v4 | 1.2.3.4.5 | 7 | has '.'",
                "v4 | 1..3.4 | 2 | lacks a number",
                "v4 | 1.2.3. | 6 | lacks a number",
                "v4 | 1.2.3.-4 | 6 | has '-'",
                "v4 | 1.2.3.4/24 | 7 | has '/'",
                "v4 | 0x7f.0.0.1 | 1 | has 'x'",
                "v4 | 1.2.3.٤ | 6 | where a digit",
                "v6 | \"\" | 0 | has only 0 of the eight groups",
                "v6 | 1:2:3 | 5 | has only 3 of the eight groups",
                "v6 | :1::2 | 0 | has ':' where it cannot stand",
                "v6 | ::: | 2 | has ':' where it cannot stand",
                "v6 | 1::2::3 | 4 | has '::' twice",
                "v6 | 1:::2 | 3 | has ':' where it cannot stand",
                "v6 | 1:2:3:4:5:6:7: | 13 | ends with a single ':'",
                "v6 | 1:2:3:4:5:6:7:8:9 | 16 | more than eight groups",
                "v6 | 1:2:3:4:5:6:7:1.2.3.4 | 14 | more than eight groups",
                "v6 | 1:2:3:4::5:6:7:8 | 7 | stands for no group",
                "v6 | 12345:: | 4 | more than four digits",
                "v6 | g:: | 0 | has 'g'",
                "v6 | ::1.2.3 | 7 | has only 3 of the four numbers",
                "v6 | ::1.2.3.400 | 8 | out of range",
                "v6 | 1::1.2.3.4:5 | 10 | has ':'",
                "v6 | [::1] | 0 | has '['",
                "prefix | 192.0.2.1/24 | 0 | write 192.0.2.0/24, or 192.0.2.1 for this one address",
                "prefix | 2001:db8::1/32 | 0 | write 2001:db8::/32",
                "prefix | 192.0.2.0/33 | 10 | write a prefix length from 0 to 32",
                "prefix | ::/129 | 3 | from 0 to 128",
                "prefix | 192.0.2.0/ | 10 | lacks a prefix length",
                "prefix | 192.0.2.0/255.255.255.0 | 13 | has '.'",
                "prefix | 192.0.2/24 | 7 | has only 3 of the four numbers",
                "prefix | any | 0 | has 'a'",
                "mac | \"\" | 0 | ends too early",
                "mac | 52:54:00:00:00 | 14 | ends too early",
                "mac | 52:54:00:00:00:0 | 16 | ends too early",
                "mac | 52:54:00:00:00:01:02 | 17 | more than six pairs",
                "mac | 52:54-00:00:00:01 | 5 | has '-' where ':'",
                "mac | 5254.0000.0001 | 2 | has '5' where ':'",
                "mac | 5:54:00:00:00:01 | 1 | has ':' where a hexadecimal digit",
                "mac | 52:54:00:00:00:0g | 16 | has 'g'",
                "endpoint | 192.0.2.10 | 10 | lacks ':' and a port",
                "endpoint | 192.0.2.10: | 11 | lacks a port",
                "endpoint | 192.0.2.10:65536 | 11 | out of range",
                "endpoint | 192.0.2.300:80 | 8 | out of range",
                "endpoint | ::1:80 | 0 | lacks a number",
                "endpoint | [::1 | 4 | lacks the closing ']'",
                "endpoint | [::1] | 5 | lacks ':' and a port",
                "endpoint | [::1]80 | 5 | lacks ':' and a port",
                "endpoint | [1::2::3]:80 | 5 | has '::' twice",
                "ports | \"\" | 0 | lacks a port",
                "ports | 0 | 0 | a port out of range, 0",
                "ports | 65536 | 0 | write a port from 1 to 65535",
                "ports | 080 | 0 | leading zero",
                "ports | http | 0 | has 'h'",
                "ports | -80 | 0 | has '-'",
                "ports | 80- | 3 | lacks a port",
                "ports | 80--90 | 3 | has '-'",
                "ports | 2000-1000 | 5 | ends before it begins; write 1000-2000",
                "ports | 1-2-3 | 3 | has '-'",
                "ports | 80,443 | 2 | has ','",
                "protocol | \"\" | 0 | where it cannot stand",
                "protocol | tpc | 0 | did you mean 'tcp'?",
                "protocol | TCP | 0 | did you mean 'tcp'?",
                "protocol | sctp | 0 | tcp, udp, icmp or a number from 0 to 255",
                "protocol | 256 | 0 | out of range",
                "protocol | 6x | 1 | has 'x'",
                "protocol | 06 | 0 | leading zero",
            })
    void refuses_anything_else_and_says_where_and_why(String type, String text, int position, String part) {
        TextForms.refuses(parser(type), text, position, part);
    }

    @Test
    void says_everything_in_one_sentence() {
        TextForms.says(
                IpPrefix::parse,
                "192.0.2.10/24",
                "prefix: '192.0.2.10/24' has bits set after the prefix; write 192.0.2.0/24, or 192.0.2.10 for this one"
                        + " address");
        TextForms.says(
                PortRange::parse,
                "70000",
                "port range: '70000' has a port out of range, 70000; write a port from 1 to 65535");
    }

    @Test
    void every_value_survives_its_own_text() {
        RandomValues values = new RandomValues(101);
        for (int i = 0; i < RUNS; i++) {
            survives(Ipv4Address::parse, values.ipv4());
            survives(Ipv6Address::parse, values.ipv6());
            survives(IpAddress::parse, values.ip());
            survives(IpPrefix::parse, values.prefix());
            survives(MacAddress::parse, values.mac());
            survives(Endpoint::parse, new Endpoint(values.ip(), values.random.nextInt(65536)));
            survives(PortRange::parse, values.ports());
            survives(IpProtocol::parse, values.protocol());
        }
    }

    private static <T> void survives(Function<String, T> parser, T value) {
        assertThat(parser.apply(value.toString())).isEqualTo(value);
    }

    @Test
    void addresses_mean_the_same_to_the_jdk() throws UnknownHostException {
        RandomValues values = new RandomValues(102);
        for (int i = 0; i < RUNS; i++) {
            IpAddress address = values.ip();
            assertThat(IpAddress.of(address.toInetAddress())).isEqualTo(address);
            assertThat(address.toInetAddress().getAddress()).isEqualTo(address.toByteArray());
            boolean mapped = address instanceof Ipv6Address v6 && v6.high() == 0 && v6.low() >>> 32 == 0xffff;
            if (!mapped) {
                assertThat(InetAddress.getByName(address.toString())).isEqualTo(address.toInetAddress());
                assertThat(address.isMulticast())
                        .isEqualTo(address.toInetAddress().isMulticastAddress());
                assertThat(address.isLoopback())
                        .isEqualTo(address.toInetAddress().isLoopbackAddress());
                assertThat(address.isUnspecified())
                        .isEqualTo(address.toInetAddress().isAnyLocalAddress());
            }
        }
    }

    @Test
    void damaged_texts_are_read_or_refused_with_a_position_and_nothing_else_happens() {
        RandomValues values = new RandomValues(103);
        String alphabet = "0129af:.-/[]% tcpx\u0664";
        for (int i = 0; i < RUNS; i++) {
            TextForms.survivesDamage(IpAddress::parse, values.ip().toString(), alphabet, values.random);
            TextForms.survivesDamage(IpPrefix::parse, values.prefix().toString(), alphabet, values.random);
            TextForms.survivesDamage(MacAddress::parse, values.mac().toString(), alphabet, values.random);
            String endpoint = new Endpoint(values.ip(), values.port()).toString();
            TextForms.survivesDamage(Endpoint::parse, endpoint, alphabet, values.random);
            TextForms.survivesDamage(PortRange::parse, values.ports().toString(), alphabet, values.random);
            TextForms.survivesDamage(IpProtocol::parse, values.protocol().toString(), alphabet, values.random);
        }
    }
}
