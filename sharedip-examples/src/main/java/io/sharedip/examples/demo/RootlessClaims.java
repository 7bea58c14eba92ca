package io.sharedip.examples.demo;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;

import io.sharedip.examples.lab.FlowRow;
import io.sharedip.examples.lab.LabException;
import io.sharedip.examples.lab.LabProgram;
import io.sharedip.examples.lab.NameServer;
import io.sharedip.examples.lab.OneAddressNetwork;
import io.sharedip.examples.lab.Outcome;
import io.sharedip.examples.lab.ShellGuest;
import io.sharedip.examples.lab.Waiting;
import io.sharedip.examples.lab.WebServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What the demo claims of a gateway without rights, in the order in which it is shown. */
final class RootlessClaims {

    private static final int PORT = 40001;
    private static final String INSIDE = ADDRESS + ":" + PORT;
    private static final long FRAMES = 3;
    private static final String FALSE_MAC = "52:54:00:00:00:66";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final RootlessStage stage;
    private final Report report;
    private String flowTable = "";

    RootlessClaims(RootlessStage stage, Report report) {
        this.stage = stage;
        this.report = report;
    }

    void tryAll() {
        report.claim("the gateway has no capability of the kernel's", this::hasNoRights);
        report.claim("each guest has the host's own address, by DHCP", this::eachGuestHasTheAddress);
        report.claim(
                "host and guests fetch a page from one server at the same time, each from its port " + PORT,
                this::simultaneousPages);
        report.text("\nthe flow table while the four pages were on their way:\n" + flowTable);
        report.claim("each guest pings an outside machine", this::eachGuestPings);
        report.claim("an outside machine reaches a guest through a forward, and is seen as itself", this::forward);
        report.claim("an outside machine reaches the host through its own listening port", this::hostIsReached);
        report.claim("each guest looks a name up", this::eachGuestLooksUp);
        report.claim("frames from a foreign address are dropped and counted", () -> falseAddress("198.51.100.66"));
        report.claim("frames from a private address are dropped and counted", () -> falseAddress("10.77.0.99"));
        report.claim("frames from a foreign MAC address are dropped and counted", this::falseMac);
        report.claim("a destination is reached until a rule forbids it", this::ruleForbids);
        report.claim("no reset and no ICMP error left the host", this::kernelWasSilent);
        report.claim(
                "every frame is accounted for",
                () -> Books.balance(stage.gateway().stats()));
        report.text("\ncounters:\n" + stage.gateway().ask("stats") + "\n"
                + stage.gateway().ask("drops"));
        report.claim("the gateway ends cleanly when it is told to", this::endsCleanly);
    }

    private String hasNoRights() {
        List<String> sets = stage.gateway().capabilities();
        if (sets.isEmpty() || !sets.stream().allMatch(set -> set.matches("Cap\\w+:\\s+0+"))) {
            throw new LabException("it has some: " + sets);
        }
        return String.join(", ", sets).replace("\t", " ");
    }

    /** And prepares the guests for what follows: no chatter, and one source port. */
    private String eachGuestHasTheAddress() {
        return onEachGuest(
                "ip addr show dev eth0 | grep -o 'inet [0-9./]*';"
                        + " echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6;"
                        + " echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce;"
                        + " echo " + PORT + " " + PORT + " >/proc/sys/net/ipv4/ip_local_port_range",
                shown -> {
                    if (!shown.out().contains("inet " + ADDRESS + "/24")) {
                        throw new LabException("another address: " + shown.describe());
                    }
                    return shown.out().strip();
                });
    }

    private String simultaneousPages() {
        String url = "http://" + NEAR + "/cgi-bin/slow?";
        String octetsOfLongLines = "awk '{ print (length($0) > 200 ? length($0) : $0) }'";
        LabProgram fetch = stage.network()
                .host()
                .start(
                        "sh",
                        "-c",
                        "curl -sS -N --max-time 60 --local-port " + PORT + " '" + url + "host' | " + octetsOfLongLines);
        Function<ShellGuest, String> command = guest -> "wget -qO- '" + url + guest.name() + "' | " + octetsOfLongLines;
        stage.guests().forEach(guest -> guest.start(command.apply(guest)));
        Waiting.require(
                "the flows of all guests from " + INSIDE + " side by side",
                PATIENCE,
                () -> establishedGuests().containsAll(SAME_ADDRESS_GUESTS));
        Waiting.require("four connections at the server", PATIENCE, () -> connectionsOfServer() == 4);
        flowTable = stage.gateway().ask("flows");
        stage.near().letGo();
        Outcome ofHost = fetch.await(PATIENCE);
        List<Outcome> ofGuests = stage.guests().stream()
                .map(guest -> guest.await(command.apply(guest), PATIENCE))
                .toList();
        onEachGuest("echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range", Outcome::out);
        StringBuilder evidence = new StringBuilder(seen("host", ofHost));
        for (int i = 0; i < ofGuests.size(); i++) {
            evidence.append(seen(stage.guests().get(i).name(), ofGuests.get(i)));
        }
        return evidence.toString();
    }

    private List<String> establishedGuests() {
        return stage.gateway().flows().stream()
                .filter(flow -> flow.protocol().equals("tcp") && flow.state().equals("ESTABLISHED"))
                .filter(flow -> flow.inside().equals(INSIDE) && flow.peer().equals(NEAR + ":80"))
                .map(FlowRow::guest)
                .toList();
    }

    private int connectionsOfServer() {
        return stage.network()
                .near()
                .run("ss", "-Htn", "state", "established", "sport", "=", ":80")
                .lines()
                .size();
    }

