package io.sharedip.examples.gateway;

import io.sharedip.GuestId;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.event.SharedIpEvent.AddressChanged;
import io.sharedip.event.SharedIpEvent.BindingViolation;
import io.sharedip.event.SharedIpEvent.FlowClosed;
import io.sharedip.event.SharedIpEvent.FlowOpened;
import io.sharedip.event.SharedIpEvent.ForwardConflict;
import io.sharedip.event.SharedIpEvent.GatewayFailed;
import io.sharedip.event.SharedIpEvent.LinkLost;
import io.sharedip.event.SharedIpEvent.LinkNotice;
import io.sharedip.event.SharedIpEvent.LinkRestored;
import io.sharedip.event.SharedIpEvent.MappingCreated;
import io.sharedip.event.SharedIpEvent.MappingDeleted;
import io.sharedip.event.SharedIpEvent.RuleLogged;
import io.sharedip.event.SharedIpEvent.SnapshotRestored;
import io.sharedip.event.SharedIpEvent.TableFull;
import io.sharedip.event.SharedIpListener;
import io.sharedip.filter.RuleSyntax;
import io.sharedip.snapshot.RestoreReport;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Writes events to the log as sentences. What a guest or somebody outside can cause at will is limited, so that nobody fills the disk
 * with log lines. Called by one thread.
 */
final class EventLog implements SharedIpListener {

    private static final int MOST_LINES_PER_SECOND = 20;
    private static final long SECOND = 1_000_000_000L;

    private final Logger log;
    private final LongSupplier nanoTime;
    private long secondBegan;
    private int lines;
    private long suppressed;

    EventLog() {
        this(LoggerFactory.getLogger("io.sharedip.gateway"), System::nanoTime);
    }

    EventLog(Logger log, LongSupplier nanoTime) {
        this.log = log;
        this.nanoTime = nanoTime;
        this.secondBegan = nanoTime.getAsLong();
    }

    @Override
    public void onEvent(SharedIpEvent event) {
        if (event instanceof FlowOpened e) {
            log.debug(
                    "Flow of {} opened: {} {} as {} to {}, begun {}.",
                    e.guest(),
                    e.protocol(),
                    e.inside(),
                    e.outside(),
                    e.peer(),
                    e.byGuest() ? "inside" : "outside");
        } else if (event instanceof FlowClosed e) {
            log.debug(
                    "Flow of {} closed ({}): {} {} as {} to {}, {} octets out, {} in.",
                    e.guest(),
                    words(e.reason()),
                    e.protocol(),
                    e.inside(),
                    e.outside(),
                    e.peer(),
                    e.bytesOut(),
                    e.bytesIn());
        } else if (event instanceof MappingCreated e) {
            mapping(e);
        } else if (event instanceof MappingDeleted e) {
            mapping(e);
        } else if (event instanceof BindingViolation e) {
            limited(
                    Level.WARN,
                    "A frame from " + e.mac() + " with the address " + e.address() + " was dropped on "
                            + e.guest().map(g -> "the link of " + g).orElse(e.link()) + ": "
                            + e.reason().description() + ".");
        } else if (event instanceof RuleLogged e) {
            limited(
                    Level.INFO,
                    "Rule '" + RuleSyntax.format(e.rule()) + "' matched " + e.protocol() + " from " + e.source()
                            + " to " + e.destination()
                            + e.guest().map(EventLog::ofGuest).orElse("") + ".");
        } else if (event instanceof TableFull e) {
            limited(Level.WARN, "A new flow of " + e.guest() + " was refused: " + full(e.limit()) + ".");
        } else {
            rare(event);
        }
    }

    private void mapping(MappingCreated e) {
        log.debug(
                "Mapping of {} created: {} {} as {}, for {}.",
                e.guest(),
                e.protocol(),
                e.inside(),
                e.outside(),
                e.peer());
    }

    private void mapping(MappingDeleted e) {
        log.debug(
                "Mapping of {} deleted ({}): {} {} as {}, for {}, {} octets out, {} in.",
                e.guest(),
                words(e.reason()),
                e.protocol(),
                e.inside(),
                e.outside(),
                e.peer(),
                e.bytesOut(),
                e.bytesIn());
    }

    private void rare(SharedIpEvent event) {
        if (event instanceof ForwardConflict e) {
            log.warn("The outside port {} {} cannot be used: {}.", e.protocol(), e.port(), e.description());
        } else if (event instanceof LinkLost e) {
            log.warn("The link {} was lost: {}.", e.link(), e.reason());
        } else if (event instanceof LinkRestored e) {
            log.info("The link {} is back.", e.link());
        } else if (event instanceof LinkNotice e) {
            limited(Level.WARN, "The link " + e.link() + " says: " + e.message());
        } else if (event instanceof AddressChanged e) {
            log.info("The shared address is {} now, not {}; {} flows go on.", e.after(), e.before(), e.flowsKept());
        } else if (event instanceof SnapshotRestored e) {
            log.info(
                    "Restored {} flows and {} forwards of {}; left out: {}.",
                    e.report().flows(),
                    e.report().forwards(),
                    e.report().taken(),
                    leftOut(e.report()));
        } else if (event instanceof GatewayFailed e) {
            log.error("The gateway failed; nothing passes any more.", e.cause());
        } else {
            log.info("{}", event);
        }
    }

    private static String ofGuest(GuestId guest) {
        return ", guest " + guest;
    }

    private static String full(SharedIpEvent.Limit limit) {
        return switch (limit) {
            case FLOWS -> "the table of flows is full";
            case FLOWS_PER_GUEST -> "it has as many flows as it may have";
            case PORTS -> "no outside port is free";
            case PORTS_PER_GUEST -> "it holds as many outside ports as it may hold";
        };
    }

    private static String words(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private void limited(Level level, String sentence) {
        long now = nanoTime.getAsLong();
        if (now - secondBegan >= SECOND) {
            if (suppressed > 0) {
                log.warn("{} more events were not logged.", suppressed);
            }
            secondBegan = now;
            lines = 0;
            suppressed = 0;
        }
        if (lines < MOST_LINES_PER_SECOND) {
            lines++;
            log.atLevel(level).log(sentence);
        } else {
            suppressed++;
        }
    }

    private static String leftOut(RestoreReport report) {
        String text = report.skipped().entrySet().stream()
                .filter(reason -> reason.getValue() > 0)
                .map(reason -> reason.getKey() + " " + reason.getValue())
                .collect(Collectors.joining(", "));
        return text.isEmpty() ? "nothing" : text;
    }
}
