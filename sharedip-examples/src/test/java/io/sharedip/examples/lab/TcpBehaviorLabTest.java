package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjIntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What TCP programs see of mapping and filtering: from one port a guest calls two outside machines on two ports each, which tell it
 * from where it came; and outside machines call back. {@code own} does so from ports that it alone uses; and then
 * {@code own}, {@code mail} and {@code web} do so from one and the same.
 */
@Tag("lab")
class TcpBehaviorLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String MAIL_ADDRESS = "10.77.0.3";
    private static final String INDEPENDENT = "endpoint-independent";
    private static final String BY_ADDRESS = "address-dependent";
    private static final String BY_ENDPOINT = "address-and-port-dependent";
    private static final List<String> BEHAVIORS = List.of(INDEPENDENT, BY_ADDRESS, BY_ENDPOINT);
    private static final Pattern OUTSIDE = Pattern.compile(Pattern.quote(ADDRESS) + ":(\\d+)");

    private static final int FIRST = 7001;
    private static final int SECOND = 7002;
    private static final int ALONE = 61500;
    private static final int TOGETHER = 61600;

    private static GatewayLab running;

    static Stream<Arguments> settings() {
        return BEHAVIORS.stream()
                .flatMap(mapping -> BEHAVIORS.stream().map(filtering -> Arguments.of(mapping, filtering)));
    }

    @BeforeAll
    static void start() {
        running = GatewayLab.with(file("mapping: " + INDEPENDENT));
        running.network().readdress(running.guest("mail"), MAIL_ADDRESS);
        for (LabMachine machine :
                List.of(running.network().near(), running.network().far())) {
            for (int port : List.of(FIRST, SECOND)) {
                machine.start(
                        "socat",
                        "TCP-LISTEN:" + port + ",reuseaddr,reuseport,fork",
                        "SYSTEM:echo $SOCAT_PEERADDR\\:$SOCAT_PEERPORT; cat");
                Listening.await(machine, "tcp", port, PATIENCE);
            }
        }
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    private static GatewayFile file(String behavior) {
        return GatewayFile.withClaims("sockets")
                .address("mail", MAIL_ADDRESS)
                .setting("nat: { tcp: { " + behavior + " } }");
    }

    @ParameterizedTest(name = "rfc5382_req1_and_req3_tcp_programs_find mapping {0}, filtering {1}")
    @MethodSource("settings")
    void rfc5382_req1_and_req3_tcp_programs_find_exactly_what_is_set(String mapping, String filtering) {
        running.restart(file("mapping: " + mapping + ", filtering: " + filtering));
        LabMachine own = running.network().privateGuest();
        List<Caller> callers = List.of(
                new Caller(own, ALONE),
                new Caller(own, TOGETHER),
                new Caller(running.guest("mail"), TOGETHER),
                new Caller(running.guest("web"), TOGETHER));
        try {
            for (String server : List.of(NEAR, FAR)) {
                askAll(callers, 0, server, FIRST, Caller::remember);
                askAll(callers, 0, server, SECOND, Caller::remember);
            }
            assertThat(callers)
                    .allSatisfy(caller -> assertThat(firstOfSame(caller.seen))
                            .as("%s calls from %s", caller, caller.seen)
                            .isEqualTo(firstOfSameWith(mapping)));
            assertThat(callers.stream().flatMap(caller -> caller.seen.stream().distinct()))
                    .as("no two guests have the same port")
                    .doesNotHaveDuplicates();

            askAll(callers, 1, NEAR, FIRST, (caller, outside) -> caller.callBack(outside, filtering));
            callers.forEach(Caller::checkAnswers);
        } finally {
            callers.forEach(Caller::close);
        }
        int refused = callers.size() * BEHAVIORS.indexOf(filtering);
        assertThat(running.gateway().drops().getOrDefault("FILTERED_BY_MAPPING", 0L))
                .isGreaterThanOrEqualTo(refused);
    }

    /**
     * All callers at once ask from where they come when they come from their port, or so much behind it, and hear it. Each connection has
     * ended then: one port has one connection to a peer.
     */
    private static void askAll(
            List<Caller> callers, int behind, String server, int port, ObjIntConsumer<Caller> hears) {
        List<LabProgram> questions = callers.stream()
                .map(caller -> ask(caller.guest, caller.port + behind, server, port))
                .toList();
        for (int i = 0; i < callers.size(); i++) {
            hears.accept(callers.get(i), outsidePort(questions.get(i)));
        }
    }

    private static List<Integer> firstOfSame(List<Integer> ports) {
        return ports.stream().map(ports::indexOf).toList();
    }

    /** For near:7001, near:7002, far:7001 and far:7002 the first of them that is called from the same outside port. */
    private static List<Integer> firstOfSameWith(String mapping) {
        return switch (mapping) {
            case INDEPENDENT -> List.of(0, 0, 0, 0);
            case BY_ADDRESS -> List.of(0, 0, 2, 2);
            default -> List.of(0, 1, 2, 3);
        };
    }

    /** Guests whose ports are shared between peers keep their own, as long as nobody has the same peer. */
    @Test
    void overload_guests_share_an_outside_port_towards_different_peers_only() {
        running.restart(file("mapping: " + BY_ENDPOINT + ", filtering: " + BY_ENDPOINT + ", port-overloading: true"));
        LabMachine own = running.network().privateGuest();
        LabMachine mail = running.guest("mail");
        int kept = running.claimedPort();

        assertThat(outsidePort(ask(own, kept, NEAR, FIRST))).isEqualTo(kept);
        assertThat(outsidePort(ask(mail, kept, FAR, FIRST))).isEqualTo(kept);
        assertThat(outsidePort(ask(own, kept, NEAR, SECOND))).isEqualTo(kept);
        assertThat(outsidePort(ask(mail, kept, NEAR, SECOND))).isNotEqualTo(kept);
    }

    /** Sends nothing, and prints what the server says of it. */
    private static LabProgram ask(LabMachine guest, int port, String server, int serverPort) {
        String to = "TCP:" + server + ":" + serverPort + ",sourceport=" + port + ",reuseaddr,reuseport";
        return guest.start("socat", "-t", "10", "-", to);
    }

    private static int outsidePort(LabProgram question) {
        Outcome outcome = question.await(PATIENCE).orThrow();
        Matcher matcher = OUTSIDE.matcher(outcome.out().strip());
        assertThat(matcher.matches()).as(outcome.describe()).isTrue();
        return Integer.parseInt(matcher.group(1));
    }

    /** A guest that calls from a port, and is called on the next one, from which it has called near:7001. */
    private static final class Caller {
        private final LabMachine guest;
        private final int port;
        private final LabProgram server;
        private final List<Integer> seen = new ArrayList<>();
        private final List<LabProgram> accepted = new ArrayList<>();
        private final List<LabProgram> refused = new ArrayList<>();

        Caller(LabMachine guest, int port) {
            this.guest = guest;
            this.port = port;
            server = guest.start(
                    "socat", "TCP-LISTEN:" + (port + 1) + ",reuseaddr,reuseport,fork", "SYSTEM:echo " + this);
            Listening.await(guest, "tcp", port + 1, PATIENCE);
        }

        void remember(int outside) {
            seen.add(outside);
        }

        void callBack(int outside, String filtering) {
            OneAddressNetwork network = running.network();
            call(network.near(), outside, !filtering.equals(BY_ENDPOINT));
            call(network.far(), outside, filtering.equals(INDEPENDENT));
        }

        private void call(LabMachine from, int outside, boolean accepts) {
            String to = "TCP:" + ADDRESS + ":" + outside + ",connect-timeout=" + (accepts ? 15 : 1);
            (accepts ? accepted : refused).add(from.start("socat", "-u", to, "-"));
        }

        void checkAnswers() {
            for (LabProgram call : accepted) {
                assertThat(call.await(PATIENCE).orThrow().out()).isEqualTo(this + "\n");
            }
            for (LabProgram call : refused) {
                Outcome outcome = call.await(PATIENCE);
                assertThat(outcome.out()).isEmpty();
                assertThat(outcome.err()).as(this + ": " + outcome.describe()).contains("timed out");
            }
        }

        void close() {
            server.close();
        }

        @Override
        public String toString() {
            return guest.name() + "-" + port;
        }
    }
}