    private static String seen(String name, Outcome page) {
        List<String> lines = page.orThrow().lines().stream().map(String::strip).toList();
        if (lines.size() != 3
                || !lines.get(0).startsWith(name + " came from " + ADDRESS + ":")
                || !lines.get(1).equals(Integer.toString(WebServer.BIG))
                || !lines.get(2).equals(WebServer.SLOW_END)) {
            throw new LabException("the page is not complete: " + page.describe());
        }
        return name + ": from " + INSIDE + ", seen by the server as "
                + lines.get(0).substring(lines.get(0).lastIndexOf(' ') + 1) + ", page complete\n";
    }

    private String eachGuestPings() {
        return onEachGuest(
                "ping -c 3 -W 3 " + FAR,
                ping -> ping.lines().stream()
                        .filter(line -> line.contains("packets transmitted"))
                        .findFirst()
                        .orElse("")
                        .strip());
    }

    private String forward() {
        String client = stage.network()
                .far()
                .run("curl", "-sS", "--max-time", "10", "http://" + ADDRESS + ":8080/cgi-bin/who")
                .orThrow()
                .out()
                .strip()
                .replaceFirst("\\[::ffff:([0-9.]+)]", "$1");
        if (!client.startsWith("you are " + FAR + ":")) {
            throw new LabException("the guest saw '" + client + "' instead of " + FAR);
        }
        return Page.expect(stage.network().far(), "http://" + ADDRESS + ":8080/", "this is web") + "; of its client, '"
                + client + "'";
    }

    private String hostIsReached() {
        return Page.expect(stage.network().far(), "http://" + ADDRESS + "/", "this is host");
    }

    private String eachGuestLooksUp() {
        return onEachGuest("nslookup -type=a " + NameServer.NAME + " " + ROUTER, lookup -> {
            if (!lookup.out().contains(FAR)) {
                throw new LabException("a wrong answer: " + lookup.describe());
            }
            return NameServer.NAME + " is " + FAR + ", says the gateway's server";
        });
    }

    private String falseAddress(String address) {
        return expectDropped(
                "BINDING_ADDRESS",
                "ip addr add " + address + "/32 dev eth0",
                "ping -c " + FRAMES + " -W 1 -I " + address + " " + FAR,
                "ip addr del " + address + "/32 dev eth0");
    }

    private String falseMac() {
        String routerMac = "$(arp -n | sed -n 's/.*(" + ROUTER + ") at \\([^ ]*\\).*/\\1/p')";
        return expectDropped(
                "BINDING_MAC",
                "m=" + routerMac + "; ip link set eth0 address " + FALSE_MAC + "; arp -s " + ROUTER + " $m",
                "ping -c " + FRAMES + " -W 1 " + FAR,
                "arp -d " + ROUTER + "; ip link set eth0 address " + OneAddressNetwork.macOf("db"));
    }

    /** One true ping passes, so that the router's MAC address is known; then only the false frames are there to be counted. */
    private String expectDropped(String reason, String disguise, String send, String undo) {
        ShellGuest guest = stage.guest("db");
        guest.run("ping -c 1 -W 3 " + FAR).orThrow();
        guest.run(disguise).orThrow();
        Map<String, Long> before = stage.gateway().drops();
        try {
            guest.run(send);
            Map<String, Long> expected = Map.of(reason, FRAMES);
            Waiting.until(PATIENCE, () -> increase(before).equals(expected));
            Map<String, Long> raised = increase(before);
            if (!raised.equals(expected)) {
                throw new LabException("drop counters rose by " + raised + " instead of " + expected);
            }
        } finally {
            guest.run(undo);
        }
        return FRAMES + " false frames: " + reason + " +" + FRAMES + ", no other counter moved";
    }

    private Map<String, Long> increase(Map<String, Long> before) {
        return Books.increase(before, stage.gateway().drops());
    }

    private String ruleForbids() {
        String fetch = "wget -qO- http://" + FAR + "/";
        String before = expectPage("mail", fetch);
        String rule = "reject tcp from guest mail to " + FAR + "/32 port 80";
        stage.gateway().replaceRules(rule);
        Outcome after = stage.guest("mail").run(fetch);
        if (after.ok() || !(after.out() + after.err()).contains("refused")) {
            throw new LabException("not refused after '" + rule + "': " + after.describe());
        }
        return "before: " + before + "\nafter '" + rule + "': " + (after.out() + after.err()).strip()
                + "\nguest db, whom no rule names: " + expectPage("db", fetch);
    }

    private String expectPage(String guest, String fetch) {
        Outcome page = stage.guest(guest).run(fetch).orThrow();
        if (!page.out().strip().equals("this is far")) {
            throw new LabException("not the page: " + page.describe());
        }
        return "http://" + FAR + "/ says 'this is far'";
    }

    private String kernelWasSilent() {
        List<String> answers = stage.kernelAnswers().stop();
        if (!answers.isEmpty()) {
            throw new LabException(answers.size() + " resets or ICMP errors left the host: " + answers);
        }
        return "captured on the router: 0 resets, 0 ICMP errors";
    }

    private String endsCleanly() {
        return "exit " + stage.gateway().stop().orThrow().exit();
    }

    /** All at once. */
    private String onEachGuest(String command, Function<Outcome, String> summary) {
        stage.guests().forEach(guest -> guest.start(command));
        StringBuilder text = new StringBuilder();
        List<Outcome> outcomes = stage.guests().stream()
                .map(guest -> guest.await(command, PATIENCE))
                .toList();
        for (int i = 0; i < outcomes.size(); i++) {
            String name = stage.guests().get(i).name();
            text.append(name)
                    .append(": ")
                    .append(summary.apply(outcomes.get(i).orThrow()))
                    .append('\n');
        }
        return text.toString();
    }
}
