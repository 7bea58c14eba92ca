package io.sharedip.netty.internal.sockets;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import org.junit.jupiter.api.Test;

class PortProblemsTest {

    @Test
    void a_privileged_port_is_named_with_three_cures() {
        assertThat(PortProblems.of(IpProtocol.TCP, null, 1, Failures.EACCES, null))
                .hasMessageContaining("'tcp 1' ")
                .hasMessageContaining("is privileged: this process may bind ports from ")
                .hasMessageContaining("CAP_NET_BIND_SERVICE")
                .hasMessageContaining("net.ipv4.ip_unprivileged_port_start=1");
        assertThat(PortProblems.of(IpProtocol.UDP, Ipv4Address.of(10, 0, 0, 1), 65_000, Failures.EPERM, null))
                .hasMessageContaining("'udp 10.0.0.1:65000' the host does not allow it to be bound");
    }

    @Test
    void no_descriptor_left_and_the_unknown_are_said_as_they_are() {
        assertThat(PortProblems.of(IpProtocol.TCP, null, 80, Failures.EMFILE, null))
                .hasMessageContaining("no file descriptor is left; raise the limit (ulimit -n)");
        assertThat(PortProblems.of(IpProtocol.TCP, null, 80, 71, null)).hasMessageContaining("error 71");
        assertThat(PortProblems.of(IpProtocol.TCP, null, 80, 0, new IllegalStateException("odd")))
                .hasMessageContaining("cannot be bound: odd");
    }
}
