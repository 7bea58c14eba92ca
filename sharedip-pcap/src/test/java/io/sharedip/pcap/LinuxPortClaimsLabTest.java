package io.sharedip.pcap;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.pcap.Lab.Program;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Claims on a real kernel, knocked at from the other end of the cable. */
@Tag("lab")
class LinuxPortClaimsLabTest {

    private static final String SOCKETS = "claims sockets " + Lab.HOST_ADDRESS;
    private static final String FIREWALL = "claims firewall " + Lab.HOST_ADDRESS;

    private static final String SECOND_ADDRESS = "10.9.0.3";

    private static Lab lab;

    @BeforeAll
    static void build() {
        lab = new Lab();
    }

    @AfterAll
    static void remove() {
        if (lab != null) {
            lab.close();
        }
    }

    @AfterEach
    void endPrograms() {
        lab.endPrograms();
    }

    /** The outside: sends what a guest's peers would send, and listens for what the host's kernel says to it. */
    private static final class Outside {

        private final Program sender = lab.peerAgent("link uplink pe0");
        private final Program tcpdump = lab.startOnPeer(
                "tcpdump -nl --immediate-mode -Q in -i pe0 'tcp[tcpflags] & tcp-rst != 0 or icmp[icmptype] == 3'");
        private final String hostMac =
                lab.onHost("cat /sys/class/net/up0/address").text().strip();

        Outside() {
            tcpdump.expect("listening");
            // so that the kernel has somebody to answer to
            lab.onHost("ip neigh replace 10.9.0.50 lladdr 02:00:00:00:00:99 dev up0");
            // else the kernel falls silent by itself after a few errors a second
            lab.onHost("echo 0 > /proc/sys/net/ipv4/icmp_ratelimit");
        }

        /** Sends a SYN-ACK, a SYN and a datagram; returns how many resets and ICMP errors came back. */
        int answers(int port) {
            return answers(Lab.HOST_ADDRESS, port);
        }

        int answers(String address, int port) {
            int before = heard();
            for (byte[] frame : new byte[][] {
                Frames.tcp(hostMac, "10.9.0.50", 80, address, port, Frames.SYN_ACK),
                Frames.tcp(hostMac, "10.9.0.50", 81, address, port, 2),
                Frames.udp(hostMac, "10.9.0.50", 53, address, port, 64)
            }) {
                sender.ask("send " + Frames.hex(frame), "SENT true");
            }
            Lab.pause(200);
            return heard() - before;
        }

        /** Sends a packet of each protocol; returns how many ICMP errors came back. */
        int answersToProtocols(int... protocols) {
            return answersToProtocols(Lab.HOST_ADDRESS, protocols);
        }

        int answersToProtocols(String address, int... protocols) {
            int before = heard();
            for (int protocol : protocols) {
                byte[] frame = Frames.protocol(hostMac, "10.9.0.50", address, protocol, "12345678");
                sender.ask("send " + Frames.hex(frame), "SENT true");
            }
            Lab.pause(200);
            return heard() - before;
        }

