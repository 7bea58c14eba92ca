package io.sharedip.examples.demo;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;

import io.sharedip.examples.lab.FlowRow;
import io.sharedip.examples.lab.LabException;
import io.sharedip.examples.lab.LabMachine;
import io.sharedip.examples.lab.LabProgram;
import io.sharedip.examples.lab.Outcome;
import io.sharedip.examples.lab.Waiting;
import io.sharedip.examples.lab.WebServer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Host and guests fetch from one server, all from the same inside port; no page ends before all flows were seen side by side. */
final class SimultaneousPages {
    private static final int PORT = 40001;
    private static final String INSIDE = ADDRESS + ":" + PORT;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Stage stage;
    private String flowTable = "";

    SimultaneousPages(Stage stage) {
        this.stage = stage;
    }

    /** The gateway's own print of its flow table while all pages were on their way. */
    String flowTable() {
        return flowTable;
    }

    String show() {
        Map<String, LabProgram> fetches = new LinkedHashMap<>();
        fetches.put("host", fetch("host", stage.network().host()));
        SAME_ADDRESS_GUESTS.forEach(name -> fetches.put(name, fetch(name, stage.guest(name))));

        Waiting.require(
                "the flows of all guests from " + INSIDE + " side by side",
                PATIENCE,
                () -> guestsWithFlow().containsAll(SAME_ADDRESS_GUESTS));
        Waiting.require("the host's connection from " + INSIDE, PATIENCE, this::hostIsConnected);
        Waiting.require(
                "the server's first line to all four",
                PATIENCE,
                () -> fetches.values().stream().allMatch(fetch -> fetch.out().contains(" came from ")));
        flowTable = stage.gateway().ask("flows");

        stage.near().letGo();
        StringBuilder evidence = new StringBuilder();
        Set<String> sources = new TreeSet<>();
        fetches.forEach((name, fetch) -> {
            String source = sourceSeenByServer(fetch.await(PATIENCE));
            sources.add(source);
            evidence.append(name)
                    .append(": from ")
                    .append(INSIDE)
                    .append(", seen by the server as ")
                    .append(source)
                    .append(", page complete\n");
        });
        if (sources.size() != fetches.size()) {
            throw new LabException("two of them had the same endpoint outside:\n" + evidence);
        }
        return evidence.toString();
    }

    private static LabProgram fetch(String name, LabMachine machine) {
        return machine.start(
                "curl",
                "-sS",
                "-N",
                "--max-time",
                "60",
                "--local-port",
                Integer.toString(PORT),
                "http://" + NEAR + "/cgi-bin/slow?" + name);
    }

    private List<String> guestsWithFlow() {
        return stage.gateway().flows().stream()
                .filter(flow -> flow.protocol().equals("tcp"))
                .filter(flow -> flow.inside().equals(INSIDE) && flow.peer().equals(NEAR + ":80"))
                .map(FlowRow::guest)
                .toList();
    }

    private boolean hostIsConnected() {
        return !stage.network()
                .host()
                .run("ss", "-Htn", "state", "established", "sport", "=", ":" + PORT)
                .lines()
                .isEmpty();
    }

    private static String sourceSeenByServer(Outcome page) {
        List<String> lines = page.orThrow().lines();
        if (lines.size() != 3
                || lines.get(1).length() != WebServer.BIG
                || !lines.get(2).equals(WebServer.SLOW_END)) {
            throw new LabException("the page is not complete: " + lines.size() + " lines");
        }
        String first = lines.get(0);
        return first.substring(first.lastIndexOf(' ') + 1);
    }
}
