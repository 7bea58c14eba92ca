package io.sharedip.examples.gateway;

import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.RefusedException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line of {@code sharedip-gateway}. */
@Command(
        name = "sharedip-gateway",
        description = "Lets virtual machines and their host live behind one IP address.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = GatewayMain.Version.class,
        footer = {
            "",
            "Exit codes: 0 done; 1 it failed while running or refused to start; 2 wrong configuration or command line;"
                    + " 3 no gateway answers on the control socket."
        })
public final class GatewayMain implements Runnable {

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--control",
            paramLabel = "PATH",
            scope = ScopeType.INHERIT,
            description =
                    "The control socket. Default: what the file says, else sharedip-gateway.sock in $XDG_RUNTIME_DIR,"
                            + " else in a directory of the user under the temporary directory.")
    private @Nullable Path control;

    private GatewayMain() {}

    /**
     * Runs the program.
     *
     * @param args command and options
     */
    public static void main(String... args) {
        System.exit(commandLine(new GatewayAssembly(), new StopSignal()).execute(args));
    }

    /** The command line, with what tests replace. */
    static CommandLine commandLine(GatewayStarter starter, StopSignal stop) {
        GatewayMain main = new GatewayMain();
        CommandLine line = new CommandLine(main)
                .addSubcommand(new RunCommand(main, starter, stop))
                .addSubcommand(new QemuCommand(main, starter, stop))
                .addSubcommand(new CheckCommand());
        for (TableView view : TableView.values()) {
            CommandLine query = query(main, view);
            if (view == TableView.RULES) {
                query.addSubcommand(new RulesReplaceCommand(main));
            }
            line.addSubcommand(view.command(), query);
        }
        line.addSubcommand(new SnapshotCommand(main));
        line.addSubcommand(new CommandLine(new ForwardCommand())
                .addSubcommand(new ForwardCommand.Add(main))
                .addSubcommand(new ForwardCommand.Remove(main)));
        line.addSubcommand(new CommandLine(new AddressCommand()).addSubcommand(new AddressCommand.Change(main)));
        line.setExecutionExceptionHandler((e, command, result) -> tell(e, command.getErr()));
        return line;
    }

    private static CommandLine query(GatewayMain main, TableView view) {
        CommandLine line = new CommandLine(new QueryCommand(main, view));
        line.getCommandSpec().usageMessage().description(view.description());
        return line;
    }

    private static int tell(Exception e, PrintWriter err) throws Exception {
        if (e instanceof BadConfigurationException bad) {
            bad.problems().forEach(err::println);
            return ExitCode.WRONG_INPUT;
        }
        err.println("sharedip-gateway: " + e.getMessage());
        if (e instanceof ControlException) {
            return ExitCode.NO_GATEWAY;
        }
        if (e instanceof RefusedException refused) {
            return refused.isSyntax() ? ExitCode.WRONG_INPUT : ExitCode.FAILED;
        }
        throw e;
    }

    /** The socket that the command line names. */
    Optional<Path> control() {
        return Optional.ofNullable(control);
    }

    @Override
    public void run() {
        CommandLine line = Objects.requireNonNull(spec).commandLine();
        throw new ParameterException(line, "Which command?");
    }

    /** Reads the version out of the jar. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = GatewayMain.class.getPackage().getImplementationVersion();
            return new String[] {"sharedip-gateway " + (version == null ? "(unpackaged)" : version)};
        }
    }
}
