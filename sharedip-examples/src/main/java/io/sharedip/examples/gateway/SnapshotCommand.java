package io.sharedip.examples.gateway;

import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.RefusedException;
import io.sharedip.examples.gateway.control.Request;
import picocli.CommandLine.Command;

/** Has a running gateway write its state file. */
@Command(
        name = "snapshot",
        description = "Writes the gateway's state file now. It is written at the gateway's end too.")
final class SnapshotCommand extends ControlCommand {

    SnapshotCommand(GatewayMain main) {
        super(main);
    }

    @Override
    public Integer call() throws BadConfigurationException, ControlException, RefusedException {
        gateway().ask(Request.of("snapshot"), result -> {});
        return ExitCode.DONE;
    }
}
