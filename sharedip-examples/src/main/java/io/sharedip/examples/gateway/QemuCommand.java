package io.sharedip.examples.gateway;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.SharedIp;
import io.sharedip.SharedIpException;
import io.sharedip.examples.gateway.config.BadConfigurationException;
import io.sharedip.examples.gateway.config.GatewayFile;
import io.sharedip.examples.gateway.config.GatewayFile.GuestSettings;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.ControlPath;
import io.sharedip.examples.gateway.control.ControlServer;
import io.sharedip.examples.gateway.control.GatewayCommands;
import io.sharedip.filter.FilterChain;
import io.sharedip.filter.Hook;
import io.sharedip.forward.PortForward;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs QEMU and a gateway for it; both end together. */
@Command(
        name = "qemu",
        description =
                "Runs QEMU with a card that leads through the host's sockets: no root, and DHCP and DNS for the guest.",
        footer = {
            "",
            "Example: sharedip-gateway qemu --forward 'tcp 2222 -> vm:22' -- -m 1024 -accel kvm disk.qcow2",
            "The exit code is QEMU's."
        })
final class QemuCommand implements Callable<Integer> {

    private static final Duration GLANCE = Duration.ofMillis(100);
    private static final Duration LAST_WORDS = Duration.ofSeconds(5);

    private final GatewayMain main;
    private final GatewayStarter starter;
    private final StopSignal stop;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "What rules and forwards call the guest: vm unless said, or the only guest of FILE.")
    private @Nullable String name;

    @Option(
            names = "--address",
            paramLabel = "ADDRESS",
            description = "The guest's IPv4 address. Default: the host's own.")
    private @Nullable String address;

    @Option(
            names = "--forward",
            paramLabel = "RULE",
            description = "A forward to the guest, such as 'tcp 2222 -> vm:22'; may be repeated.")
    private List<String> forwards = new ArrayList<>();

    @Option(
            names = "--rule",
            paramLabel = "RULE",
            description = "A filter rule, such as 'accept tcp from guest vm to host port 5432'; may be repeated.")
    private List<String> rules = new ArrayList<>();

    @Option(
            names = "--file",
            paramLabel = "FILE",
            description = "A gateway's file, in which the guest has a link qemu-stream; instead of --address.")
    private @Nullable Path file;

    @Option(
            names = "--program",
            paramLabel = "PROGRAM",
            defaultValue = "qemu-system-x86_64",
            description = "QEMU's program. Default: ${DEFAULT-VALUE}.")
    private String program = "";

    @Parameters(paramLabel = "QEMU-ARGUMENT", description = "After '--', what QEMU is told besides its network card.")
    private List<String> arguments = new ArrayList<>();

    QemuCommand(GatewayMain main, GatewayStarter starter, StopSignal stop) {
        this.main = main;
        this.starter = starter;
        this.stop = stop;
    }

    @Override
    public Integer call() throws BadConfigurationException {
        requireProgram();
        try (SocketDirectory directory = SocketDirectory.make()) {
            GatewayFile settings = settings(directory.socket());
            return run(settings, guest(settings));
        } catch (SharedIpException | ControlException | IOException e) {
            return failed(e.getMessage());
        }
    }

    private void requireProgram() {
        if (program.contains("/") ? Files.isExecutable(Path.of(program)) : isOnPath(program)) {
            return;
        }
        throw wrong("--program: '" + program + "' " + (program.contains("/") ? "is no program" : "is not on the path")
                + "; install it (Debian: apt-get install qemu-system-x86), or name another with --program");
    }

    private static boolean isOnPath(String program) {
        String path = System.getenv().getOrDefault("PATH", "");
        return Arrays.stream(path.split(":", -1)).anyMatch(each -> Files.isExecutable(Path.of(each, program)));
    }

    private GatewayFile settings(Path socket) throws BadConfigurationException {
        if (file != null && address != null) {
            throw wrong("--address: does not go with --file; write the address there");
        }
        GatewayFile base;
        List<PortForward> allForwards;
        FilterChain.Builder chain = FilterChain.builder();
        try {
            base = file != null
                    ? GatewayFile.read(file)
                    : OneGuest.file(Objects.requireNonNullElse(name, "vm"), Optional.ofNullable(address), socket);
            allForwards = new ArrayList<>(base.forwards());
            forwards.forEach(text -> allForwards.add(PortForward.parse(text)));
            rules.forEach(chain::add);
        } catch (ConfigurationException e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
        chain.addAll(base.rules().rules());
        for (Hook hook : Hook.values()) {
            chain.policy(hook, base.rules().policy(hook));
        }
        return base.with(allForwards, chain.build());
    }

    private GuestSettings guest(GatewayFile settings) {
        List<GuestSettings> guests = settings.guests();
        if (name == null && guests.size() == 1) {
            return guests.get(0);
        }
        if (name == null) {
            throw wrong("--name: is missing, and the file has several guests: "
                    + guests.stream().map(guest -> guest.id().name()).toList());
        }
        GuestId wanted = GuestId.of(name);
        return guests.stream()
                .filter(guest -> guest.id().equals(wanted))
                .findFirst()
                .orElseThrow(() -> wrong("--name: the file has no guest '" + name + "'"));
    }

    private int run(GatewayFile settings, GuestSettings guest) throws IOException, ControlException {
        List<String> command = new ArrayList<>(List.of(program));
        command.addAll(arguments);
        command.addAll(QemuCard.arguments(guest)
                .orElseThrow(() -> wrong("--file: guest '" + guest.id().name()
                        + "' has no link that QEMU can connect to; give it a qemu-stream that listens")));
        Path control = ControlPath.choose(main.control(), settings.control());
        StopSignal.Installed signals = stop.install();
        try (signals;
                ControlServer server = ControlServer.bind(control);
                SharedIp gateway = starter.start(settings, new EventLog())) {
            server.serve(new GatewayCommands(gateway, Optional.empty()));
            return attend(gateway, new ProcessBuilder(command).inheritIO().start());
        }
    }

    private int attend(SharedIp gateway, Process qemu) {
        try {
            while (!stop.await(GLANCE)) {
                if (!qemu.isAlive()) {
                    return qemu.exitValue();
                }
                if (gateway.state() != SharedIp.State.RUNNING) {
                    return failed(gateway.failure()
                            .map(cause -> "the gateway failed: " + cause)
                            .orElse("the gateway was closed"));
                }
            }
            return ExitCode.DONE;
        } finally {
            end(qemu);
        }
    }

    private static void end(Process qemu) {
        qemu.destroy();
        try {
            if (!qemu.waitFor(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS)) {
                qemu.destroyForcibly();
            }
        } catch (InterruptedException e) {
            qemu.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private ParameterException wrong(String sentence) {
        return new ParameterException(Objects.requireNonNull(spec).commandLine(), sentence);
    }

    private int failed(@Nullable String sentence) {
        Objects.requireNonNull(spec).commandLine().getErr().println("sharedip-gateway: " + sentence);
        return ExitCode.FAILED;
    }
}
