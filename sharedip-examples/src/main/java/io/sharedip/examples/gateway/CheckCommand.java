package io.sharedip.examples.gateway;

import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.config.GatewayFile;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tells the mistakes in a file. They are the result of this command, so they go to standard output. */
@Command(name = "check", description = "Tells every mistake in a file, with its place and how to mend it.")
final class CheckCommand implements Callable<Integer> {

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The gateway's file.")
    private @Nullable Path file;

    @Override
    public Integer call() {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        try {
            GatewayFile settings = GatewayFile.read(Objects.requireNonNull(file));
            out.println(file + ": no mistake; " + settings.guests().size() + " guests, "
                    + settings.forwards().size() + " forwards, "
                    + settings.rules().rules().size() + " rules");
            return ExitCode.DONE;
        } catch (BadConfigurationException e) {
            e.problems().forEach(out::println);
            return ExitCode.WRONG_INPUT;
        }
    }
}
