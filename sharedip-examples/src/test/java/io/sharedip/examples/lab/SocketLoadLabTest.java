package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** Many connections and many octets through sockets of the host. */
@Tag("lab")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SocketLoadLabTest {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int AT_ONCE = 1000;
    private static final int OCTETS = 20_000;
    private static final int ONE_AFTER_ANOTHER = 10_000;
    private static final int BEFORE_THAT = 1000;
    private static final int PAGES = 7002;
    /** What 50 octets for each connection would take: less than its smallest part. */
    private static final long HEAP_GROWTH = 50L * ONE_AFTER_ANOTHER;

    private static SocketLab running;
    private static LabMachine web;

    @BeforeAll
    static void start() {
        running = SocketLab.with(
                GatewayFile.withSockets()
                        .setting("capacity: { flows: 20000, flows-per-guest: 15000 }")
                        .setting("timeouts: { tcp-transitory: 1s, udp: 1s }"),
                SocketLab.WIDEST_MTU);
        web = running.join("web", SocketLab.WIDEST_MTU);
        running.echoOn(running.near(), 7000);
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    @Test
    @Order(1)
    void a_thousand_connections_carry_data_at_the_same_time() throws IOException {
        Path go = running.lab().directory().resolve("go");
        LabProgram clients = running.java(
                web,
                EchoClients.class,
                NEAR,
                "7000",
                "20000",
                Integer.toString(AT_ONCE),
                Integer.toString(OCTETS),
                go.toString());
        clients.awaitText("connected " + AT_ONCE, PATIENCE);
        assertThat(running.gateway().flows()).hasSize(AT_ONCE);
        assertThat(running.gateway().flows()).extracting(FlowRow::state).containsOnly("ESTABLISHED");

        Files.writeString(go, "");

        Outcome outcome = clients.await(PATIENCE);
        assertThat(outcome.exit()).as(outcome.describe()).isZero();
        assertThat(outcome.out()).contains("echoed " + (long) AT_ONCE * OCTETS + " octets");
        awaitNoFlow();
    }

    /** After the others, which have filled the pools of memory that the gateway keeps. */
    @Test
    @Order(3)
    void ten_thousand_connections_one_after_another_leave_nothing_behind() {
        running.java(running.near(), PageServer.class, Integer.toString(PAGES));
        Listening.await(running.near(), "tcp", PAGES, PATIENCE);
        connectOneAfterAnother(BEFORE_THAT);
        awaitNoFlow();
        Footprint before = Footprint.of(running.host(), running.gateway().pid());

        connectOneAfterAnother(ONE_AFTER_ANOTHER);

        awaitNoFlow();
        Footprint after = Footprint.of(running.host(), running.gateway().pid());
        assertThat(after.files()).as("file descriptors").isLessThanOrEqualTo(before.files());
        assertThat(after.heap()).as("heap").isLessThan(before.heap() + HEAP_GROWTH);
        assertThat(running.host().run("ss", "-Htnp").orThrow().out()).doesNotContain("java");
    }

    private static void connectOneAfterAnother(int count) {
        Outcome pages = web.start(
                        "curl",
                        "-sS",
                        "-H",
                        "Connection: close",
                        "-o",
                        "/dev/null",
                        "-w",
                        "%{http_code} %{num_connects}\\n",
                        "http://" + NEAR + ":" + PAGES + "/?[1-" + count + "]")
                .await(PATIENCE);
        assertThat(pages.orThrow().lines()).hasSize(count).containsOnly("200 1");
    }

    private static void awaitNoFlow() {
        Waiting.require(
                "the end of all flows",
                PATIENCE,
                () -> running.gateway().flows().isEmpty());
    }

    /** Both ways at the same time. The size is the system property {@code sharedip.lab.octets}. */
    @Test
    @Order(2)
    void a_gigabyte_goes_each_way_as_it_was() {
        long octets = Long.getLong("sharedip.lab.octets", 1_000_000_000);

        running.exchange(web, octets, octets, PATIENCE);
    }
}
