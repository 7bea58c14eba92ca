package io.sharedip.pcap;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.pcap.Lab.Program;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Links on real cards, against the Linux stack at the other end of the cable. */
@Tag("lab")
class PcapLinkLabTest {

    /** An address that nobody has but the agent. */
    private static final String AGENT_ADDRESS = "10.9.0.100";

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
        lab.onPeer("ip neigh flush all");
        lab.onHost("ip neigh flush all");
    }

    private static boolean pingFromPeer(String address) {
        return lab.onPeer("ping -c 1 -W 0.7 " + address).ok();
    }

    private static boolean peerReachesListener() {
        return lab.onPeer("echo hello | nc -N -w 1 " + Lab.HOST_ADDRESS + " 5001")
                .ok();
    }

    private static void listenOnHost() {
        lab.startOnHost("nc -lk 5001");
        Lab.waitUntil("the listener", () -> lab.onHost("ss -ltn").text().contains(":5001"));
    }

    private static void close(Program agent) {
        String closed = agent.ask("quit", "CLOSED");
        assertThat(Integer.parseInt(closed.substring(7))).isLessThan(1000);
        assertThat(agent.status()).isZero();
    }

    @Test
    void framesGoBothWaysAndOwnInjectionsDoNotComeBack() {
        Program agent = lab.agent("link uplink up0");
        String mac = agent.said()
                .get(agent.said().size() - 1)
                .replaceFirst(".*mac=", "")
                .replace(":", "");
        agent.tell("respond " + AGENT_ADDRESS);

        assertThat(pingFromPeer(AGENT_ADDRESS)).isTrue();
        assertThat(lab.onHost("ping -c 1 -W 1 " + Lab.PEER_ADDRESS).ok())
                .as("the host goes on using its card")
                .isTrue();

        Program second = lab.agent("link uplink up0");
        Program tcpdump = lab.startOnHost("tcpdump -nl --immediate-mode -i up0 ether proto 0x88b5");
        tcpdump.expect("listening");
        second.ask("send ffffffffffff02000000009988b5" + "00".repeat(46), "SENT true");
        tcpdump.expect("0x88b5");
        agent.ask("stats", "STATS");
        assertThat(agent.said())
                .filteredOn(line -> line.startsWith("F "))
                .isNotEmpty()
                .allSatisfy(frame -> {
                    String hex = frame.split(" ")[3];
                    assertThat(hex.substring(12, 24)).as("source MAC").isNotEqualTo(mac);
                    assertThat(hex.substring(24, 28)).as("type").isNotEqualTo("88b5");
                });
        close(second);
        close(agent);
    }

    @Test
    void vlanTagsAreKeptBothWays() {
        Program agent = lab.agent("link uplink up0");
        Program peer = lab.peerAgent("link uplink pe0");
        Program tcpdump = lab.startOnPeer("tcpdump -nel --immediate-mode -Q in -i pe0 vlan 7");
        tcpdump.expect("listening");
        String there = Frames.hex(Frames.tagged(Frames.arpRequest("10.9.7.1", "10.9.7.2"), 7));
        String back = Frames.hex(Frames.tagged(Frames.arpRequest("10.9.7.2", "10.9.7.1"), 0x6007));
        agent.ask("send " + there, "SENT true");
        tcpdump.expect("Request who-has 10.9.7.2 tell 10.9.7.1");
        assertThat(peer.expect("0a090702")).endsWith(" " + there);
        peer.ask("send " + back, "SENT true");
        assertThat(agent.expect("0a090701")).endsWith(" " + back);
        close(agent);
    }

    @Test
    void jumboFramesFit() {
        lab.onHost("ip link set up0 mtu 9000");
        lab.onPeer("ip link set pe0 mtu 9000");
        try {
            Program agent = lab.agent("link uplink up0");
            assertThat(agent.said()).anyMatch(line -> line.startsWith("OPEN mtu=9000"));
            agent.tell("respond " + AGENT_ADDRESS);
            assertThat(lab.onPeer("ping -c 1 -W 1 -M do -s 8972 " + AGENT_ADDRESS)
                            .ok())
                    .isTrue();
            assertThat(agent.said()).anyMatch(line -> line.startsWith("F COMPLETE 9014 "));
            close(agent);
        } finally {
            lab.onHost("ip link set up0 mtu 1500");
            lab.onPeer("ip link set pe0 mtu 1500");
        }
    }

    @Test
    void partialChecksumsAreMarkedAndSuperFramesDroppedWithTheCure() {
        listenOnHost();
        Program agent = lab.agent("link uplink up0");
        agent.tell("respond " + AGENT_ADDRESS);
        lab.onPeer("echo hello > /dev/udp/" + AGENT_ADDRESS + "/9999");
        assertThat(agent.expect("F PARTIAL"))
                .contains(Frames.hex("hello".getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        assertThat(agent.said())
                .filteredOn(line -> line.contains("ethtool -K PEER tx off"))
                .hasSize(1);

        agent.tell("quiet");
        lab.onPeer("head -c 2000000 /dev/zero | nc -N -w 2 " + Lab.HOST_ADDRESS + " 5001");
        assertThat(agent.expect("NOTICE dropped a frame of")).contains("run there: ethtool -K PEER tx off");
        assertThat(agent.ask("stats", "STATS super=")).doesNotContain("super=0 ");

        lab.onPeer("ethtool -K pe0 tx off");
        try {
            // the end of the connection before may still be on its way
            Lab.pause(500);
            String before = agent.ask("stats", "STATS super=");
            lab.onPeer("head -c 2000000 /dev/zero | nc -N -w 2 " + Lab.HOST_ADDRESS + " 5001");
            assertThat(agent.ask("stats", "STATS super=")).isEqualTo(before);
        } finally {
            lab.onPeer("ethtool -K pe0 tx on");
        }
        close(agent);
    }

    @Test
    void mergingIsSwitchedOffAndOnAgain() {
        assertThat(lab.onHost("ethtool -K up0 gro on").ok()).isTrue();
        Program agent = lab.agent("link uplink up0");
        assertThat(lab.onHost("ethtool -k up0").text()).contains("generic-receive-offload: off");
        close(agent);
        assertThat(lab.onHost("ethtool -k up0; ethtool -K up0 gro off").text()).contains("generic-receive-offload: on");
    }

    @Test
    void aGuestLinkIsSealedAgainstTheHost() {
        listenOnHost();
        assertThat(pingFromPeer(Lab.HOST_ADDRESS)).as("control, unsealed").isTrue();
        assertThat(peerReachesListener()).as("control, unsealed").isTrue();
        lab.onPeer("ip neigh flush all");

        Program agent = lab.agent("link guest up0");
        String mac = agent.said().get(agent.said().size() - 1).replaceFirst(".*mac=", "");
        Program tcpdump = lab.startOnPeer("tcpdump -nl --immediate-mode -Q in -i pe0");
        tcpdump.expect("listening");
        assertThat(pingFromPeer(Lab.HOST_ADDRESS)).isFalse();
        assertThat(lab.onPeer("ip neigh show " + Lab.HOST_ADDRESS).text())
                .as("no ARP reply")
                .doesNotContain("lladdr");
        agent.expect("0a090001"); // the capture saw the question
        lab.onPeer("ip neigh replace " + Lab.HOST_ADDRESS + " lladdr " + mac + " dev pe0");
        assertThat(peerReachesListener()).isFalse();
        assertThat(lab.onHost("ping -c 1 -W 1 " + Lab.PEER_ADDRESS).ok()).isFalse();
        assertThat(tcpdump.said())
                .as("nothing of the host is heard")
                .noneMatch(line -> line.contains(" > ") || line.contains("ARP"));
        lab.onPeer("ip neigh del " + Lab.HOST_ADDRESS + " dev pe0");
        agent.tell("respond " + AGENT_ADDRESS);
        assertThat(pingFromPeer(AGENT_ADDRESS)).as("the link itself works").isTrue();
        tcpdump.expect("ICMP echo reply");

        close(agent);
        assertThat(lab.onHost("nft list ruleset").text()).isEmpty();
        assertThat(peerReachesListener()).as("unsealed").isTrue();
    }

    @Test
    void killLeavesNoSeal() {
        Program agent = lab.agent("link guest up0");
        assertThat(lab.onHost("nft list ruleset").text()).contains("sharedip_seal_up0");
        agent.kill();
        Lab.waitUntil(
                "the seal to vanish",
                () -> lab.onHost("nft list ruleset").text().isEmpty());
        assertThat(pingFromPeer(Lab.HOST_ADDRESS)).isTrue();
    }

    @Test
    void aBrokenSealIsALostLinkUntilItIsSealedAgain() {
        Program agent = lab.agent("link guest up0");
        assertThat(lab.onHost("kill -INT $(pgrep -P " + agent.pid() + " nft)").ok())
                .isTrue();
        Lab.pause(100);
        assertThat(agent.said()).as("Ctrl-C does not break it").noneMatch(line -> line.startsWith("DOWN"));
        assertThat(lab.onHost("kill -9 $(pgrep -P " + agent.pid() + " nft)").ok())
                .isTrue();
        agent.expect("DOWN the seal against the host's kernel was broken");
        agent.expect("UP");
        assertThat(lab.onHost("nft list ruleset").text()).contains("sharedip_seal_up0");
        close(agent);
    }

    @Test
    void oneCardIsSealedByOneProcessOnly() {
        Program agent = lab.agent("link guest up0");
        assertThat(lab.rawAgent("", "link guest up0").expect("ERROR"))
                .contains("another process owns the nft table netdev sharedip_seal_up0");
        close(agent);
    }

    @Test
    void aCardThatIsLostComesBack() {
        Program agent = lab.agent("link guest up0");
        agent.tell("respond " + AGENT_ADDRESS);
        lab.onHost("ip link set up0 down");
        agent.expect("DOWN the card is down");
        agent.ask("send ffffffffffff02000000009988b5" + "00".repeat(46), "SENT false");
        lab.onHost("ip link set up0 up");
        agent.expect("UP");
        assertThat(pingFromPeer(AGENT_ADDRESS)).isTrue();

        lab.onHost("ip link delete up0");
        agent.expect("DOWN the card has vanished");
        lab.cable();
        agent.expect("UP");
        assertThat(lab.onHost("nft list ruleset").text()).contains("device \"up0\"");
        assertThat(pingFromPeer(AGENT_ADDRESS)).isTrue();
        assertThat(pingFromPeer(Lab.HOST_ADDRESS)).isFalse();

        lab.onHost("ip link set up0 down");
        agent.expect("DOWN the card is down");
        close(agent);
        assertThat(lab.rawAgent("", "link guest up0").expect("ERROR")).contains("run: ip link set up0 up");
        lab.onHost("ip link set up0 up");
    }

    @Test
    void aUserNamespaceOfOnesOwnIsEnough() {
        Program agent = lab.rawAgent(Lab.IN_USER_NAMESPACE, "link guest up0");
        agent.expect("OPEN");
        agent.expect("F COMPLETE"); // its own neighbour discovery, from the other end of its cable
        close(agent);
    }

    @Test
    void missingRightsAreNamedWithTheCure() {
        String without = "setpriv --bounding-set=-all --inh-caps=-all";
        assertThat(lab.rawAgent(without, "link uplink up0").expect("ERROR"))
                .contains("the right to capture on the card is missing", "CAP_NET_RAW");
        assertThat(lab.rawAgent(without, "link guest up0").expect("ERROR"))
                .contains("cannot be sealed", "CAP_NET_ADMIN");
        assertThat(lab.rawAgent("", "link uplink up1").expect("ERROR"))
                .contains("there is no network card 'up1'", "up0");
        assertThat(lab.rawAgent("", "link uplink lo").expect("ERROR")).contains("is not an Ethernet card");
    }
}
