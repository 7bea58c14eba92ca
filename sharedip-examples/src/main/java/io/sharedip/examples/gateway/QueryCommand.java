package io.sharedip.examples.gateway;

import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.control.ControlClient;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.RefusedException;
import io.sharedip.examples.gateway.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Asks for a table and prints it. Its name and description come with the view. */
@Command
final class QueryCommand extends ControlCommand {

    private final TableView view;

    @Option(names = "--json", description = "Print JSON for machines.")
    private boolean json;

    QueryCommand(GatewayMain main, TableView view) {
        super(main);
        this.view = view;
    }

    @Override
    public Integer call() throws BadConfigurationException, ControlException, RefusedException {
        if (json) {
            gateway().ask(Request.of(view.command()), ControlClient.copyingTo(out()));
            out().println();
        } else {
            gateway().ask(Request.of(view.command()), result -> view.print(result, out()));
        }
        out().flush();
        return ExitCode.DONE;
    }
}
