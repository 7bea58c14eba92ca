package io.sharedip.examples.gateway.control;

import io.sharedip.ConfigurationException;
import io.sharedip.SharedIp;
import io.sharedip.SharedIpException;
import io.sharedip.filter.FilterChain;
import io.sharedip.filter.Hook;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.snapshot.SnapshotReport;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Answers requests by asking a gateway. Thread-safe. */
public final class GatewayCommands {

    /** How long a change may take; claims of many ports need some of it. */
    static final Duration LONGEST_WAIT = Duration.ofSeconds(20);

    private final SharedIp gateway;
    private final Optional<Supplier<SnapshotReport>> state;
    private final Object replacing = new Object();

    /**
     * Commands for a gateway without a state file.
     *
     * @param gateway not closed by this object
     */
    public GatewayCommands(SharedIp gateway) {
        this(gateway, Optional.empty());
    }

    /**
     * Commands for a gateway.
     *
     * @param gateway not closed by this object
     * @param state writes the state file, if there is one
     */
    public GatewayCommands(SharedIp gateway, Optional<Supplier<SnapshotReport>> state) {
        this.gateway = gateway;
        this.state = state;
    }

    /**
     * Does what a request asks for.
     *
     * @param request the request
     * @return what to send
     * @throws SharedIpException if it cannot be done
     */
    Answer execute(Request request) {
        return switch (request.command()) {
            case "flows" -> Tables.flows(await(gateway.flows()));
            case "stats" -> Tables.stats(gateway.stats(), gateway.counters());
            case "drops" -> Tables.drops(gateway.stats());
            case "forwards" -> Tables.forwards(await(gateway.forwards()));
            case "rules" -> Tables.rules(await(gateway.rules()));
            case "policies" -> Tables.policies(await(gateway.filterChain()));
            case "bindings" -> Tables.bindings(await(gateway.bindings()));
            case "forward-add" -> {
                await(gateway.addForward(PortForward.parse(request.argument("forward"))));
                yield Answer.NOTHING;
            }
            case "forward-remove" -> {
                await(gateway.removeForward(ForwardSelector.parse(request.argument("selector"))));
                yield Answer.NOTHING;
            }
            case AddressChange.COMMAND -> {
                AddressChange change = AddressChange.of(request);
                await(gateway.changeAddress(change.place(), change.flows()));
                yield Answer.NOTHING;
            }
            case "snapshot" -> Tables.snapshot(saved());
            case "rules-replace" -> {
                replaceRules(request.argument("rules"));
                yield Answer.NOTHING;
            }
            default ->
                throw new ConfigurationException(
                        "control request",
                        request.command(),
                        "is not a command of this gateway",
                        "use the commands of its own version");
        };
    }

    private SnapshotReport saved() {
        return state.orElseThrow(() -> new ConfigurationException(
                        "state", null, "is missing", "name a state file in the gateway's file"))
                .get();
    }

    /** What the text does not say about the policies stays as it is. */
    private void replaceRules(String text) {
        FilterChain.Builder chain = FilterChain.parse(text).toBuilder();
        Set<Hook> kept = EnumSet.allOf(Hook.class);
        kept.removeAll(hooksWithPolicy(text));
        synchronized (replacing) {
            FilterChain running = await(gateway.filterChain());
            kept.forEach(hook -> chain.policy(hook, running.policy(hook)));
            await(gateway.replaceRules(chain.build()));
        }
    }

    /** The text has been parsed already, so a line that begins with "default" is of the form {@code default VERDICT [hook HOOK]}. */
    private static Set<Hook> hooksWithPolicy(String text) {
        Set<Hook> hooks = EnumSet.noneOf(Hook.class);
        text.lines().forEach(line -> {
            String[] words = line.replaceFirst("#.*", "").strip().split("\\s+");
            if (words[0].equals("default")) {
                hooks.add(words.length < 4 ? Hook.FLOW : Hook.valueOf(words[3].toUpperCase(Locale.ROOT)));
            }
        });
        return hooks;
    }

    private static <T> T await(CompletionStage<T> stage) {
        try {
            return stage.toCompletableFuture().get(LONGEST_WAIT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            while (cause instanceof CompletionException && cause.getCause() != null) {
                cause = cause.getCause();
            }
            if (cause instanceof SharedIpException told) {
                throw told;
            }
            throw new IllegalStateException(cause);
        } catch (TimeoutException e) {
            throw new IllegalStateException("took longer than " + LONGEST_WAIT.toSeconds() + " seconds", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("was interrupted, because the gateway ends", e);
        }
    }
}