        private int heard() {
            return (int) tcpdump.said().stream()
                    .filter(line -> line.contains(" > 10.9.0.50"))
                    .count();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {SOCKETS, FIREWALL})
    void theKernelIsSilentWhereAPortIsClaimedAndOnlyThere(String kind) {
        Outside outside = new Outside();
        assertThat(outside.answers(61_000)).as("control, unclaimed").isEqualTo(3);

        Program agent = lab.agent(kind);
        assertThat(agent.ask("claim tcp 61000-61009", "CLAIMED")).contains("CLAIMED 61000-61009 ");
        assertThat(agent.ask("claim udp 61000-61009", "CLAIMED")).contains("CLAIMED 61000-61009 ");
        Program capture = lab.agent("link uplink up0");
        assertThat(outside.answers(61_000)).isZero();
        for (int i = 0; i < 3; i++) {
            assertThat(capture.expect("ee48"))
                    .as("a capture sees what the kernel does not answer")
                    .startsWith("F ");
        }
        assertThat(outside.answers(61_009)).isZero();
        assertThat(outside.answers(61_010)).as("control, the next port").isEqualTo(3);

        agent.ask("release tcp 61009", "RELEASED");
        agent.ask("release udp 61009-61020", "RELEASED");
        assertThat(outside.answers(61_009)).isEqualTo(3);
        assertThat(outside.answers(61_008)).isZero();
        assertThat(agent.ask("claim udp 61008-61009", "CLAIMED")).contains("CLAIMED 61008-61009 ");

        agent.ask("quit", "CLOSED");
        assertThat(outside.answers(61_000)).isEqualTo(3);
        assertThat(lab.onHost("nft list ruleset").text()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {SOCKETS, FIREWALL})
    void case19_theKernelIsSilentAboutAProtocolThatIsClaimedAndOnlyAboutThat(String kind) {
        Outside outside = new Outside();
        assertThat(outside.answersToProtocols(47, 50, 132))
                .as("control, unclaimed")
                .isEqualTo(3);

        Program agent = lab.agent(kind);
        agent.ask("claimProtocol 47", "CLAIMED protocol 47");
        agent.ask("claimProtocol 132", "CLAIMED protocol 132");
        agent.ask("claimProtocol 47", "CLAIMED protocol 47");
        Program capture = lab.agent("link uplink up0");
        assertThat(outside.answersToProtocols(47)).isZero();
        assertThat(capture.expect("3132333435363738"))
                .as("a capture sees what the kernel does not answer")
                .startsWith("F ");
        assertThat(outside.answersToProtocols(132)).isZero();
        assertThat(outside.answersToProtocols(50))
                .as("control, another protocol")
                .isEqualTo(1);

        agent.ask("quit", "CLOSED");
        assertThat(outside.answersToProtocols(47)).isEqualTo(1);
        assertThat(lab.onHost("nft list ruleset").text()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {SOCKETS, FIREWALL})
    void case03_claimsThatMoveLeaveTheOldAddressToTheKernelAndHoldTheNewOne(String kind) {
        withSecondAddress(() -> {
            Outside outside = new Outside();
            Program agent = lab.agent(kind);
            agent.ask("claim tcp 61000-61009", "CLAIMED 61000-61009 ");
            agent.ask("claim udp 61000-61009", "CLAIMED 61000-61009 ");
            agent.ask("claimProtocol 47", "CLAIMED protocol 47");
            lab.startOnHost("nc -l " + SECOND_ADDRESS + " 61005");
            Lab.waitUntil("the listener", () -> lab.onHost("ss -ltn").text().contains(":61005"));
            assertThat(outside.answers(61_000)).isZero();
            assertThat(outside.answersToProtocols(47)).isZero();

            agent.ask("move " + SECOND_ADDRESS, "MOVED");

            assertThat(outside.answers(61_000)).as("the old address").isEqualTo(3);
            assertThat(outside.answersToProtocols(47)).as("the old address").isEqualTo(1);
            assertThat(outside.answers(SECOND_ADDRESS, 61_000))
                    .as("nothing is claimed at the new one yet")
                    .isEqualTo(3);
            assertThat(agent.ask("claim tcp 61000-61009", "CLAIMED"))
                    .as("a program of the host has one port, at the new address only")
                    .contains("CLAIMED 61000-61004,61006-61009 ");
            agent.ask("claim udp 61000-61009", "CLAIMED 61000-61009 ");
            agent.ask("claimProtocol 47", "CLAIMED protocol 47");
            assertThat(outside.answers(SECOND_ADDRESS, 61_000)).isZero();
            assertThat(outside.answersToProtocols(SECOND_ADDRESS, 47)).isZero();
            assertThat(outside.answers(61_000)).as("the old address").isEqualTo(3);

            agent.ask("quit", "CLOSED");
            assertThat(outside.answers(SECOND_ADDRESS, 61_000)).isEqualTo(3);
            assertThat(lab.onHost("nft list ruleset").text()).isEmpty();
        });
    }

    /** Sockets cannot be had at an address that is not the host's; a firewall's table not while another process owns it. */
    @ParameterizedTest
    @ValueSource(strings = {SOCKETS, FIREWALL})
    void case03_claimsThatCannotMoveHoldNothingAndMayMoveBack(String kind) {
        withSecondAddress(() -> {
            Outside outside = new Outside();
            Program agent = lab.agent(kind);
            agent.ask("claim tcp 61000-61009", "CLAIMED 61000-61009 ");
            agent.ask("claim udp 61000-61009", "CLAIMED 61000-61009 ");
            if (kind.equals(SOCKETS)) {
                assertThat(agent.ask("move 192.0.2.1", "ERROR")).contains("192.0.2.1 is not an address of this host");
            } else {
                lab.agent("claims firewall " + SECOND_ADDRESS);
                assertThat(agent.ask("move " + SECOND_ADDRESS, "ERROR")).contains("another process owns the nft table");
            }
            assertThat(outside.answers(61_000)).isEqualTo(3);

            agent.ask("move " + Lab.HOST_ADDRESS, "MOVED");
            agent.ask("claim tcp 61000-61009", "CLAIMED 61000-61009 ");
            agent.ask("claim udp 61000-61009", "CLAIMED 61000-61009 ");
            assertThat(outside.answers(61_000)).isZero();
            agent.ask("quit", "CLOSED");
        });
    }

    private static void withSecondAddress(Runnable test) {
        lab.onHost("ip address add " + SECOND_ADDRESS + "/24 dev up0");
        try {
            test.run();
        } finally {
            lab.onHost("ip address delete " + SECOND_ADDRESS + "/24 dev up0");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {SOCKETS, FIREWALL})
    void killLeavesNoClaim(String kind) {
        Program agent = lab.agent(kind);
        agent.ask("claim tcp 61000-61099", "CLAIMED 61000-61099");
        agent.ask("claim udp 61000-61099", "CLAIMED 61000-61099");
        long child = Long.parseLong(agent.ask("child", "CHILD").substring(6));
        Outside outside = new Outside();
        assertThat(outside.answers(61_050)).isZero();
        agent.kill();
        Lab.waitUntil(
                "the table to vanish",
                () -> lab.onHost("nft list ruleset").text().isEmpty());
        assertThat(ProcessHandle.of(child))
                .as("a child that outlives the agent")
                .isPresent();
        assertThat(outside.answers(61_050)).isEqualTo(3);
        assertThat(lab.onHost("ss -Hlntu").text()).isEmpty();
        ProcessHandle.of(child).ifPresent(ProcessHandle::destroyForcibly);
    }

    @ParameterizedTest
    @ValueSource(strings = {SOCKETS, FIREWALL})
    void portsThatTheHostUsesStayWithIt(String kind) {
        lab.startOnHost("nc -l 9003");
        lab.startOnHost("nc -ul 127.0.0.1 9004");
        lab.startOnPeer("nc -lk 7000");
        lab.startOnPeer("nc -lk 7001");
        Lab.waitUntil("the listeners", () -> lab.onPeer("ss -ltn").text().contains(":7001"));
        lab.startOnHost("nc -p 9005 " + Lab.PEER_ADDRESS + " 7000");
        lab.onHost("nc -N -p 9006 " + Lab.PEER_ADDRESS + " 7001 < /dev/null");
        Lab.waitUntil("the sockets", () -> {
            String sockets = lab.onHost("ss -Hant").text();
            return sockets.contains(":9003") && sockets.contains(":9005") && sockets.contains("TIME-WAIT");
        });

        Program agent = lab.agent(kind);
        assertThat(agent.ask("claim tcp 9000-9010", "CLAIMED")).contains("CLAIMED 9000-9002,9004,9007-9010 ");
        assertThat(agent.ask("claim udp 9000-9010", "CLAIMED"))
                .as("another address is no conflict")
                .contains("CLAIMED 9000-9010 ");
        agent.ask("release tcp 1-65535", "RELEASED");
        assertThat(agent.ask("claimAll tcp 9000-9010", "ERROR")).contains("9003 is held by program 'nc' (process ");
        assertThat(agent.ask("claimAll tcp 9005", "ERROR")).contains("'tcp 9005' is held by program 'nc'");
        assertThat(agent.ask("claimAll tcp 9006", "ERROR")).contains("closed less than a minute ago");
        assertThat(lab.onHost("timeout 0.3 nc -l 9000").status())
                .as("a refused claimAll keeps nothing")
                .isEqualTo(124);
        agent.ask("claimAll tcp 9007-9010", "CLAIMED all");
        agent.ask("quit", "CLOSED");
    }

    @Test
    void noProgramGetsAPortClaimedBySocket() {
        Program agent = lab.agent(SOCKETS);
        agent.ask("claim tcp 61000", "CLAIMED 61000");
        agent.ask("claim udp 61000", "CLAIMED 61000");
        assertThat(lab.onHost("nc -l 61000").text()).contains("in use");
        assertThat(lab.onHost("nc -ul 61000").text()).contains("in use");
        assertThat(lab.onHost("nc -l " + Lab.HOST_ADDRESS + " 61000").text()).contains("in use");
        assertThat(lab.onHost("nc -p 61000 -w 1 " + Lab.PEER_ADDRESS + " 7000").text())
                .contains("in use");
        assertThat(agent.ask("conflicts", "CONFLICTS")).isEqualTo("CONFLICTS []");
    }

    @Test
    void aProgramOnAPortClaimedByFirewallIsAConflict() {
        Program agent = lab.agent(FIREWALL);
        agent.ask("claim tcp 61000-61010", "CLAIMED");
        assertThat(agent.ask("conflicts", "CONFLICTS")).isEqualTo("CONFLICTS []");
        lab.startOnHost("nc -l 61003");
        Lab.waitUntil("the listener", () -> lab.onHost("ss -ltn").text().contains(":61003"));
        assertThat(agent.ask("conflicts", "CONFLICTS")).contains("port=61003", "program 'nc'");
    }

    @Test
    void theKernelsOwnRangeCannotBeClaimedByFirewall() {
        Program agent = lab.agent(FIREWALL);
        assertThat(agent.ask("claim tcp 60000-61010", "ERROR"))
                .contains("the kernel gives 60000-60999 to host programs", "ip_local_port_range");
        lab.onHost("echo 60000-60999 > /proc/sys/net/ipv4/ip_local_reserved_ports");
        assertThat(agent.ask("claim tcp 60000-61010", "CLAIMED")).contains("CLAIMED 60000-61010 ");
        lab.onHost("echo > /proc/sys/net/ipv4/ip_local_reserved_ports");
        agent.ask("claim tcp 8080", "CLAIMED 8080");
    }

    @Test
    void theFirewallSurvivesTheEndOfItsHolder() {
        Program agent = lab.agent(FIREWALL);
        agent.ask("claim tcp 61000-61010", "CLAIMED");
        agent.ask("claim udp 61000-61010", "CLAIMED");
        assertThat(lab.onHost("kill -9 $(pgrep -P " + agent.pid() + " nft)").ok())
                .isTrue();
        Lab.waitUntil(
                "the table to be back",
                () -> lab.onHost("nft list ruleset").text().contains("61000-61010"));
        assertThat(new Outside().answers(61_005)).isZero();
        assertThat(lab.rawAgent("", FIREWALL).expect("ERROR")).contains("another process owns the nft table");
        agent.ask("quit", "CLOSED");
        assertThat(lab.onHost("nft list ruleset").text()).isEmpty();
    }

    @Test
    void aTableThatNobodyOwnsIsReplaced() {
        lab.onHost("nft add table ip sharedip_10_9_0_1; nft add chain ip sharedip_10_9_0_1 left_over");
        Program agent = lab.agent(FIREWALL);
        assertThat(lab.onHost("nft list ruleset").text())
                .doesNotContain("left_over")
                .contains("flags owner");
        agent.ask("quit", "CLOSED");
    }

    @ParameterizedTest
    @ValueSource(strings = {SOCKETS, FIREWALL})
    void fragmentsOfClaimedDatagramsAreNotAnswered(String kind) {
        Outside outside = new Outside();
        Program agent = lab.agent(kind);
        agent.ask("claim udp 61000", "CLAIMED");
        lab.onPeer("head -c 4000 /dev/zero > /dev/udp/" + Lab.HOST_ADDRESS + "/61000");
        Lab.pause(200);
        assertThat(outside.tcpdump.said()).noneMatch(line -> line.contains("unreachable"));
        lab.onPeer("head -c 4000 /dev/zero > /dev/udp/" + Lab.HOST_ADDRESS + "/61001");
        outside.tcpdump.expect("udp port 61001 unreachable");
        agent.ask("quit", "CLOSED");
    }

    @Test
    void theDefaultPoolIsClaimedQuickly() {
        for (String kind : new String[] {SOCKETS, FIREWALL}) {
            Program agent = lab.agent(kind);
            for (String protocol : new String[] {"tcp", "udp"}) {
                String claimed = agent.ask("claim " + protocol + " 61000-65535", "CLAIMED 61000-65535 in ");
                assertThat(Integer.parseInt(claimed.replaceAll(".* in | ms", "")))
                        .isLessThan(2000);
            }
            // the worst set there is: every second port
            if (kind.equals(FIREWALL)) {
                for (int port = 61_000; port < 61_400; port += 2) {
                    agent.tell("release tcp " + port);
                }
                agent.tell("conflicts");
                agent.expect("CONFLICTS");
                assertThat(lab.onHost("nft list ruleset").text()).contains("61397, 61399");
            }
            agent.ask("quit", "CLOSED");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {SOCKETS, FIREWALL})
    void aUserNamespaceOfOnesOwnIsEnough(String kind) {
        Program agent = lab.rawAgent(Lab.IN_USER_NAMESPACE, kind);
        agent.expect("OPEN");
        agent.ask("claim tcp 61000-61999", "CLAIMED 61000-61999");
        agent.ask("quit", "CLOSED");
    }

    @Test
    void whatIsMissingIsNamedWithTheCure() {
        Program limited = lab.rawAgent("prlimit --nofile=400:400", SOCKETS);
        limited.expect("OPEN");
        assertThat(limited.ask("claim tcp 61000-62000", "ERROR"))
                .contains("takes 1001 file descriptors", "raise `ulimit -n`");
        assertThat(lab.rawAgent("", "claims sockets 192.0.2.1").expect("ERROR"))
                .contains("192.0.2.1 is not an address of this host");
        String without = "setpriv --bounding-set=-all --inh-caps=-all";
        assertThat(lab.rawAgent(without, FIREWALL).expect("ERROR"))
                .contains("nft lacks the right to change the packet filter", "CAP_NET_ADMIN");
        Program unprivileged = lab.rawAgent(without, SOCKETS);
        unprivileged.expect("OPEN");
        assertThat(unprivileged.ask("claim tcp 80", "ERROR")).contains("CAP_NET_BIND_SERVICE");
    }
}
