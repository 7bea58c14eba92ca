package io.sharedip.examples.gateway;

import io.sharedip.ConfigurationException;
import io.sharedip.FlowPolicy;
import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.control.AddressChange;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.RefusedException;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Moves a running gateway to another address. What cannot be parsed is refused here, gateway or not. */
@Command(name = "address", description = "Changes the shared address.")
final class AddressCommand implements Runnable {

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(Objects.requireNonNull(spec).commandLine(), "change?");
    }

    /** Changes it. */
    @Command(
            name = "change",
            description = "Changes the shared address, its segment, router and alias. Forwards, rules and guests stay.")
    static final class Change extends ControlCommand {

        @Parameters(paramLabel = "ADDRESS/LENGTH", description = "Such as 192.0.2.11/24.")
        private @Nullable String address;

        @Option(names = "--router", required = true, paramLabel = "ADDRESS", description = "The next hop.")
        private @Nullable String router;

        @Option(
                names = "--alias",
                paramLabel = "ADDRESS",
                description =
                        "What stands for the shared address where a guest owns that itself. Default: the router with sockets, none with a card.")
        private @Nullable String alias;

        @Option(
                names = "--keep-flows",
                description = "Flows go on under the new address, for peers that follow. Default: they end.")
        private boolean keepFlows;

        Change(GatewayMain main) {
            super(main);
        }

        @Override
        public Integer call() throws BadConfigurationException, ControlException, RefusedException {
            AddressChange change;
            try {
                change = AddressChange.parse(
                        Objects.requireNonNull(address),
                        Objects.requireNonNull(router),
                        Optional.ofNullable(alias),
                        keepFlows ? FlowPolicy.KEEP : FlowPolicy.FLUSH);
            } catch (ConfigurationException e) {
                return wrong(e.getMessage());
            }
            gateway().ask(change.toRequest(), result -> {});
            return ExitCode.DONE;
        }
    }
}
