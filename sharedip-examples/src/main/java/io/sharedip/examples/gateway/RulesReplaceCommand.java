package io.sharedip.examples.gateway;

import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.config.RulesFile;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.RefusedException;
import io.sharedip.examples.gateway.control.Request;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Replaces the filter chain of a running gateway. */
@Command(
        name = "replace",
        description = "Replaces all rules at once. The defaults stay unless the file has lines for them.")
final class RulesReplaceCommand extends ControlCommand {

    @Parameters(
            paramLabel = "FILE",
            description = "One rule a line, # begins a comment, 'default VERDICT [hook HOOK]' sets a default.")
    private @Nullable Path rules;

    RulesReplaceCommand(GatewayMain main) {
        super(main);
    }

    @Override
    public Integer call() throws BadConfigurationException, ControlException, RefusedException {
        String text = RulesFile.read(Objects.requireNonNull(rules));
        gateway().ask(Request.of("rules-replace", "rules", text), result -> {});
        return ExitCode.DONE;
    }
}
