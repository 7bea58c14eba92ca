package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Three virtual machines with the host's own address behind the host's sockets. */
@Tag("vm")
class SocketUplinkVmTest {

    private static ThreeVirtualMachines running;

    @BeforeAll
    static void boot() {
        running = ThreeVirtualMachines.boot(
                GatewayFile.withSockets()
                        .forward("tcp 8081 -> web:80")
                        .forward("tcp 8082 -> db:80")
                        .forward("tcp 8083 -> mail:80"),
                ThreeVirtualMachines.staticAddress());
    }

    @AfterAll
    static void end() {
        if (running != null) {
            running.close();
        }
    }

    @Test
    void each_guest_fetches_and_pings() {
        for (VirtualMachine machine : running.machines()) {
            assertThat(machine.run("wget -qO- http://" + FAR + "/").orThrow().out())
                    .contains("this is far");
            assertThat(machine.run("ping -c 2 -W 3 " + FAR).orThrow().out()).contains("2 packets received");
        }
    }

    @Test
    void an_outside_machine_reaches_each_guest_and_is_seen_as_itself() {
        int port = 8081;
        for (String name : OneAddressNetwork.SAME_ADDRESS_GUESTS) {
            String url = "http://" + ADDRESS + ":" + port++;
            assertThat(fetch(url + "/")).isEqualTo("this is " + name + "\n");
            assertThat(fetch(url + "/cgi-bin/who")).contains("you are").contains(NEAR);
        }
    }

    private static String fetch(String url) {
        return running.network()
                .near()
                .run("curl", "-sS", "--max-time", "20", url)
                .orThrow()
                .out();
    }

    @Test
    void datagrams_of_9000_octets_pass_whole() {
        assertThat(running.machine("web")
                        .run("ping -c 2 -W 3 -s " + (ThreeVirtualMachines.MTU - 28) + " " + NEAR)
                        .orThrow()
                        .out())
                .contains("2 packets received");
    }

    @Test
    void a_guest_that_is_reset_comes_back_with_its_forward() {
        VirtualMachine mail = running.machine("mail");
        mail.reset();
        mail.awaitReady();

        assertThat(mail.run("wget -qO- http://" + NEAR + "/").orThrow().out()).contains("this is near");
        assertThat(fetch("http://" + ADDRESS + ":8083/")).isEqualTo("this is mail\n");
    }
}
