package io.sharedip.examples.demo;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.DISTANT_ROUTER;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;

import io.sharedip.examples.lab.LabException;
import io.sharedip.examples.lab.LabMachine;
import io.sharedip.examples.lab.LabProgram;
import io.sharedip.examples.lab.NameServer;
import io.sharedip.examples.lab.Outcome;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What the demo claims, in the order in which it is shown. */
final class Claims {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Stage stage;
    private final Report report;

    Claims(Stage stage, Report report) {
        this.stage = stage;
        this.report = report;
    }

    void tryAll() {
        SimultaneousPages pages = new SimultaneousPages(stage);
        report.claim(
                "host and guests fetch a page from one server at the same time, each from its port 40001", pages::show);
        report.text("\nthe flow table while the four pages were on their way:\n" + pages.flowTable());
        report.claim("each guest pings an outside machine", this::eachGuestPings);
        report.claim("an outside machine reaches a guest through a forward", this::forwardReachesGuest);
        report.claim("an outside machine reaches the host through its own listening port", this::hostIsReached);
        report.claim("a guest's traceroute shows every hop", this::traceroute);
        report.claim("each guest looks a name up", this::eachGuestLooksUp);
        Spoofing spoofing = new Spoofing(stage);
        report.claim(
                "a frame from a foreign address never leaves, and is counted", () -> spoofing.address("198.51.100.66"));
        report.claim(
                "a frame from a private address never leaves, and is counted", () -> spoofing.address("10.77.0.99"));
        report.claim("a frame from a foreign MAC address never leaves, and is counted", spoofing::mac);
        report.claim("a destination is reached until a rule forbids it", this::ruleForbids);
        report.claim("the host's kernel answered none of the guests' packets", this::kernelWasSilent);
        report.claim("every frame is accounted for", this::booksBalance);
        report.text("\ncounters:\n" + stage.gateway().ask("stats") + "\n"
                + stage.gateway().ask("drops"));
        report.claim("the gateway ends cleanly when it is told to", this::endsCleanly);
    }

    private String eachGuestPings() {
        Map<String, Outcome> pings = onEachGuest("ping", "-n", "-c", "3", "-i", "0.2", "-W", "3", FAR);
        return describe(
                pings,
                ping -> ping.lines().stream()
                        .filter(line -> line.contains("packets transmitted"))
                        .findFirst()
                        .orElse(""));
    }

    private String forwardReachesGuest() {
        return Page.expect(stage.network().far(), "http://" + ADDRESS + ":8080/", "this is web");
    }

    private String hostIsReached() {
        return Page.expect(stage.network().far(), "http://" + ADDRESS + "/", "this is host");
    }

    private String traceroute() {
        Outcome trace = stage.guest("db")
                .run("traceroute", "-n", "-q", "1", "-w", "3", FAR)
                .orThrow();
        int router = trace.out().indexOf(" " + ROUTER + " ");
        int distant = trace.out().indexOf(" " + DISTANT_ROUTER + " ");
        int target = trace.out().lastIndexOf(" " + FAR + " ");
        if (router < 0 || distant < router || target < distant) {
            throw new LabException("hops are missing: " + trace.describe());
        }
        return trace.out().stripTrailing();
    }

    private String eachGuestLooksUp() {
        Map<String, Outcome> lookups = onEachGuest("dig", "+short", "+tries=1", "+time=5", "@" + NEAR, NameServer.NAME);
        lookups.values().forEach(lookup -> {
            if (!lookup.out().strip().equals(FAR)) {
                throw new LabException("a wrong answer: " + lookup.describe());
            }
        });
        return describe(
                lookups, lookup -> NameServer.NAME + " is " + lookup.out().strip());
    }

    private String ruleForbids() {
        String url = "http://" + FAR + "/";
        LabMachine guest = stage.guest("mail");
        String before = Page.expect(guest, url, "this is far");
        String rule = "reject tcp from guest mail to " + FAR + "/32 port 80";
        stage.gateway().replaceRules(rule);
        Outcome after = guest.run("curl", "-sS", "--max-time", "10", url);
        if (after.exit() != 7) {
            throw new LabException("not refused after '" + rule + "': " + after.describe());
        }
        String other = Page.expect(stage.guest("db"), url, "this is far");
        return "before: " + before + "\nafter '" + rule + "': " + after.err().strip()
                + "\nguest db, whom no rule names: " + other;
    }

    private String kernelWasSilent() {
        List<String> answers = stage.kernelAnswers().stop();
        if (!answers.isEmpty()) {
            throw new LabException(answers.size() + " resets or ICMP errors left the host: " + answers);
        }
        return "captured on the router: 0 resets, 0 ICMP errors";
    }

    private String booksBalance() {
        return Books.balance(stage.gateway().stats());
    }

    private String endsCleanly() {
        return "exit " + stage.gateway().stop().orThrow().exit();
    }

    private Map<String, Outcome> onEachGuest(String... command) {
        Map<String, LabProgram> running = new LinkedHashMap<>();
        SAME_ADDRESS_GUESTS.forEach(name -> running.put(name, stage.guest(name).start(command)));
        Map<String, Outcome> ended = new LinkedHashMap<>();
        running.forEach((name, program) -> ended.put(name, program.await(PATIENCE)));
        ended.values().forEach(Outcome::orThrow);
        return ended;
    }

    private static String describe(Map<String, Outcome> outcomes, Function<Outcome, String> summary) {
        StringBuilder text = new StringBuilder();
        outcomes.forEach((name, outcome) ->
                text.append(name).append(": ").append(summary.apply(outcome)).append('\n'));
        return text.toString();
    }
}
