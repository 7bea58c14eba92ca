package io.sharedip.examples.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each mistake with its place, its key and its message. In the texts § marks the place that must be told. */
class BadGatewayFileTest {

    private static final String GOOD = """
            address: 192.0.2.10
            prefix: 192.0.2.0/24
            router: 192.0.2.1
            alias: 192.0.2.254
            uplink:
              pcap: up0
              claims: sockets
              address-is-own: false
              ports: 61000-65535
            capacity: { flows: 5000, flows-per-guest: 2000 }
            router-mac: "02:00:5e:00:00:01"
            guests:
              - { name: web, mac: "52:54:00:00:00:01", address: 192.0.2.10, link: { pcap: vm1 } }
              - { name: db, mac: "52:54:00:00:00:02", address: 10.0.0.2, link: { qemu-stream: "unix:/run/db.sock" } }
            forwards:
              - tcp 8080 -> web:80
              - udp 5000-5009 -> db
            rules:
              default: accept
              chain:
                - drop tcp from guest db to any port 25
            nat:
              tcp: { mapping: endpoint-independent, port-overloading: false }
              udp: { filtering: address-dependent, port-reuse-delay: 90s, ports-per-guest: 500, inbound-refresh: false }
              tcp-tracking: { window-checks: true, mss-clamp: 1360 }
              fragments: { timeout: 29s, octets-per-guest: 2097152, octets-from-guests: 8388608 }
              errors-per-second: 100
              echo-replies-per-second: 1000
              protocols: [gre, 50]
              one-to-one:
                - 192.0.2.20 -> web
                - 192.0.2.21 -> db
              exempt: [10.20.0.0/16]
            timeouts: { tcp-half-open: 120s, udp: 5m }
            """;

    /** A change to the good file that makes it a bad one. */
    private record Case(String name, String good, String bad, String key, String message) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Case mistake(String name, String good, String bad, String key, String message) {
        return new Case(name, good, bad, key, message);
    }

