package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.PRIVATE_ADDRESS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What coturn's {@code turnutils_natdiscovery} (RFC 5780) and the {@code stun} client (RFC 3489) find out about the gateway from
 * behind it: for each mapping and filtering exactly the one that is set, and no other.
 *
 * <p>{@code own} asks from ports that it alone uses; then {@code own}, {@code mail} and {@code web} ask at the same time from the
 * same ports. The first two have private addresses; {@code web} owns the shared address, so it finds no translation as long as its
 * port is kept.
 */
@Tag("lab")
class NatDiscoveryLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String MAIL_ADDRESS = "10.77.0.3";
    private static final String HAIRPINNED = "Received a request (maybe a successful hairpinning)";
    private static final String TIMEOUT = "STUN receive timeout..";
    private static final Pattern DECISION = Pattern.compile("^(NAT with .*!)$", Pattern.MULTILINE);
    private static final Pattern REFLEXIVE =
            Pattern.compile("UDP reflexive addr: " + Pattern.quote(ADDRESS) + ":(\\d+)");
    private static final Pattern PRIMARY = Pattern.compile("^Primary: (.*?)\\s*$", Pattern.MULTILINE);

    private static final int ALONE = 61500;
    private static final int TOGETHER = 61600;

    private static GatewayLab running;

    /** A word of the file, and the words of the two tools for it. */
    private record Behavior(String set, String coturn, String stun) {
        @Override
        public String toString() {
            return set;
        }
    }

    private static final List<Behavior> MAPPINGS = List.of(
            new Behavior("endpoint-independent", "NAT with Endpoint Independent Mapping!", "Independent Mapping"),
            new Behavior("address-dependent", "NAT with Address Dependent Mapping!", "Dependent Mapping"),
            new Behavior(
                    "address-and-port-dependent", "NAT with Address and Port Dependent Mapping!", "Dependent Mapping"));

    private static final List<Behavior> FILTERINGS = List.of(
            new Behavior("endpoint-independent", "NAT with Endpoint Independent Filtering!", "Independent Filter"),
            new Behavior("address-dependent", "NAT with Address Dependent Filtering!", "Address Dependent Filter"),
            new Behavior(
                    "address-and-port-dependent",
                    "NAT with Address and Port Dependent Filtering!",
                    "Port Dependent Filter"));

    static Stream<Arguments> settings() {
        return MAPPINGS.stream()
                .flatMap(mapping -> FILTERINGS.stream().map(filtering -> Arguments.of(mapping, filtering)));
    }

    @BeforeAll
    static void start() {
        running = GatewayLab.with(file(MAPPINGS.get(0), FILTERINGS.get(0)));
        running.network().readdress(running.guest("mail"), MAIL_ADDRESS);
        StunServer.start(running);
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    private static GatewayFile file(Behavior mapping, Behavior filtering) {
        return GatewayFile.withClaims("sockets")
                .address("mail", MAIL_ADDRESS)
                .setting("nat: { udp: { mapping: " + mapping.set + ", filtering: " + filtering.set + " } }");
    }

    @ParameterizedTest(name = "rfc4787_req1_and_req8_stun_clients_find mapping {0}, filtering {1}")
    @MethodSource("settings")
    void rfc4787_req1_and_req8_stun_clients_find_exactly_what_is_set(Behavior mapping, Behavior filtering) {
        running.restart(file(mapping, filtering));
        Questions alone = new Questions(running.network().privateGuest(), PRIVATE_ADDRESS, ALONE);
        Questions own = new Questions(running.network().privateGuest(), PRIVATE_ADDRESS, TOGETHER);
        Questions mail = new Questions(running.guest("mail"), MAIL_ADDRESS, TOGETHER);
        Questions web = new Questions(running.guest("web"), ADDRESS, TOGETHER);

        Stream.of(alone, own, mail, web).forEach(Questions::awaitAnswers);

        for (Questions questions : List.of(alone, own, mail, web)) {
            assertThat(questions.mapping()).as("mapping, as " + questions).isEqualTo(mapping.coturn);
            assertThat(questions.filtering()).as("filtering, as " + questions).isEqualTo(filtering.coturn);
        }
        boolean anybodyMayCall = filtering.equals(FILTERINGS.get(0));
        for (Questions questions : List.of(alone, own, mail)) {
            assertThat(questions.hairpin())
                    .as("hairpin, as " + questions)
                    .isEqualTo(anybodyMayCall ? HAIRPINNED : TIMEOUT);
            String kind = mapping.equals(MAPPINGS.get(0)) ? mapping.stun + ", " + filtering.stun : mapping.stun;
            // This client calls itself, and what an endpoint-independent mapping calls may answer.
            boolean maySelf = anybodyMayCall || mapping.equals(MAPPINGS.get(0));
            String hairpin = maySelf ? "will hairpin" : "no hairpin";
            assertThat(questions.stun())
                    .as("stun, as " + questions)
                    .isIn(kind + ", preserves ports, " + hairpin, kind + ", random port, " + hairpin);
        }
        assertThat(web.stun()).isEqualTo(anybodyMayCall ? "Open" : "Firewall");

        assertThat(List.of(alone.firstPort(), own.firstPort(), mail.firstPort(), web.firstPort()))
                .as("the outside ports of each")
                .doesNotHaveDuplicates();
    }

    /** All questions of one guest, asked at once from neighbouring ports: what one opens must not open another. */
    private static final class Questions {
        private final LabMachine guest;
        private final int port;
        private final LabProgram mapping;
        private final LabProgram filtering;
        private final LabProgram hairpin;
        private final LabProgram stun;

        Questions(LabMachine guest, String address, int port) {
            this.guest = guest;
            this.port = port;
            mapping = discovery("-m", address, port);
            filtering = discovery("-f", address, port + 1);
            hairpin = discovery("-H", address, port + 2);
            stun = guest.start("stun", StunServer.ADDRESS, "-p", Integer.toString(port + 4));
        }

        private LabProgram discovery(String question, String address, int from) {
            return guest.start(
                    "turnutils_natdiscovery",
                    question,
                    "-L",
                    address,
                    "-l",
                    Integer.toString(from),
                    StunServer.ADDRESS);
        }

        void awaitAnswers() {
            List<Outcome> discoveries = Stream.of(mapping, filtering, hairpin)
                    .map(program -> program.await(PATIENCE))
                    .toList();
            // Its exit code is its answer.
            stun.await(PATIENCE);
            discoveries.forEach(Outcome::orThrow);
        }

        String mapping() {
            return only(DECISION, mapping.out());
        }

        int firstPort() {
            Matcher matcher = REFLEXIVE.matcher(mapping.out());
            assertThat(matcher.find()).isTrue();
            return Integer.parseInt(matcher.group(1));
        }

        String filtering() {
            return only(DECISION, filtering.out());
        }

        /** What came after the server's answer. */
        String hairpin() {
            List<String> lines = hairpin.out().strip().lines().toList();
            return lines.get(lines.size() - 1);
        }

        String stun() {
            return only(PRIMARY, stun.out());
        }

        private static String only(Pattern pattern, String text) {
            List<String> found =
                    pattern.matcher(text).results().map(match -> match.group(1)).toList();
            assertThat(found).as(text).hasSize(1);
            return found.get(0);
        }

        @Override
        public String toString() {
            return guest + " sees it from port " + port;
        }
    }
}
