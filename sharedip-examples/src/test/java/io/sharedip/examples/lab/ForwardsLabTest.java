package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.ALIAS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.PRIVATE_ADDRESS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("lab")
class ForwardsLabTest {
    private static GatewayLab running;

    @BeforeAll
    static void start() {
        running = GatewayLab.with(GatewayFile.withClaims("sockets")
                .forward("tcp 8080 -> web:80")
                .forward("tcp 8081 -> db:80")
                .forward("tcp 8084 -> own:80"));
        WebServer.start(running.lab(), running.network().host(), ADDRESS, 80);
        WebServer.start(running.lab(), running.guest("web"), ADDRESS, 80);
        WebServer.start(running.lab(), running.guest("db"), ADDRESS, 80);
        WebServer.start(running.lab(), running.network().privateGuest(), PRIVATE_ADDRESS, 80);
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    @Test
    void a_forward_is_added_and_removed_while_the_gateway_runs() {
        LabMachine near = running.network().near();
        assertNoPage(near, ADDRESS + ":8090");

        running.gateway().ask("forward", "add", "tcp 8090 -> db:80");
        assertPage(near, ADDRESS + ":8090", "this is db");

        running.gateway().ask("forward", "remove", "tcp 8090");
        assertNoPage(near, ADDRESS + ":8090");
        assertPage(near, ADDRESS + ":8081", "this is db");
    }

    @Test
    void the_most_specific_forward_wins() {
        running.gateway().ask("forward", "add", "tcp 8080 from " + NEAR + "/32 -> db:80");
        try {
            assertPage(running.network().near(), ADDRESS + ":8080", "this is db");
            assertPage(running.network().far(), ADDRESS + ":8080", "this is web");
        } finally {
            running.gateway().ask("forward", "remove", "tcp 8080 from " + NEAR + "/32");
        }
    }

    @Test
    void a_guest_reaches_another_ones_forward_by_the_alias() {
        assertPage(running.guest("mail"), ALIAS + ":8080", "this is web");
        assertPage(running.guest("web"), ALIAS + ":8081", "this is db");
    }

    @Test
    void a_guest_reaches_its_own_forward_by_the_alias() {
        assertPage(running.guest("web"), ALIAS + ":8080", "this is web");
    }

    @Test
    void a_private_guest_reaches_forwards_by_the_shared_address() {
        assertPage(running.network().privateGuest(), ADDRESS + ":8080", "this is web");
        assertPage(running.network().privateGuest(), ADDRESS + ":8084", "this is own");
    }

    @Test
    void a_private_guest_is_reached_through_its_forward_and_reaches_the_outside() {
        assertPage(running.network().far(), ADDRESS + ":8084", "this is own");
        assertPage(running.guest("web"), ALIAS + ":8084", "this is own");
        assertPage(running.network().privateGuest(), NEAR, "this is near");
    }

    @Test
    void a_guest_reaches_no_service_of_the_host_past_the_gateway() {
        assertPage(running.network().near(), ADDRESS, "this is host");
        assertNoPage(running.network().privateGuest(), ADDRESS);
        assertNoPage(running.guest("web"), ALIAS);
    }

    private static void assertPage(LabMachine from, String server, String page) {
        Outcome fetched = Pages.fetch(from, "http://" + server + "/");
        assertThat(fetched.out().strip()).as(fetched.describe()).isEqualTo(page);
    }

    private static void assertNoPage(LabMachine from, String server) {
        Outcome fetched = Pages.fetch(from, "http://" + server + "/", "--connect-timeout", "2");
        assertThat(fetched.ok()).as(fetched.describe()).isFalse();
    }
}