    static Stream<Case> mistakes() {
        return Stream.of(
                mistake(
                        "unknown key",
                        "router-mac:",
                        "§rooter-mac:",
                        "rooter-mac",
                        "is not a known key; did you mean 'router-mac'?"),
                mistake(
                        "strange key",
                        "alias:",
                        "§colour:",
                        "colour",
                        "the keys here are address, prefix, router, alias, control"),
                mistake("unknown key in a group", "claims:", "§claim:", "uplink.claim", "did you mean 'claims'?"),
                mistake(
                        "doubled key",
                        "router: 192.0.2.1\n",
                        "router: 192.0.2.1\n§router: 192.0.2.1\n",
                        "router",
                        "stands here for the second time; remove it here or in line 3"),
                mistake(
                        "missing key",
                        "address: 192.0.2.10\nprefix: 192.0.2.0/24\n",
                        "§address: 192.0.2.10\n",
                        "prefix",
                        "is missing; write the segment"),
                mistake(
                        "missing key in a group",
                        "  pcap: up0\n  claims",
                        "  §claims",
                        "uplink.pcap",
                        "is missing; name the card"),
                mistake(
                        "two kinds of uplink",
                        "  pcap: up0\n  claims: sockets\n  address-is-own: false\n  ports: 61000-65535\n",
                        "  §pcap: up0\n  sockets: {}\n",
                        "uplink",
                        "has two kinds of uplink; keep pcap or sockets"),
                mistake(
                        "unknown transport of sockets",
                        "  pcap: up0\n  claims: sockets\n  address-is-own: false\n  ports: 61000-65535\n",
                        "  sockets: { transport: §kqueue }\n",
                        "uplink.sockets.transport",
                        "nio"),
                mistake(
                        "MTU of a card",
                        "link: { pcap: vm1 }",
                        "link: { pcap: vm1, mtu: §9000 }",
                        "guests[0].link.mtu",
                        "is set where the card has one"),
                mistake(
                        "two kinds of link",
                        "link: { pcap: vm1 }",
                        "link: §{ pcap: vm1, udp: \"127.0.0.1:5001\" }",
                        "guests[0].link",
                        "has two kinds of link; keep one of pcap, qemu-stream, udp, unix-datagram or stdio"),
                mistake(
                        "address of nothing to connect to",
                        "\"unix:/run/db.sock\"",
                        "§\"connect to:/run/db.sock\"",
                        "guests[1].link.qemu-stream",
                        "is neither a unix nor a tcp socket"),
                mistake(
                        "port of a UDP link",
                        "qemu-stream: \"unix:/run/db.sock\"",
                        "udp: \"127.0.0.1:5001->127.0.0.1:§99999\"",
                        "guests[1].link.udp",
                        "port"),
                mistake(
                        "one path twice",
                        "qemu-stream: \"unix:/run/db.sock\"",
                        "unix-datagram: \"/run/db.sock->§/run/db.sock\"",
                        "guests[1].link.unix-datagram",
                        "names one path twice"),
                mistake(
                        "other streams",
                        "qemu-stream: \"unix:/run/db.sock\"",
                        "stdio: §error",
                        "guests[1].link.stdio",
                        "use one of plain, hyperkit"),
                mistake(
                        "MTU beyond datagrams",
                        "qemu-stream: \"unix:/run/db.sock\"",
                        "udp: \"127.0.0.1:5001\", mtu: §65500",
                        "guests[1].link.mtu",
                        "use 68 to 65489"),
                mistake(
                        "unknown checksums",
                        "qemu-stream: \"unix:/run/db.sock\"",
                        "qemu-stream: \"unix:/run/db.sock\", checksums: §partial",
                        "guests[1].link.checksums",
                        "use one of complete, recompute"),
                mistake(
                        "checksums of a card",
                        "link: { pcap: vm1 }",
                        "link: { pcap: vm1, checksums: §recompute }",
                        "guests[0].link.checksums",
                        "is set where the card knows"),
                mistake(
                        "missing guest's MAC address",
                        "{ name: web, mac: \"52:54:00:00:00:01\", ",
                        "§{ name: web, ",
                        "guests[0].mac",
                        "is missing"),
                mistake("empty value", "router: 192.0.2.1\n", "§router:\n", "router", "has no value"),
                mistake(
                        "list instead of a value",
                        "router: 192.0.2.1\n",
                        "router: §[192.0.2.1]\n",
                        "router",
                        "is a list, not one value"),
                mistake(
                        "value instead of a group",
                        "capacity: { flows: 5000, flows-per-guest: 2000 }",
                        "capacity: §5000",
                        "capacity",
                        "is one value, not a group of keys"),
                mistake(
                        "group instead of a list",
                        "forwards:\n  - tcp 8080 -> web:80\n  - udp 5000-5009 -> db\n",
                        "forwards:\n  §tcp: 8080\n",
                        "forwards",
                        "is a group of keys, not a list"),
                mistake(
                        "address out of range",
                        "address: 192.0.2.10\n",
                        "address: 192.0.2.§300\n",
                        "address",
                        "'192.0.2.300' has a number out of range, 300"),
                mistake(
                        "short address",
                        "router: 192.0.2.1\n",
                        "router: 192.0.2§\n",
                        "router",
                        "has only 3 of the four numbers"),
                mistake(
                        "multicast address",
                        "address: 192.0.2.10\n",
                        "address: §224.0.0.1\n",
                        "address",
                        "is not an address that a machine can have"),
                mistake(
                        "address outside the prefix",
                        "address: 192.0.2.10\n",
                        "address: §192.0.3.10\n",
                        "address",
                        "lies outside the prefix 192.0.2.0/24"),
                mistake(
                        "network address",
                        "address: 192.0.2.10\n",
                        "address: §192.0.2.0\n",
                        "address",
                        "is the network address of the prefix"),
                mistake("host bits", "192.0.2.0/24", "§192.0.2.10/24", "prefix", "write 192.0.2.0/24"),
                mistake("prefix too small", "192.0.2.0/24", "§192.0.2.0/31", "prefix", "is too small"),
                mistake("prefix too large", "192.0.2.0/24", "§0.0.0.0/0", "prefix", "is too large for a segment"),
                mistake("IPv6 prefix", "192.0.2.0/24", "§2001:db8::/64", "prefix", "is not an IPv4 prefix"),
                mistake(
                        "router outside the prefix",
                        "router: 192.0.2.1\n",
                        "router: §198.51.100.1\n",
                        "router",
                        "lies outside the prefix"),
                mistake(
                        "router is the address",
                        "router: 192.0.2.1\n",
                        "router: §192.0.2.10\n",
                        "router",
                        "is the shared address; name the router's own address"),
                mistake(
                        "alias outside the prefix",
                        "alias: 192.0.2.254",
                        "alias: §192.0.3.254",
                        "alias",
                        "lies outside the prefix"),
                mistake(
                        "alias is the address",
                        "alias: 192.0.2.254",
                        "alias: §192.0.2.10",
                        "alias",
                        "choose an unused address"),
                mistake(
                        "alias is the router",
                        "alias: 192.0.2.254",
                        "alias: §192.0.2.1",
                        "alias",
                        "is the router's address"),
                mistake(
                        "alias is the broadcast address",
                        "alias: 192.0.2.254",
                        "alias: §192.0.2.255",
                        "alias",
                        "is the broadcast address"),
                mistake(
                        "control without a name",
                        "alias:",
                        "control: /run/gw/§\nalias:",
                        "control",
                        "lacks the name of a socket"),
                mistake(
                        "long control path",
                        "alias:",
                        "control: §/" + "x".repeat(106) + "\nalias:",
                        "control",
                        "use 106 octets or less"),
                mistake("card with a blank", "pcap: up0", "pcap: up§ 0", "uplink.pcap", "is not the name of a card"),
                mistake("all cards", "pcap: up0", "pcap: §any", "uplink.pcap", "stands for all cards"),
                mistake(
                        "unknown claims",
                        "claims: sockets",
                        "claims: §socket",
                        "uplink.claims",
                        "did you mean 'sockets'?"),
                mistake("no claims", "claims: sockets", "claims: §none", "uplink.claims", "address-is-own: true"),
                mistake(
                        "not a bool",
                        "address-is-own: false",
                        "address-is-own: §no",
                        "uplink.address-is-own",
                        "write true or false"),
                mistake(
                        "ports backwards",
                        "ports: 61000-65535",
                        "ports: 65535-§61000",
                        "uplink.ports",
                        "write 61000-65535"),
                mistake(
                        "ports out of range",
                        "ports: 61000-65535",
                        "ports: 61000-§70000",
                        "uplink.ports",
                        "out of range, 70000"),
                mistake("ports of services", "ports: 61000-65535", "ports: §80-65535", "uplink.ports", "below 1024"),
                mistake("too few ports", "ports: 61000-65535", "ports: §61000-61007", "uplink.ports", "too few ports"),
                mistake("no flows", "flows: 5000", "flows: §0", "capacity.flows", "use 1 to 4000000"),
                mistake("too many flows", "flows: 5000", "flows: §4000001", "capacity.flows", "use 1 to 4000000"),
                mistake("flows not a number", "flows: 5000", "flows: 5§k", "capacity.flows", "is not a whole number"),
                mistake(
                        "more for one than for all",
                        "flows-per-guest: 2000",
                        "flows-per-guest: §6000",
                        "capacity.flows-per-guest",
                        "more than all guests"),
                mistake(
                        "multicast router MAC",
                        "\"02:00:5e:00:00:01\"",
                        "§\"01:00:5e:00:00:01\"",
                        "router-mac",
                        "is not the MAC address of one station"),
                mistake("short MAC", "\"52:54:00:00:00:01\"", "\"52:54:00:00:00§\"", "guests[0].mac", "ends too early"),
                mistake(
                        "MAC with a strange digit",
                        "\"52:54:00:00:00:02\"",
                        "\"52:54:00:00:00:0§g\"",
                        "guests[1].mac",
                        "hexadecimal digit"),
                mistake(
                        "doubled MAC",
                        "\"52:54:00:00:00:02\"",
                        "§\"52:54:00:00:00:01\"",
                        "guests[1].mac",
                        "change this one or the one in line 13"),
                mistake(
                        "guest with the router's MAC",
                        "\"52:54:00:00:00:02\"",
                        "§\"02:00:5e:00:00:01\"",
                        "guests[1].mac",
                        "what guests see as their router"),
                mistake("bad name", "name: db", "name: §db/1", "guests[1].name", "is not a guest name"),
                mistake(
                        "doubled name",
                        "name: db,",
                        "name: §web,",
                        "guests[1].name",
                        "is the name of another guest too"),
                mistake(
                        "guest with the router's address",
                        "10.0.0.2",
                        "§192.0.2.1",
                        "guests[1].address",
                        "is the router's address"),
                mistake("guest with the alias", "10.0.0.2", "§192.0.2.254", "guests[1].address", "is the alias; give"),
                mistake(
                        "guest with a loopback address",
                        "10.0.0.2",
                        "§127.0.0.1",
                        "guests[1].address",
                        "is not an address that a machine can have"),
                mistake(
                        "guest without a link",
                        ", link: { pcap: vm1 } }",
                        " }",
                        "guests[0].link",
                        "is missing; say where"),
                mistake("empty link", "{ pcap: vm1 }", "§{}", "guests[0].link", "names no link"),
                mistake(
                        "two links",
                        "{ pcap: vm1 }",
                        "§{ pcap: vm1, qemu-stream: \"unix:/run/web.sock\" }",
                        "guests[0].link",
                        "two kinds of link"),
                mistake("the uplink's card", "pcap: vm1", "pcap: §up0", "guests[0].link.pcap", "is the uplink's card"),
                mistake(
                        "one card for two",
                        "{ qemu-stream: \"unix:/run/db.sock\" }",
                        "{ pcap: §vm1 }",
                        "guests[1].link.pcap",
                        "is the link of the guest in line 13 too"),
                mistake(
                        "unknown kind of socket",
                        "\"unix:/run/db.sock\"",
                        "§\"udp:127.0.0.1:9\"",
                        "guests[1].link.qemu-stream",
                        "write unix:PATH or tcp:HOST:PORT"),
                mistake(
                        "socket without a port",
                        "\"unix:/run/db.sock\"",
                        "\"tcp:127.0.0.1§\"",
                        "guests[1].link.qemu-stream",
                        "lacks a host or a port"),
                mistake(
                        "socket with port 0",
                        "\"unix:/run/db.sock\"",
                        "\"tcp:127.0.0.1:§0\"",
                        "guests[1].link.qemu-stream",
                        "use 1 to 65535"),
                mistake(
                        "forward without an arrow",
                        "tcp 8080 -> web:80",
                        "tcp 8080§",
                        "forwards[0]",
                        "lacks '->' and a guest"),
                mistake(
                        "forward of another protocol",
                        "tcp 8080 -> web:80",
                        "§icmp 8080 -> web:80",
                        "forwards[0]",
                        "has 'icmp' where it cannot stand"),
                mistake(
                        "forward to an unknown guest",
                        "-> web:80",
                        "-> §wep:80",
                        "forwards[0]",
                        "names the guest 'wep', which does not exist; did you mean 'web'?"),
                mistake(
                        "unequal ranges",
                        "5000-5009 -> db",
                        "5000-5009 -> db:§6000-6010",
                        "forwards[1]",
                        "10 ports outside and 11 ports inside"),
                mistake(
                        "doubled forward",
                        "udp 5000-5009 -> db",
                        "§tcp 8080 -> db:81",
                        "forwards[1]",
                        "remove it here or in line 16"),
                mistake(
                        "forward on a foreign address",
                        "tcp 8080",
                        "tcp §192.0.2.11:8080",
                        "forwards[0]",
                        "which is not the gateway's"),
                mistake(
                        "group as a forward",
                        "tcp 8080 -> web:80",
                        "§tcp: 8080",
                        "forwards[0]",
                        "is a group of keys, not one value"),
                mistake(
                        "unknown default",
                        "default: accept",
                        "default: §allow",
                        "rules.default",
                        "use one of accept, drop, reject"),
                mistake("misspelt action", "drop tcp", "§dorp tcp", "rules.chain[0]", "did you mean 'drop'?"),
                mistake(
                        "misspelt word in a rule",
                        "port 25",
                        "§prt 25",
                        "rules.chain[0]",
                        "has 'prt' where it cannot stand"),
                mistake(
                        "misspelt word in a quoted rule",
                        "drop tcp from guest db to any port 25",
                        "'drop tcp from guest db to any §prt 25'",
                        "rules.chain[0]",
                        "did you mean 'port'?"),
                mistake("port out of range in a rule", "port 25", "port §70000", "rules.chain[0]", "70000"),
                mistake(
                        "ports without a protocol",
                        "drop tcp from guest db to any port 25",
                        "drop from guest db to any §port 25",
                        "rules.chain[0]",
                        "needs the protocol"),
                mistake(
                        "rule for an unknown guest",
                        "from guest db",
                        "from guest §dp",
                        "rules.chain[0]",
                        "did you mean 'db'?"),
                mistake(
                        "rule to an unknown guest called to",
                        "drop tcp from guest db to any port 25",
                        "drop tcp from guest db to guest §to port 25",
                        "rules.chain[0]",
                        "names the guest 'to'"),
                mistake(
                        "unknown part of nat",
                        "tcp-tracking:",
                        "§tcp-traking:",
                        "nat.tcp-traking",
                        "did you mean 'tcp-tracking'?"),
                mistake(
                        "value instead of a protocol's settings",
                        "tcp: { mapping: endpoint-independent, port-overloading: false }",
                        "tcp: §strict",
                        "nat.tcp",
                        "is one value, not a group of keys"),
                mistake(
                        "misspelt mapping",
                        "mapping: endpoint-independent",
                        "mapping: §endpoint-independant",
                        "nat.tcp.mapping",
                        "did you mean 'endpoint-independent'?"),
                mistake(
                        "unknown mapping",
                        "mapping: endpoint-independent",
                        "mapping: §full-cone",
                        "nat.tcp.mapping",
                        "use one of endpoint-independent, address-dependent, address-and-port-dependent"),
                mistake(
                        "unknown filtering",
                        "filtering: address-dependent",
                        "filtering: §symmetric",
                        "nat.udp.filtering",
                        "use one of endpoint-independent"),
                mistake(
                        "overloading without a mapping for each peer",
                        "port-overloading: false",
                        "port-overloading: §true",
                        "nat.tcp.port-overloading",
                        "write mapping: address-and-port-dependent and filtering"),
                mistake(
                        "overloading without a filtering for each peer",
                        "mapping: endpoint-independent, port-overloading: false",
                        "mapping: address-and-port-dependent, port-overloading: §true",
                        "nat.tcp.port-overloading",
                        "needs to know every peer"),
                mistake(
                        "overloading that is no bool",
                        "port-overloading: false",
                        "port-overloading: §yes",
                        "nat.tcp.port-overloading",
                        "write true or false"),
                mistake(
                        "reuse delay without a unit",
                        "port-reuse-delay: 90s",
                        "port-reuse-delay: 90§",
                        "nat.udp.port-reuse-delay",
                        "lacks a unit"),
                mistake(
                        "too long a reuse delay",
                        "port-reuse-delay: 90s",
                        "port-reuse-delay: §61m",
                        "nat.udp.port-reuse-delay",
                        "use 0s to 1h"),
                mistake(
                        "too many ports for a guest",
                        "ports-per-guest: 500",
                        "ports-per-guest: §65536",
                        "nat.udp.ports-per-guest",
                        "use 0 to 65535"),
                mistake(
                        "refresh that is no bool",
                        "inbound-refresh: false",
                        "inbound-refresh: §off",
                        "nat.udp.inbound-refresh",
                        "write true or false"),
                mistake(
                        "refresh of TCP",
                        "port-overloading: false",
                        "§inbound-refresh: false",
                        "nat.tcp.inbound-refresh",
                        "is not a known key"),
                mistake(
                        "doubled setting of UDP",
                        "ports-per-guest: 500",
                        "ports-per-guest: 500, §ports-per-guest: 600",
                        "nat.udp.ports-per-guest",
                        "stands here for the second time"),
                mistake(
                        "window checks that are no bool",
                        "window-checks: true",
                        "window-checks: §1",
                        "nat.tcp-tracking.window-checks",
                        "write true or false"),
                mistake(
                        "unknown word for the MSS",
                        "mss-clamp: 1360",
                        "mss-clamp: §auto",
                        "nat.tcp-tracking.mss-clamp",
                        "write link for what fits into the links' MTU, or 88 to 65495"),
                mistake(
                        "MSS too small",
                        "mss-clamp: 1360",
                        "mss-clamp: §87",
                        "nat.tcp-tracking.mss-clamp",
                        "use 88 to 65495"),
                mistake(
                        "MSS with a unit",
                        "mss-clamp: 1360",
                        "mss-clamp: 1360§b",
                        "nat.tcp-tracking.mss-clamp",
                        "is not a whole number"),
                mistake("fragments wait too long", "29s", "§121s", "nat.fragments.timeout", "use 1s to 2m"),
                mistake(
                        "too little room for fragments",
                        "8388608",
                        "§131071",
                        "nat.fragments.octets-from-guests",
                        "use 131072 to 1073741824"),
                mistake(
                        "more fragments of one than of all",
                        "8388608",
                        "1048576",
                        "nat.fragments.octets-per-guest",
                        "is more than all guests may have together, 1048576"),
                mistake(
                        "too many errors",
                        "errors-per-second: 100",
                        "errors-per-second: §1000001",
                        "nat.errors-per-second",
                        "use 0 to 1000000"),
                mistake(
                        "too many echo replies",
                        "echo-replies-per-second: 1000",
                        "echo-replies-per-second: §1000001",
                        "nat.echo-replies-per-second",
                        "use 0 to 1000000"),
                mistake("unknown protocol", "[gre, 50]", "[§gra, 50]", "nat.protocols[0]", "did you mean 'gre'?"),
                mistake(
                        "protocol with ports",
                        "[gre, 50]",
                        "[gre, §tcp]",
                        "nat.protocols[1]",
                        "is translated with its ports anyway"),
                mistake(
                        "protocol of the segment",
                        "[gre, 50]",
                        "[§2, 50]",
                        "nat.protocols[0]",
                        "does not travel beyond its segment"),
                mistake("authentication header", "[gre, 50]", "[§51, 50]", "nat.protocols[0]", "use esp"),
                mistake(
                        "protocol out of range",
                        "[gre, 50]",
                        "[gre, §256]",
                        "nat.protocols[1]",
                        "write a protocol number from 0 to 255"),
                mistake(
                        "doubled protocol",
                        "[gre, 50]",
                        "[gre, §47]",
                        "nat.protocols[1]",
                        "stands here for the second time"),
                mistake(
                        "one protocol instead of a list",
                        "[gre, 50]",
                        "§gre",
                        "nat.protocols",
                        "is one value, not a list"),
                mistake(
                        "one-to-one without a guest",
                        "- 192.0.2.20 -> web",
                        "- 192.0.2.20§",
                        "nat.one-to-one[0]",
                        "write ADDRESS -> GUEST"),
                mistake(
                        "one-to-one with a bad address",
                        "- 192.0.2.20 -> web",
                        "- 192.0.2§ -> web",
                        "nat.one-to-one[0]",
                        "has only 3 of the four numbers"),
                mistake(
                        "one-to-one for an unknown guest",
                        "- 192.0.2.20 -> web",
                        "- 192.0.2.20 -> §wep",
                        "nat.one-to-one[0]",
                        "did you mean 'web'?"),
                mistake(
                        "one-to-one outside the segment",
                        "- 192.0.2.20 -> web",
                        "- §192.0.3.20 -> web",
                        "nat.one-to-one[0]",
                        "lies outside the prefix"),
                mistake(
                        "one-to-one with the shared address",
                        "- 192.0.2.20 -> web",
                        "- §192.0.2.10 -> web",
                        "nat.one-to-one[0]",
                        "gives away the shared address"),
                mistake(
                        "one-to-one with the router's address",
                        "- 192.0.2.20 -> web",
                        "- §192.0.2.1 -> web",
                        "nat.one-to-one[0]",
                        "gives away the router's address"),
                mistake(
                        "one-to-one with the alias",
                        "- 192.0.2.20 -> web",
                        "- §192.0.2.254 -> web",
                        "nat.one-to-one[0]",
                        "gives away the alias"),
                mistake(
                        "one-to-one with the broadcast address",
                        "- 192.0.2.20 -> web",
                        "- §192.0.2.255 -> web",
                        "nat.one-to-one[0]",
                        "is the broadcast address"),
                mistake(
                        "one-to-one with a guest's address",
                        "address: 10.0.0.2, ",
                        "address: 192.0.2.20, ",
                        "nat.one-to-one[0]",
                        "gives away a guest's own address"),
                mistake(
                        "one address for two",
                        "192.0.2.21 -> db",
                        "§192.0.2.20 -> db",
                        "nat.one-to-one[1]",
                        "gives away an address that another guest has already"),
                mistake(
                        "two addresses for one",
                        "192.0.2.21 -> db",
                        "§192.0.2.21 -> web",
                        "nat.one-to-one[1]",
                        "is the second address for the guest"),
                mistake("exempt host bits", "10.20.0.0/16", "§10.20.0.1/16", "nat.exempt[0]", "write 10.20.0.0/16"),
                mistake("exempt IPv6", "10.20.0.0/16", "§2001:db8::/32", "nat.exempt[0]", "is not an IPv4 prefix"),
                mistake(
                        "the segment is exempt",
                        "10.20.0.0/16",
                        "§192.0.0.0/16",
                        "nat.exempt[0]",
                        "contains the shared address"),
                mistake(
                        "exempt twice",
                        "[10.20.0.0/16]",
                        "[10.20.0.0/16, §10.20.0.0/16]",
                        "nat.exempt[1]",
                        "stands here for the second time"),
                mistake("unknown timer", "udp: 5m", "§upd: 5m", "timeouts.upd", "did you mean 'udp'?"),
                mistake("duration without a unit", "120s", "120§", "timeouts.tcp-half-open", "lacks a unit"),
                mistake(
                        "duration with a strange unit",
                        "120s",
                        "120§w",
                        "timeouts.tcp-half-open",
                        "where a unit should stand"),
                mistake("duration with units in the wrong order", "5m", "5m2§h", "timeouts.udp", "in the wrong order"),
                mistake("no time", "5m", "§0s", "timeouts.udp", "use 1s to 30d"),
                mistake("too long a time", "5m", "§31d", "timeouts.udp", "use 1s to 30d"),
                mistake(
                        "no guest",
                        GOOD.substring(GOOD.indexOf("guests:"), GOOD.indexOf("rules:")),
                        "§guests: []\n",
                        "guests",
                        "names no guest"),
                mistake("tab", "  pcap: up0", "§\tpcap: up0", "yaml", "has a tab where blanks should indent"),
                mistake(
                        "bad indentation",
                        "  claims: sockets",
                        "   claims§: sockets",
                        "yaml",
                        "indent the line like its neighbours"),
                mistake("open quote", "\"02:00:5e:00:00:01\"", "\"02:00:5e:00:00:01", "yaml", "the quotes"),
                mistake("open bracket", "{ pcap: vm1 } }", "{ pcap: vm1 }", "yaml", "the brackets"),
                mistake("anchor", "192.0.2.0/24", "§&net 192.0.2.0/24", "yaml", "has an anchor"),
                mistake("alias node", "192.0.2.0/24", "§*net", "yaml", "uses an alias"),
                mistake("type tag", "pcap: up0", "pcap: §!!str up0", "yaml", "has a type tag"),
                mistake("second document", "timeouts:", "§---\ntimeouts:", "yaml", "has a second document"),
                mistake(
                        "deep nesting",
                        "alias: 192.0.2.254",
                        "alias: " + "[".repeat(15) + "§[" + "]".repeat(16),
                        "yaml",
                        "nested more than 16 levels"),
                mistake("control character", "alias: 192.0.2.254", "alias: §\u0007", "yaml", "U+0007"),
                mistake("not keys at all", GOOD, "§just some words\n", "file", "is not a group of keys"),
                mistake("list at the top", GOOD, "§- address: 192.0.2.10\n", "file", "is not a group of keys"),
                mistake("nothing but comments", GOOD, "§# nothing yet\n", "file", "is empty"));
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void isToldWithPlaceKeyAndCure(Case mistake) {
        assertThat(GOOD).contains(mistake.good);
        String marked = GOOD.replace(mistake.good, mistake.bad);
        String text = marked.replace("§", "");

        List<ConfigProblem> problems = problemsOf(text);

        assertThat(problems).hasSizeGreaterThanOrEqualTo(1);
        ConfigProblem problem = problems.get(0);
        assertThat(problem.key()).isEqualTo(mistake.key);
        assertThat(problem.toString()).contains(mistake.message).startsWith("gw.yaml:" + problem.line() + ":");
        if (marked.contains("§")) {
            Spot expected = YamlFile.spotAfter(marked.substring(0, marked.indexOf('§')));
            assertThat(new Spot(problem.line(), problem.column()))
                    .as(problem.toString())
                    .isEqualTo(expected);
        }
        assertThat(problem.problem()).isNotBlank();
        assertThat(problem.cure()).isNotBlank();
    }

    private static List<ConfigProblem> problemsOf(String text) {
        return assertThrows(BadConfigurationException.class, () -> GatewayFile.parse(text, "gw.yaml"))
                .problems();
    }

    @Test
    void theFileWithoutMistakesIsGood() throws Exception {
        assertThat(GatewayFile.parse(GOOD, "gw.yaml").guests()).hasSize(2);
    }

    @Test
    void everyMistakeIsToldInTheOrderOfTheirPlaces() {
        String text = GOOD.replace("router: 192.0.2.1\n", "router: 192.0.2\n")
                .replace("claims: sockets", "claims: none")
                .replace("name: db", "name: web")
                .replace("5000-5009 -> db", "5000-5009 -> nas:1-2")
                .replace("port 25", "port 0")
                .replace("udp: 5m", "udp: soon");

        assertThat(problemsOf(text))
                .extracting(ConfigProblem::key)
                .containsExactly(
                        "router",
                        "uplink.claims",
                        "guests[1].name",
                        "forwards[1]",
                        "rules.chain[0]",
                        "nat.one-to-one[1]",
                        "timeouts.udp");
    }

    @Test
    void whatSocketsCannotDoIsToldBeforeTheStart() {
        String text = GOOD.replaceFirst("(?s)uplink:.*?capacity", "uplink: { sockets: {} }\ncapacity")
                .replace("port-overloading: false", "port-overloading: true")
                .replace("window-checks: true", "mid-stream-pickup: true");

        assertThat(problemsOf(text))
                .extracting(ConfigProblem::key)
                .containsExactly(
                        "nat.tcp.port-overloading",
                        "nat.tcp-tracking.mid-stream-pickup",
                        "nat.protocols[0]",
                        "nat.protocols[1]",
                        "nat.one-to-one[0]",
                        "nat.one-to-one[1]",
                        "nat.exempt[0]");
    }

    @Test
    void aMisspeltRequiredKeyIsOneMistake() {
        assertThat(problemsOf(GOOD.replace("prefix:", "prefx:")))
                .extracting(ConfigProblem::toString)
                .containsExactly("gw.yaml:2:1: prefx: is not a known key; did you mean 'prefix'?");
    }

    @Test
    void nothingFollowsFromAValueThatCouldNotBeRead() {
        assertThat(problemsOf(GOOD.replace("prefix: 192.0.2.0/24", "prefix: 192.0.2.0/99")))
                .extracting(ConfigProblem::key)
                .containsExactly("prefix");
        assertThat(problemsOf(GOOD.replace("name: db", "name: d b")))
                .extracting(ConfigProblem::key)
                .containsExactly("guests[1].name");
    }

    @Test
    void aMessageStaysOnOneLine() {
        assertThat(problemsOf(GOOD.replace("alias: 192.0.2.254", "alias: \"a\\nb\\e[31m\"")))
                .extracting(ConfigProblem::toString)
                .allSatisfy(line -> assertThat(line).doesNotContain("\n").doesNotContain("\u001b"));
    }

    @Test
    void anAliasBombIsRefusedAtOnce() {
        StringBuilder text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 40; i++) {
            text.append("a" + i + ": &a" + i + " ["
                    + "*a".concat(Integer.toString(i - 1)).concat(", ").repeat(8) + "]\n");
        }
        assertThat(problemsOf(text.toString()))
                .allSatisfy(p -> assertThat(p.key()).isEqualTo("yaml"));
    }
}
