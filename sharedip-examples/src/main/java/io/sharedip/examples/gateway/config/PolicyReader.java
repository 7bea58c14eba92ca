package io.sharedip.examples.gateway.config;

import io.sharedip.GuestId;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import io.sharedip.filter.FilterChain;
import io.sharedip.filter.FilterRule;
import io.sharedip.filter.Hook;
import io.sharedip.filter.RuleEnd;
import io.sharedip.filter.RuleSyntax;
import io.sharedip.filter.Verdict;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Reads {@code forwards} and {@code rules}: lines in the API's own text forms, which speak of guests. */
final class PolicyReader {

    private static final Pattern WORD = Pattern.compile("\\S+");
    private static final Set<String> ENDS = Set.of("from", "to");
    private static final List<Verdict> POLICIES = List.of(Verdict.ACCEPT, Verdict.DROP, Verdict.REJECT);

    private final Segment segment;
    private final Names guests;
    private final boolean sockets;

    /**
     * For a file whose guests have been read.
     *
     * @param sockets whether forwards listen on the host, which alone knows its addresses
     */
    PolicyReader(Segment segment, Names guests, boolean sockets) {
        this.segment = segment;
        this.guests = guests;
        this.sockets = sockets;
    }

    List<PortForward> forwards(Section root) {
        String example = "tcp 8080 -> web:80";
        List<PortForward> forwards = new ArrayList<>();
        Map<ForwardSelector, Setting> selectors = new HashMap<>();
        for (Value item : root.value("forwards").map(v -> v.items(example)).orElse(List.of())) {
            item.text(example).flatMap(s -> s.parse(PortForward::parse)).ifPresent(parsed -> {
                check(parsed, selectors);
                forwards.add(parsed.value());
            });
        }
        return forwards;
    }

    private void check(Parsed<PortForward> parsed, Map<ForwardSelector, Setting> selectors) {
        PortForward forward = parsed.value();
        Setting setting = parsed.setting();
        Setting earlier = selectors.putIfAbsent(forward.selector(), setting);
        if (earlier != null) {
            setting.wrong(
                    "forwards what another forward takes already",
                    "remove it here or in line " + earlier.scalar().spot().line());
        }
        if (!sockets) {
            forward.selector()
                    .address()
                    .filter(a -> !segment.isGateways(a))
                    .ifPresent(a -> setting.wrongAt(
                            setting.text().indexOf(a.toString()),
                            "names the outside address " + a + ", which is not the gateway's",
                            "leave the address out, or write "
                                    + segment.address().orElseThrow()));
        }
        int arrow = setting.text().indexOf("->");
        checkGuest(
                setting, forward.guest(), setting.text().indexOf(forward.guest().name(), arrow));
    }

    /** Notes the name of a guest that does not exist, at the character where it stands. */
    void checkGuest(Setting setting, GuestId guest, int position) {
        if (guests.complete() && !guests.known().contains(guest)) {
            List<String> names =
                    guests.known().stream().map(GuestId::name).sorted().toList();
            setting.wrongAt(
                    position,
                    "names the guest '" + guest + "', which does not exist",
                    Suggestion.before("the guests are " + String.join(", ", names), guest.name(), names));
        }
    }

    FilterChain rules(Section root) {
        FilterChain.Builder chain = FilterChain.builder();
        root.value("rules")
                .flatMap(v -> v.section("rules: { default: accept }"))
                .ifPresent(section -> {
                    section.text("default", "accept")
                            .flatMap(s -> s.parse(Forms.oneOf(POLICIES)))
                            .ifPresent(p -> chain.policy(Hook.FLOW, p.value()));
                    String example = "drop tcp from any to any port 25";
                    for (Value item :
                            section.value("chain").map(v -> v.items(example)).orElse(List.of())) {
                        item.text(example)
                                .flatMap(s -> s.parse(RuleSyntax::parse))
                                .ifPresent(parsed -> {
                                    checkGuests(parsed);
                                    chain.add(parsed.value());
                                });
                    }
                    section.finish();
                });
        return chain.build();
    }

    private void checkGuests(Parsed<FilterRule> rule) {
        Iterator<Integer> positions = positionsOfGuests(rule.setting().text()).iterator();
        for (RuleEnd end : List.of(rule.value().from(), rule.value().to())) {
            if (end instanceof RuleEnd.GuestEnd named) {
                checkGuest(rule.setting(), named.guest(), positions.next());
            }
        }
    }

    /** Where the names of guests stand in a text that is a rule. A guest may be called "guest" or "to", so the words are counted. */
    private static List<Integer> positionsOfGuests(String rule) {
        List<MatchResult> words = WORD.matcher(rule).results().toList();
        List<Integer> positions = new ArrayList<>();
        for (int i = 0; i + 2 < words.size(); i++) {
            boolean beforeEnd = ENDS.contains(words.get(i).group());
            if (beforeEnd && words.get(i + 1).group().equals("guest")) {
                positions.add(words.get(i + 2).start());
                i += 2;
            }
        }
        return positions;
    }
}
