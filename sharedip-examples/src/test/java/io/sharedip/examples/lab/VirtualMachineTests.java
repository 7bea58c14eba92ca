package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What three virtual machines with the host's own address see behind one gateway, whatever its uplink. */
@Tag("vm")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class VirtualMachineTests {

    private static final int FIRST_FORWARD = 8081;
    private static final int DOWNLOAD = 20_000_000;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final GatewayFile file;
    private ThreeVirtualMachines running;

    VirtualMachineTests(GatewayFile file) {
        this.file = file;
    }

    @BeforeAll
    void boot() {
        GatewayFile forwarding = file;
        for (String name : SAME_ADDRESS_GUESTS) {
            forwarding = forwarding.forward("tcp " + forwardOf(name) + " -> " + name + ":80");
        }
        running = ThreeVirtualMachines.boot(forwarding);
    }

    @AfterAll
    void end() {
        if (running != null) {
            running.close();
        }
    }

    ThreeVirtualMachines running() {
        return running;
    }

    private static int forwardOf(String name) {
        return FIRST_FORWARD + SAME_ADDRESS_GUESTS.indexOf(name);
    }

    @Test
    void each_guest_gets_the_hosts_own_address_by_dhcp() {
        for (VirtualMachine machine : running.machines()) {
            assertThat(machine.run("cat /tmp/lease").orThrow().out())
                    .contains("ip=" + ADDRESS + " ", "router=" + ROUTER + " ", "mtu=" + ThreeVirtualMachines.MTU + " ");
            assertThat(machine.run("ip addr show dev eth0").orThrow().out())
                    .contains("mtu " + ThreeVirtualMachines.MTU, "inet " + ADDRESS + "/24");
        }
    }

    @Test
    void each_guest_looks_a_name_up_and_fetches_and_pings() {
        for (VirtualMachine machine : running.machines()) {
            assertThat(machine.run("nslookup -type=a " + NameServer.NAME)
                            .orThrow()
                            .out())
                    .contains(FAR);
            assertThat(machine.run("wget -qO- http://" + NameServer.NAME + "/")
                            .orThrow()
                            .out())
                    .contains("this is far");
            assertThat(machine.run("ping -c 2 -W 3 " + FAR).orThrow().out()).contains("2 packets received");
        }
    }

    @Test
    void an_outside_machine_reaches_each_guest_and_is_seen_as_itself() {
        for (String name : SAME_ADDRESS_GUESTS) {
            assertThat(fetch(name, "/")).isEqualTo("this is " + name + "\n");
            assertThat(fetch(name, "/cgi-bin/who")).contains("you are").contains(NEAR);
        }
    }

    private String fetch(String guest, String page) {
        return running.network()
                .near()
                .run("curl", "-sS", "--max-time", "20", "http://" + ADDRESS + ":" + forwardOf(guest) + page)
                .orThrow()
                .out();
    }

    @Test
    void datagrams_of_9000_octets_pass_whole() {
        int data = ThreeVirtualMachines.MTU - 28;
        assertThat(running.machine("web")
                        .run("ping -c 2 -W 3 -s " + data + " " + NEAR)
                        .orThrow()
                        .out())
                .contains("2 packets received");
    }

    @Test
    void two_guests_download_at_once_what_the_server_has() {
        String digest = running.nearWeb().random("download", DOWNLOAD);
        String command = "wget -qO- http://" + NEAR + "/download | sha256sum";
        List<VirtualMachine> two = List.of(running.machine("web"), running.machine("db"));
        two.forEach(machine -> machine.start(command));
        for (VirtualMachine machine : two) {
            assertThat(machine.await(command, PATIENCE).orThrow().out()).startsWith(digest);
        }
    }

    @Test
    void a_guest_that_is_reset_or_replaced_comes_back_with_its_forward() {
        VirtualMachine mail = running.machine("mail");
        mail.reset();
        mail.awaitReady();
        assertThat(mail.run("wget -qO- http://" + NEAR + "/").orThrow().out()).contains("this is near");
        assertThat(fetch("mail", "/")).isEqualTo("this is mail\n");

        running.replace("mail");
        assertThat(running.machine("mail")
                        .run("wget -qO- http://" + NEAR + "/")
                        .orThrow()
                        .out())
                .contains("this is near");
        assertThat(fetch("mail", "/")).isEqualTo("this is mail\n");
    }
}
