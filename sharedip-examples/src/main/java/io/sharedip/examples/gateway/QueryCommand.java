package io.sharedip.examples.gateway;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.RefusedException;
import io.sharedip.examples.gateway.control.Request;
import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Asks for a table and prints it. Its name and description come with the view. */
@Command
final class QueryCommand extends ControlCommand {

    private static final JsonFactory JSON = new JsonFactory();

    private final TableView view;

    @Option(names = "--json", description = "Print JSON for machines.")
    private boolean json;

    QueryCommand(GatewayMain main, TableView view) {
        super(main);
        this.view = view;
    }

    @Override
    public Integer call() throws BadConfigurationException, ControlException, RefusedException {
        gateway().ask(Request.of(view.command()), result -> {
            if (json) {
                copy(result, out());
            } else {
                view.print(result, out());
            }
            out().flush();
        });
        return ExitCode.DONE;
    }

    /** As it comes, so that a table of millions of flows needs no room. */
    private static void copy(JsonParser from, PrintWriter out) throws IOException {
        try (JsonGenerator to = JSON.createGenerator(out)) {
            to.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
            to.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
            to.copyCurrentStructure(from);
        }
        out.println();
    }
}
