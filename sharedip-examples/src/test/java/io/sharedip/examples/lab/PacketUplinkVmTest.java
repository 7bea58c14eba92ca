package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Three virtual machines behind a card. */
class PacketUplinkVmTest extends VirtualMachineTests {

    PacketUplinkVmTest() {
        super(GatewayFile.withClaims("sockets"));
    }

    @Test
    void each_guest_finds_the_way_hop_by_hop() {
        for (VirtualMachine machine : running().machines()) {
            assertThat(machine.run("traceroute -n -q 1 -w 3 " + FAR).orThrow().out())
                    .contains(OneAddressNetwork.ROUTER, OneAddressNetwork.DISTANT_ROUTER, FAR);
        }
    }
}
