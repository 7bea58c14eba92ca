package io.sharedip.examples.gateway.config;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Makes a tree out of YAML text. It works on the parser's events, so that each node has its place, nothing is constructed, and
 * anchors, aliases and tags, which a gateway's file has no use for, never do anything.
 */
final class YamlTree {

    private static final String KEY = "yaml";
    private static final int MOST_LEVELS = 16;

    private final Problems problems;
    private final Iterator<Event> events;

    private YamlTree(String text, Problems problems) {
        this.problems = problems;
        LoadSettings settings = LoadSettings.builder()
                .setUseMarks(true)
                .setCodePointLimit(YamlFile.MOST_OCTETS)
                .build();
        this.events = new Parse(settings).parseString(text).iterator();
    }

    /**
     * Reads a text.
     *
     * @return the only document, empty if there is none
     * @throws BadConfigurationException if the text is not YAML
     */
    static Optional<YamlNode> parse(String text, Problems problems) throws BadConfigurationException {
        try {
            return new YamlTree(text, problems).document();
        } catch (ReaderException e) {
            throw problems.only(
                    YamlFile.spotAfter(text.substring(0, text.offsetByCodePoints(0, e.getPosition()))),
                    KEY,
                    String.format("has the character U+%04X, which YAML does not allow", e.getCodePoint()),
                    "remove it");
        } catch (MarkedYamlEngineException e) {
            Spot spot =
                    e.getProblemMark().or(e::getContextMark).map(YamlTree::spot).orElse(Spot.START);
            throw syntaxError(problems, spot, text, e);
        } catch (YamlEngineException e) {
            throw problems.only(
                    Spot.START, KEY, "cannot be read: " + e.getMessage(), "compare with the manual's example");
        }
    }

    private static BadConfigurationException syntaxError(
            Problems problems, Spot spot, String text, MarkedYamlEngineException e) {
        String line = text.lines().skip(spot.line() - 1L).findFirst().orElse("");
        int tab = line.indexOf('\t');
        if (tab >= 0 && line.substring(0, tab).isBlank()) {
            return problems.only(
                    new Spot(spot.line(), tab + 1), KEY, "has a tab where blanks should indent", "indent with blanks");
        }
        String problem =
                "is not YAML here: " + Optional.ofNullable(e.getProblem()).orElse(e.getMessage());
        String cure = problem.contains("mapping values are not allowed")
                ? "indent the line like its neighbours, and put a value that holds ': ' in quotes"
                : "check the indentation, the quotes and the brackets around this place";
        return problems.only(spot, KEY, problem, cure);
    }

    private Optional<YamlNode> document() {
        Optional<YamlNode> root = Optional.empty();
        while (events.hasNext()) {
            Event event = events.next();
            switch (event.getEventId()) {
                case StreamStart, StreamEnd, DocumentEnd -> {}
                case DocumentStart -> {
                    if (root.isPresent()) {
                        problems.add(
                                spot(event), KEY, "has a second document", "remove the line '---' and what follows");
                        return root;
                    }
                }
                default -> root = Optional.of(node(event, 0));
            }
        }
        return root.filter(node -> !(node instanceof YamlNode.Scalar scalar && scalar.isNull()));
    }

    private YamlNode node(Event event, int level) {
        if (event instanceof AliasEvent) {
            return refused(event, "uses an alias (*)", "write the value itself");
        }
        if (level == MOST_LEVELS) {
            skip(event);
            return refused(
                    event, "is nested more than " + MOST_LEVELS + " levels deep", "compare with the manual's example");
        }
        refuseExtras(event);
        if (event instanceof ScalarEvent scalar) {
            return scalar(scalar);
        }
        return event.getEventId() == Event.ID.MappingStart ? mapping(event, level) : sequence(event, level);
    }

    private void refuseExtras(Event event) {
        if (event instanceof NodeEvent node && node.getAnchor().isPresent()) {
            problems.add(spot(event), KEY, "has an anchor (&)", "write the value wherever it is needed");
        }
        Optional<String> tag = event instanceof ScalarEvent scalar
                ? scalar.getTag()
                : event instanceof CollectionStartEvent collection ? collection.getTag() : Optional.empty();
        tag.ifPresent(t -> problems.add(spot(event), KEY, "has a type tag (!)", "remove the tag"));
    }

    private YamlNode refused(Event event, String problem, String cure) {
        problems.add(spot(event), KEY, problem, cure);
        return new YamlNode.Refused(spot(event));
    }

    private void skip(Event first) {
        int open = depthChange(first);
        while (open > 0) {
            open += depthChange(events.next());
        }
    }

    private static int depthChange(Event event) {
        return switch (event.getEventId()) {
            case MappingStart, SequenceStart -> 1;
            case MappingEnd, SequenceEnd -> -1;
            default -> 0;
        };
    }

    private YamlNode mapping(Event start, int level) {
        List<YamlNode.Entry> entries = new ArrayList<>();
        for (Event event = events.next(); event.getEventId() != Event.ID.MappingEnd; event = events.next()) {
            YamlNode key = node(event, level + 1);
            entries.add(new YamlNode.Entry(key, node(events.next(), level + 1)));
        }
        return new YamlNode.Mapping(spot(start), List.copyOf(entries));
    }

    private YamlNode sequence(Event start, int level) {
        List<YamlNode> items = new ArrayList<>();
        for (Event event = events.next(); event.getEventId() != Event.ID.SequenceEnd; event = events.next()) {
            items.add(node(event, level + 1));
        }
        return new YamlNode.Sequence(spot(start), List.copyOf(items));
    }

    private static YamlNode scalar(ScalarEvent event) {
        String text = event.getValue();
        int quote = event.isPlain() ? 0 : 1;
        boolean blocked = event.getScalarStyle() == ScalarStyle.LITERAL || event.getScalarStyle() == ScalarStyle.FOLDED;
        boolean verbatim = !blocked && length(event) == text.codePointCount(0, text.length()) + 2 * quote;
        return new YamlNode.Scalar(spot(event), text, event.isPlain(), verbatim ? quote : -1);
    }

    private static int length(Event event) {
        int start = event.getStartMark().map(Mark::getIndex).orElse(0);
        return event.getEndMark().map(Mark::getIndex).orElse(0) - start;
    }

    private static Spot spot(Event event) {
        return event.getStartMark().map(YamlTree::spot).orElse(Spot.START);
    }

    private static Spot spot(Mark mark) {
        return new Spot(mark.getLine() + 1, mark.getColumn() + 1);
    }
}
