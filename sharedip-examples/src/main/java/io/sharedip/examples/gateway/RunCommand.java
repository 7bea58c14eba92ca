package io.sharedip.examples.gateway;

import io.sharedip.SharedIp;
import io.sharedip.SharedIpException;
import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.config.GatewayFile;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.ControlPath;
import io.sharedip.examples.gateway.control.ControlServer;
import io.sharedip.examples.gateway.control.GatewayCommands;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs a gateway until it is told to end. */
@Command(name = "run", description = "Runs a gateway until SIGTERM or SIGINT.")
final class RunCommand implements Callable<Integer> {

    private static final Duration STATUS_INTERVAL = Duration.ofSeconds(5);
    private static final Duration GLANCE = Duration.ofMillis(250);
    private static final String LOG_LEVEL = "sharedip.log";

    private final GatewayMain main;
    private final GatewayStarter starter;
    private final StopSignal stop;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The gateway's file.")
    private @Nullable Path file;

    @Option(
            names = {"-q", "--quiet"},
            description = "Print no status lines.")
    private boolean quiet;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log each flow.")
    private boolean verbose;

    RunCommand(GatewayMain main, GatewayStarter starter, StopSignal stop) {
        this.main = main;
        this.starter = starter;
        this.stop = stop;
    }

    @Override
    public Integer call() throws BadConfigurationException {
        if (verbose) {
            System.setProperty(LOG_LEVEL, "DEBUG");
        }
        GatewayFile settings = GatewayFile.read(Objects.requireNonNull(file));
        try {
            return run(settings, settings.state().map(path -> new StateFile(path).requireDirectory()));
        } catch (SharedIpException | ControlException e) {
            return failed(e.getMessage());
        }
    }

    private int run(GatewayFile settings, Optional<StateFile> state) throws ControlException {
        Path control = ControlPath.choose(main.control(), settings.control());
        StopSignal.Installed signals = stop.install();
        try (signals;
                ControlServer server = ControlServer.bind(control);
                SharedIp gateway = starter.start(settings, new EventLog())) {
            state.ifPresent(kept -> kept.restore(gateway));
            server.serve(new GatewayCommands(gateway, state.map(kept -> () -> kept.save(gateway))));
            int code = attend(gateway, settings);
            if (code == ExitCode.DONE) {
                state.ifPresent(kept -> kept.handOver(gateway));
            }
            return code;
        }
    }

    private int attend(SharedIp gateway, GatewayFile settings) {
        PrintWriter out = out(settings);
        if (!stop.isRequested()) {
            println(
                    out,
                    "ready: " + gateway.address() + " guests="
                            + settings.guests().size() + " uplink="
                            + settings.uplink().kind());
        }
        StatusLine status = new StatusLine();
        long last = System.nanoTime();
        while (!stop.await(GLANCE)) {
            if (gateway.state() != SharedIp.State.RUNNING) {
                return failed(gateway.failure()
                        .map(cause -> "the gateway failed: " + cause)
                        .orElse("the gateway was closed"));
            }
            Duration elapsed = Duration.ofNanos(System.nanoTime() - last);
            if (!quiet && elapsed.compareTo(STATUS_INTERVAL) >= 0) {
                last = System.nanoTime();
                println(out, status.next(gateway.stats(), elapsed));
            }
        }
        return ExitCode.DONE;
    }

    /** Standard output, unless that belongs to a guest. */
    private PrintWriter out(GatewayFile settings) {
        CommandLine line = Objects.requireNonNull(spec).commandLine();
        boolean taken = settings.guests().stream().anyMatch(guest -> guest.link() instanceof LinkSettings.Stdio);
        return taken ? line.getErr() : line.getOut();
    }

    private static void println(PrintWriter out, String line) {
        out.println(line);
        out.flush();
    }

    private int failed(@Nullable String sentence) {
        Objects.requireNonNull(spec).commandLine().getErr().println("sharedip-gateway: " + sentence);
        return ExitCode.FAILED;
    }
}
