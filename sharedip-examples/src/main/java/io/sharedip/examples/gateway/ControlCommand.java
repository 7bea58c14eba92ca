package io.sharedip.examples.gateway;

import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.config.GatewayFile;
import io.sharedip.examples.gateway.control.ControlClient;
import io.sharedip.examples.gateway.control.ControlPath;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all commands share that ask a running gateway. */
abstract class ControlCommand implements Callable<Integer> {

    private final GatewayMain main;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description = "The file that the gateway runs with, to find its control socket.")
    private @Nullable Path file;

    ControlCommand(GatewayMain main) {
        this.main = main;
    }

    ControlClient gateway() throws BadConfigurationException {
        Optional<Path> ofFile = Optional.empty();
        if (main.control().isEmpty() && file != null) {
            ofFile = GatewayFile.read(file).control();
        }
        return new ControlClient(ControlPath.choose(main.control(), ofFile));
    }

    PrintWriter out() {
        return Objects.requireNonNull(spec).commandLine().getOut();
    }

    /** Tells that the command line holds something that cannot be parsed. */
    int wrong(@Nullable String sentence) {
        Objects.requireNonNull(spec).commandLine().getErr().println("sharedip-gateway: " + sentence);
        return ExitCode.WRONG_INPUT;
    }
}
