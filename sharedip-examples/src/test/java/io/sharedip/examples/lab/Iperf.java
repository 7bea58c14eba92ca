package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** iperf3 between guests and the near machine. */
final class Iperf {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Pattern RECEIVED = Pattern.compile("([0-9.]+) Mbits/sec +receiver");

    private Iperf() {}

    /**
     * One guest sends while the other receives, then the other way round.
     *
     * @return how many megabits a second each receiver got
     */
    static List<Double> load(GatewayLab running, int seconds, int connections) {
        LabMachine near = running.network().near();
        LabMachine one = running.network().privateGuest();
        LabMachine other = running.guest("web");
        List<Double> rates = new ArrayList<>();
        try (LabProgram firstServer = server(near, 5201);
                LabProgram secondServer = server(near, 5202)) {
            for (List<LabMachine> pair : List.of(List.of(one, other), List.of(other, one))) {
                LabProgram up = client(pair.get(0), 5201, seconds, connections);
                LabProgram down = client(pair.get(1), 5202, seconds, connections, "-R");
                rates.add(received(up.await(PATIENCE).orThrow()));
                rates.add(received(down.await(PATIENCE).orThrow()));
            }
            if (!firstServer.isRunning() || !secondServer.isRunning()) {
                throw new LabException("an iperf3 server has ended: " + firstServer.err() + secondServer.err());
            }
        }
        return rates;
    }

    private static LabProgram server(LabMachine near, int port) {
        LabProgram server = near.start("iperf3", "-s", "-p", Integer.toString(port));
        Listening.await(near, "tcp", port, PATIENCE);
        return server;
    }

    private static LabProgram client(LabMachine guest, int port, int seconds, int connections, String... more) {
        List<String> command = new ArrayList<>(List.of("iperf3", "-f", "m", "-c", NEAR, "-p", Integer.toString(port)));
        command.addAll(List.of("-t", Integer.toString(seconds), "-P", Integer.toString(connections)));
        command.addAll(List.of(more));
        return guest.start(command);
    }

    /** The last line about receiving is about all connections together. */
    private static double received(Outcome outcome) {
        double rate = -1;
        Matcher matcher = RECEIVED.matcher(outcome.out());
        while (matcher.find()) {
            rate = Double.parseDouble(matcher.group(1));
        }
        if (rate < 0) {
            throw new LabException("no rate: " + outcome.describe());
        }
        return rate;
    }
}
