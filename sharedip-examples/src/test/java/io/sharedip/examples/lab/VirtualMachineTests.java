package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
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
    private static final int IP_AND_ICMP = 28;
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

    /** Every wire between the two has this MTU, so what anybody on the way cuts up is seen by the end that sends or the one that gets it. */
    @Test
    void datagrams_of_9000_octets_pass_whole_and_larger_ones_in_pieces() {
        List<Long> before = pieces();
        pingNear(ThreeVirtualMachines.MTU);
        assertThat(pieces()).isEqualTo(before);

        pingNear(ThreeVirtualMachines.MTU + 1);
        assertThat(pieces()).zipSatisfy(before, (now, then) -> assertThat(now).isGreaterThan(then));
    }

    private void pingNear(int octets) {
        assertThat(running.machine("web")
                        .run("ping -c 2 -W 3 -s " + (octets - IP_AND_ICMP) + " " + NEAR)
                        .orThrow()
                        .out())
                .contains("2 packets received");
    }

    /** How many fragments the guest and the near machine have made and got. */
    private List<Long> pieces() {
        return Stream.of(
                        running.machine("web").run("grep ^Ip: /proc/net/snmp"),
                        running.network().near().run("grep", "^Ip:", "/proc/net/snmp"))
                .flatMap(counters -> Stream.of("FragCreates", "ReasmReqds")
                        .map(name -> counter(counters.orThrow().lines(), name)))
                .toList();
    }

    private static long counter(List<String> namesAndValues, String name) {
        List<String> names = Arrays.asList(namesAndValues.get(0).split("\\s+", -1));
        assertThat(names).contains(name);
        return Long.parseLong(
                Arrays.asList(namesAndValues.get(1).split("\\s+", -1)).get(names.indexOf(name)));
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
