package io.sharedip.pcap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.internal.host.HostSockets;
import java.io.IOException;
import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Claims as far as they need no rights: sockets on the loopback, and what is read from {@code /proc}. */
class LinuxPortClaimsTest {

    private static final Ipv4Address LOOPBACK = Ipv4Address.of(127, 0, 0, 1);
    private static final String HEADING =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

    @Test
    void claimsAreOpenedOnceAndClosedQuietly() {
        for (LinuxPortClaims claims : List.of(LinuxPortClaims.sockets(), LinuxPortClaims.firewall())) {
            assertThatThrownBy(() -> claims.claim(IpProtocol.TCP, PortRange.of(61_000)))
                    .isInstanceOf(IllegalStateException.class);
            claims.release(IpProtocol.TCP, PortRange.of(61_000));
            assertThat(claims.conflicts()).isEmpty();
            claims.close();
            claims.close();
            assertThatThrownBy(() -> claims.open(LOOPBACK)).isInstanceOf(IllegalStateException.class);
        }
        assertThat(LinuxPortClaims.sockets().kind()).isEqualTo("sockets");
        assertThat(LinuxPortClaims.sockets().reservesPorts()).isTrue();
        assertThat(LinuxPortClaims.firewall().kind()).isEqualTo("firewall");
        assertThat(LinuxPortClaims.firewall().reservesPorts()).isFalse();
    }

    @Test
    void socketsKeepPortsFromPrograms() throws IOException {
        LinuxPortClaims claims = LinuxPortClaims.sockets();
        claims.open(LOOPBACK);
        try {
            int port;
            try (ServerSocket held = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                port = held.getLocalPort();
                assertThat(claims.claim(IpProtocol.TCP, PortRange.of(port))).isEmpty();
                assertThatThrownBy(() -> claims.claimAll(IpProtocol.TCP, PortRange.of(port)))
                        .isInstanceOf(PortClaimException.class)
                        .hasMessageContaining("outside port: 'tcp " + port + "' is held by program 'java' (process "
                                + ProcessHandle.current().pid() + ")");
            }
            PortRange range = PortRange.of(port);
            assertThat(claims.claim(IpProtocol.TCP, range)).containsExactly(range);
            assertThat(claims.claim(IpProtocol.TCP, range)).as("again").containsExactly(range);
            assertThatThrownBy(() -> new ServerSocket(port, 1, InetAddress.getLoopbackAddress()))
                    .isInstanceOf(BindException.class);
            claims.release(IpProtocol.TCP, range);
            new ServerSocket(port, 1, InetAddress.getLoopbackAddress()).close();

            assertThat(claims.claim(IpProtocol.UDP, range)).containsExactly(range);
            assertThatThrownBy(() -> new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)))
                    .isInstanceOf(BindException.class);
            claims.close();
            new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)).close();
        } finally {
            claims.close();
        }
    }

    @Test
    void refusesWhatCannotBeClaimed() {
        LinuxPortClaims claims = LinuxPortClaims.sockets();
        assertThatThrownBy(() -> claims.open(Ipv4Address.of(192, 0, 2, 1)))
                .isInstanceOf(PortClaimException.class)
                .hasMessageContaining("192.0.2.1 is not an address of this host; use one that `ip address` shows");
        claims.open(LOOPBACK);
        assertThatThrownBy(() -> claims.claim(IpProtocol.ICMP, PortRange.of(1)))
                .isInstanceOf(IllegalArgumentException.class);
        claims.close();
    }

    @Test
    void readsTheKernelsSocketTables() {
        List<String> lines = List.of(
                HEADING,
                "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1",
                "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1",
                "   2: 0200000A:EE48 0300000A:0050 06 00000000:00000000 03:00000fff 00000000     0        0 0 3",
                "   3: 0000000000000000FFFF00000200000A:0050 0000:0 01 0:0 00:0 00000000     0        0 333 1",
                "   4: 00000000000000000000000000000000:0051 0000:0 0A 0:0 00:0 00000000     0        0 444 1",
                "   5: nonsense");
        assertThat(HostSockets.parse(lines, Ipv4Address.of(10, 0, 0, 2)))
                .containsExactly(
                        new HostSockets.Entry(22, 10, 222),
                        new HostSockets.Entry(61_000, HostSockets.TIME_WAIT, 0),
                        new HostSockets.Entry(80, 1, 333),
                        new HostSockets.Entry(81, 10, 444));
        assertThat(HostSockets.parse(List.of(), LOOPBACK)).isEmpty();
        assertThat(HostSockets.describe(new HostSockets.Entry(1, HostSockets.TIME_WAIT, 0)))
                .contains("closed less than a minute ago");
        assertThat(HostSockets.owner(-1)).isEmpty();
    }

    @Test
    void readsTheKernelsOwnPorts() {
        BitSet ports = HostSockets.ephemeralPorts("32768\t60999\n", "8080,40000-40001,60999\n");
        assertThat(ports.cardinality()).isEqualTo(60_999 - 32_768 + 1 - 3);
        assertThat(ports.get(32_768)).isTrue();
        assertThat(ports.get(40_001)).isFalse();
        assertThat(ports.get(61_000)).isFalse();
        assertThat(HostSockets.ephemeralPorts("1024 65535", "\n").cardinality()).isEqualTo(64_512);
        assertThat(HostSockets.ephemeralPorts()).as("this machine's").isNotNull();
    }

    @Test
    void turnsPortsIntoRanges() {
        BitSet ports = new BitSet();
        ports.set(5, 8);
        ports.set(10);
        ports.set(65_535);
        assertThat(LinuxPortClaims.ranges(ports))
                .containsExactly(PortRange.of(5, 7), PortRange.of(10), PortRange.of(65_535));
        assertThat(LinuxPortClaims.within(ports, PortRange.of(6, 10)).toString())
                .isEqualTo("{6, 7, 10}");
        assertThat(LinuxPortClaims.ranges(new BitSet())).isEmpty();
    }

    @Test
    void replacesASetInOneTransaction() {
        BitSet ports = new BitSet();
        ports.set(61_000, 61_010);
        ports.set(80);
        assertThat(FirewallClaims.tableName(Ipv4Address.of(10, 0, 0, 2))).isEqualTo("sharedip_10_0_0_2");
        assertThat(FirewallClaims.replace("t", IpProtocol.UDP, ports))
                .isEqualTo("flush set ip t udp_ports; add element ip t udp_ports { 80, 61000-61009 }");
        assertThat(FirewallClaims.replace("t", IpProtocol.TCP, new BitSet())).isEqualTo("flush set ip t tcp_ports");
    }
}
