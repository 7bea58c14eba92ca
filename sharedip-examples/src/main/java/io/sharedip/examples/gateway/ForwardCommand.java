package io.sharedip.examples.gateway;

import io.sharedip.SyntaxException;
import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.RefusedException;
import io.sharedip.examples.gateway.control.Request;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Changes the forwards of a running gateway. What cannot be parsed is refused here, gateway or not. */
@Command(name = "forward", description = "Adds or removes a forward.")
final class ForwardCommand implements Runnable {

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(Objects.requireNonNull(spec).commandLine(), "add or remove?");
    }

    /** Adds one. */
    @Command(name = "add", description = "Adds a forward.")
    static final class Add extends ControlCommand {

        @Parameters(paramLabel = "RULE", description = "Such as 'tcp 8080 -> web:80'; in quotes.")
        private @Nullable String rule;

        Add(GatewayMain main) {
            super(main);
        }

        @Override
        public Integer call() throws BadConfigurationException, ControlException, RefusedException {
            PortForward forward;
            try {
                forward = PortForward.parse(Objects.requireNonNull(rule));
            } catch (SyntaxException e) {
                return wrong(e.getMessage());
            }
            gateway().ask(Request.of("forward-add", "forward", forward.toString()), result -> {});
            return ExitCode.DONE;
        }
    }

    /** Removes one. */
    @Command(name = "remove", description = "Removes a forward and ends the flows that came through it.")
    static final class Remove extends ControlCommand {

        @Parameters(paramLabel = "LEFT SIDE", description = "What stands left of '->', such as 'tcp 8080'; in quotes.")
        private @Nullable String selector;

        Remove(GatewayMain main) {
            super(main);
        }

        @Override
        public Integer call() throws BadConfigurationException, ControlException, RefusedException {
            ForwardSelector left;
            try {
                left = ForwardSelector.parse(Objects.requireNonNull(selector));
            } catch (SyntaxException e) {
                return wrong(e.getMessage());
            }
            gateway().ask(Request.of("forward-remove", "selector", left.toString()), result -> {});
            return ExitCode.DONE;
        }
    }
}
