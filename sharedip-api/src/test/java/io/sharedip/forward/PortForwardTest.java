package io.sharedip.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.address.RandomValues;
import io.sharedip.address.TextForms;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PortForwardTest {

    private static final int RUNS = 10_000;
    private static final GuestId WEB = GuestId.of("web");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "same",
            value = {
                "tcp 8080 -> web:80 | same",
                "udp 5000-5009 -> db:5000-5009 | same",
                "udp 5000-5009 -> db | udp 5000-5009 -> db:5000-5009",
                "tcp 192.0.2.10:443 -> web | tcp 192.0.2.10:443 -> web:443",
                "tcp 8080 from 198.51.100.0/24 -> web:80 | same",
                "udp 192.0.2.10:1-10 from 10.0.0.1 -> a-b.c_d:11-20 | same",
                "tcp 8080->web:80 | tcp 8080 -> web:80",
                "tcp   8080  ->   web:80  | tcp 8080 -> web:80",
                "tcp 80 -> from:80 | same",
                "tcp 80 -> web-:80 | same",
                "tcp 80 from 0.0.0.0/0 -> web:80 | same",
                "tcp 127.0.0.1:80 -> web:80 | same",
            })
    void reads_forwards_and_writes_them_in_one_way(String text, String canonical) {
        TextForms.reads(PortForward::parse, text, canonical == null ? text : canonical);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "\"\"                                 |  0 | here must stand: tcp or udp",
                "icmp 80 -> web                       |  0 | here may stand: tcp or udp",
                "tpc 80 -> web                        |  0 | did you mean 'tcp'?",
                "6 80 -> web                          |  0 | here may stand: tcp or udp",
                "80 -> web                            |  0 | has '80' where it cannot stand",
                "-> web                               |  0 | ends too early",
                "tcp                                  |  3 | here must stand: a port or range",
                "tcp -> web                           |  4 | here must stand: a port or range",
                "tcp from 10.0.0.0/8 -> web           |  4 | here may stand: a port or range",
                "tcp 8080                             |  8 | such as 'tcp 8080 -> web'",
                "tcp 8080 web:80                      |  9 | here may stand: from PREFIX, or '->' and a guest",
                "tcp 8080 => web:80                   |  9 | or '->' and a guest",
                "tcp 0 -> web                         |  4 | out of range, 0",
                "tcp 65536 -> web                     |  4 | out of range, 65536",
                "tcp http -> web                      |  4 | has 'h'",
                "tcp 80,443 -> web                    |  6 | write one forward for each of them",
                "tcp 20-10 -> web                     |  7 | write 10-20",
                "tcp 192.0.2.300:80 -> web            | 12 | out of range, 300",
                "tcp 192.0.2:80 -> web                | 11 | has only 3 of the four numbers",
                "tcp 192.0.2.1: -> web                | 14 | lacks a port",
                "tcp :80 -> web                       |  4 | lacks a number",
                "tcp *:80 -> web                      |  4 | has '*'",
                "tcp 0.0.0.0:80 -> web                |  4 | leave the address out",
                "tcp 224.0.0.1:80 -> web              |  4 | not the address of one host",
                "tcp [::1]:80 -> web                  |  4 | IPv4 address",
                "tcp 80 form 10.0.0.0/8 -> web        |  7 | did you mean 'from'?",
                "tcp 80 from -> web                   | 12 | here must stand: a prefix",
                "tcp 80 from                          | 11 | here must stand: a prefix",
                "tcp 80 from any -> web               | 12 | has 'a'",
                "tcp 80 from 10.0.0.1/8 -> web        | 12 | write 10.0.0.0/8",
                "tcp 80 from 10.0.0.0/40 -> web       | 21 | from 0 to 32",
                "tcp 80 from ::/0 -> web              | 12 | not an IPv4 prefix",
                "tcp 80 from 10.0.0.0/8 log -> web    | 23 | nothing between the prefix and '->'",
                "tcp 80 ->                            |  9 | here must stand: GUEST or GUEST:PORTS",
                "tcp 80 -> :80                        | 10 | where a guest's name should stand",
                "tcp 80 -> we$b:80                    | 12 | where a guest's name should stand",
                "tcp 80 -> web:                       | 14 | lacks a port",
                "tcp 80 -> web:http                   | 14 | has 'h'",
                "tcp 80 -> web:80,81                  | 16 | has a list of ports",
                "tcp 80 -> web:80 81                  | 17 | has '81' after its end",
                "tcp 80 -> web 80                     | 14 | write GUEST or GUEST:PORTS",
                "tcp 80 -> web -> db                  | 14 | has '->' after its end",
                "tcp 80-89 -> web:80                  | 17 | has 10 ports outside and 1 port inside; use ranges of equal length, such as 80-89 and 80-89",
                "tcp 80 -> web:80-89                  | 14 | has 1 port outside and 10 ports inside",
                "tcp 1-10 -> web:65530-65535          | 16 | use ranges of equal length",
                "tcp 80 -> guest web                  | 16 | has 'web' after its end",
            })
    void refuses_anything_else_and_says_where_why_and_what_to_do(String text, int position, String part) {
        TextForms.refuses(PortForward::parse, text, position, part);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "tcp 8080 -> web:80      |  9 | write only what stands left of '->'",
                "tcp                     |  3 | here must stand",
                "tcp 8080 from           | 13 | here must stand: a prefix",
                "tcp 8080 from 1.2.3.4 x | 22 | has 'x' after its end",
            })
    void a_selector_is_the_left_side_only(String text, int position, String part) {
        TextForms.refuses(ForwardSelector::parse, text, position, part);
    }

    @Test
    void says_everything_in_one_sentence() {
        TextForms.says(
                PortForward::parse,
                "tcp 8080 web:80",
                "forward: 'tcp 8080 web:80' has 'web:80' where it cannot stand; here may stand: from PREFIX, or '->' and"
                        + " a guest");
    }

    @Test
    void a_forward_read_is_the_forward_built() {
        assertThat(PortForward.parse("tcp 8080 -> web:80")).isEqualTo(PortForward.tcp(8080, WEB, 80));
        assertThat(PortForward.parse("udp 53 -> web:5353")).isEqualTo(PortForward.udp(53, WEB, 5353));
        assertThat(PortForward.parse("udp 192.0.2.1:1-3 from 10.0.0.0/8 -> web:4-6"))
                .isEqualTo(new PortForward(
                        ForwardSelector.of(IpProtocol.UDP, PortRange.of(1, 3))
                                .on(Ipv4Address.parse("192.0.2.1"))
                                .from(IpPrefix.parse("10.0.0.0/8")),
                        WEB,
                        PortRange.of(4, 6)));
    }

    @Test
    void ports_are_forwarded_one_by_one() {
        PortForward forward = PortForward.parse("tcp 1000-1009 -> web:80-89");
        assertThat(forward.protocol()).isEqualTo(IpProtocol.TCP);
        assertThat(forward.outside()).isEqualTo(PortRange.of(1000, 1009));
        assertThat(forward.insidePortOf(1000)).isEqualTo(80);
        assertThat(forward.insidePortOf(1009)).isEqualTo(89);
        assertThatThrownBy(() -> forward.insidePortOf(1010))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("use a port of 1000-1009");
    }

    @Test
    void parts_that_contradict_each_other_are_refused() {
        ForwardSelector selector = ForwardSelector.parse("tcp 80-89");
        assertThatThrownBy(() -> new PortForward(selector, WEB, PortRange.of(80)))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("has 10 ports outside and 1 port inside");
        assertThatThrownBy(() -> ForwardSelector.of(IpProtocol.ICMP, PortRange.of(80)))
                .isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> selector.on(Ipv4Address.UNSPECIFIED)).hasMessageContaining("leave the address out");
        assertThatThrownBy(() -> selector.on(Ipv4Address.BROADCAST)).isInstanceOf(ConfigurationException.class);
        assertThatThrownBy(() -> selector.from(IpPrefix.ANY_IPV6)).hasMessageContaining("not an IPv4 prefix");
    }

    @Test
    void a_selector_matches_only_if_all_its_parts_do() {
        ForwardSelector selector = ForwardSelector.parse("tcp 192.0.2.1:80-89 from 10.0.0.0/8");
        Ipv4Address here = Ipv4Address.parse("192.0.2.1");
        Ipv4Address caller = Ipv4Address.parse("10.1.2.3");
        assertThat(selector.matches(IpProtocol.TCP, here, 80, caller)).isTrue();
        assertThat(selector.matches(IpProtocol.UDP, here, 80, caller)).isFalse();
        assertThat(selector.matches(IpProtocol.TCP, caller, 80, caller)).isFalse();
        assertThat(selector.matches(IpProtocol.TCP, here, 90, caller)).isFalse();
        assertThat(selector.matches(IpProtocol.TCP, here, 80, here)).isFalse();
        assertThat(ForwardSelector.parse("udp 53").matches(IpProtocol.UDP, here, 53, caller))
                .isTrue();
    }

    @Test
    void the_most_specific_selector_comes_first() {
        List<String> ordered = List.of(
                "tcp 192.0.2.1:80 from 10.0.0.1",
                "tcp 192.0.2.1:80 from 10.0.0.0/8",
                "tcp 192.0.2.1:80 from 0.0.0.0/0",
                "tcp 192.0.2.1:80",
                "tcp 80 from 10.0.0.0/24",
                "tcp 80 from 10.0.0.0/8",
                "tcp 80",
                "tcp 192.0.2.1:80-81 from 10.0.0.0/8",
                "tcp 192.0.2.1:80-89 from 10.0.0.0/8",
                "tcp 192.0.2.1:80-81",
                "tcp 192.0.2.1:80-89",
                "tcp 80-89 from 10.0.0.0/8",
                "tcp 80-81",
                "tcp 80-89",
                "tcp 1-65535");
        List<ForwardSelector> selectors =
                new ArrayList<>(ordered.stream().map(ForwardSelector::parse).toList());
        Collections.shuffle(selectors, new Random(501));
        selectors.sort(ForwardSelector.BY_SPECIFICITY);
        assertThat(selectors).map(ForwardSelector::toString).isEqualTo(ordered);
    }

    @Test
    void the_order_of_selectors_is_total_and_agrees_with_equals() {
        RandomValues values = new RandomValues(502);
        List<ForwardSelector> selectors = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            selectors.add(i % 3 == 0 ? alike(values) : selector(values));
        }
        for (ForwardSelector a : selectors) {
            for (ForwardSelector b : selectors) {
                int order = ForwardSelector.BY_SPECIFICITY.compare(a, b);
                assertThat(order == 0).as("%s and %s", a, b).isEqualTo(a.equals(b));
                assertThat(Integer.signum(ForwardSelector.BY_SPECIFICITY.compare(b, a)))
                        .isEqualTo(-Integer.signum(order));
            }
        }
        selectors.sort(ForwardSelector.BY_SPECIFICITY);
        for (int i = 0; i < selectors.size(); i++) {
            for (int j = i; j < selectors.size(); j++) {
                assertThat(ForwardSelector.BY_SPECIFICITY.compare(selectors.get(i), selectors.get(j)))
                        .isNotPositive();
            }
        }
    }

    @Test
    void every_forward_survives_its_own_text() {
        RandomValues values = new RandomValues(503);
        for (int i = 0; i < RUNS; i++) {
            PortForward forward = forward(values);
            assertThat(PortForward.parse(forward.toString())).isEqualTo(forward);
            ForwardSelector selector = forward.selector();
            assertThat(ForwardSelector.parse(selector.toString())).isEqualTo(selector);
        }
    }

    @Test
    void damaged_forwards_are_read_or_refused_with_a_position_and_nothing_else_happens() {
        RandomValues values = new RandomValues(504);
        for (int i = 0; i < RUNS; i++) {
            String text = forward(values).toString();
            TextForms.survivesDamage(PortForward::parse, text, " ->:,./0129tfrom\u00a0", values.random);
        }
    }

    private static ForwardSelector selector(RandomValues values) {
        return new ForwardSelector(
                values.oneIn(2) ? IpProtocol.TCP : IpProtocol.UDP,
                values.oneIn(2) ? Optional.empty() : Optional.of(values.ipv4Host()),
                values.ports(),
                values.oneIn(2) ? Optional.empty() : Optional.of(values.ipv4Prefix()));
    }

    private static ForwardSelector alike(RandomValues values) {
        int first = 1 + values.random.nextInt(2);
        return new ForwardSelector(
                values.oneIn(2) ? IpProtocol.TCP : IpProtocol.UDP,
                values.oneIn(2) ? Optional.empty() : Optional.of(Ipv4Address.of(10, 0, 0, values.random.nextInt(2))),
                PortRange.of(first, first + values.random.nextInt(2)),
                values.oneIn(2)
                        ? Optional.empty()
                        : Optional.of(IpPrefix.host(Ipv4Address.of(10, 0, 0, values.random.nextInt(2)))));
    }

    private static PortForward forward(RandomValues values) {
        ForwardSelector selector = selector(values);
        int more = selector.outside().size() - 1;
        int first = 1 + values.random.nextInt(PortRange.MAX_PORT - more);
        return new PortForward(selector, values.guest(), PortRange.of(first, first + more));
    }
}
