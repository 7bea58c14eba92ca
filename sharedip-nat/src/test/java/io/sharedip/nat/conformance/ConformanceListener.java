package io.sharedip.nat.conformance;

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;
import static org.junit.platform.launcher.TagFilter.excludeTags;

import io.sharedip.nat.conformance.ConformancePage.TestMethod;
import io.sharedip.testing.GatewayRig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.AnnotatedElement;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Collects what became of the tests whose names carry the tokens of rows, and writes {@code target/conformance.md}.
 *
 * <p>A run in which every test of this module took part that carries a token also writes {@code target/conformance-unproved.txt}, for
 * the build to fail by, if there are rows that it does not prove. A run of some tests says nothing about the other rows, and the page
 * says so.
 */
public final class ConformanceListener implements TestExecutionListener {

    private static final Path TARGET = Path.of("target");
    private static final Path UNPROVED = TARGET.resolve("conformance-unproved.txt");

    private final List<Row> rows = Contract.rows();
    private final Map<TestMethod, Outcome> outcomes = new ConcurrentHashMap<>();
    private final Map<TestMethod, SettingsSeen> settings = new ConcurrentHashMap<>();
    /** Settings of the gateways that the running test has built. */
    private final Set<Map<String, String>> built = Collections.synchronizedSet(new LinkedHashSet<>());

    @Override
    public void testPlanExecutionStarted(TestPlan plan) {
        GatewayRig.watchedBy((gateway, ports) -> built.add(SettingsSeen.of(gateway, ports)));
        try {
            Files.deleteIfExists(UNPROVED);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void executionStarted(TestIdentifier identifier) {
        if (identifier.isTest()) {
            built.clear();
        }
    }

    @Override
    public void executionFinished(TestIdentifier identifier, TestExecutionResult result) {
        boolean success = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
        // a container that fails, e.g. for want of arguments, is a failure of its tests
        if (identifier.isTest() || !success) {
            add(identifier, success);
        }
        if (identifier.isTest() && !built.isEmpty()) {
            method(identifier)
                    .map(test -> settings.computeIfAbsent(test, first -> new SettingsSeen()))
                    .ifPresent(seen -> built.forEach(seen::add));
        }
    }

    private Map<String, String> defaults() {
        built.clear();
        try (GatewayRig rig = new GatewayRig()) {
            rig.gateway();
        }
        return built.iterator().next();
    }

    @Override
    public void executionSkipped(TestIdentifier identifier, String reason) {
        add(identifier, false);
    }

    private void add(TestIdentifier identifier, boolean success) {
        method(identifier)
                .ifPresent(test ->
                        outcomes.merge(test, Outcome.NONE.plus(success), (before, one) -> before.plus(success)));
    }

    private Optional<TestMethod> method(TestIdentifier identifier) {
        return identifier
                .getSource()
                .filter(MethodSource.class::isInstance)
                .map(MethodSource.class::cast)
                .filter(source -> rows.stream().anyMatch(row -> row.isNamedBy(source.getMethodName())))
                .map(source -> new TestMethod(
                        source.getClassName(),
                        source.getMethodName(),
                        setting(source.getJavaMethod())
                                .or(() -> setting(source.getJavaClass()))
                                .orElse("")));
    }

    private static Optional<String> setting(AnnotatedElement element) {
        return Optional.ofNullable(element.getAnnotation(Setting.class)).map(Setting::value);
    }

    @Override
    public void testPlanExecutionFinished(TestPlan plan) {
        try {
            boolean whole = outcomes.keySet().containsAll(allTests());
            ConformancePage page =
                    new ConformancePage(rows, new HashMap<>(outcomes), new HashMap<>(settings), defaults(), whole);
            Files.createDirectories(TARGET);
            Files.writeString(TARGET.resolve("conformance.md"), page.text());
            List<String> unproved = page.unproved().stream().map(page::whyNot).toList();
            if (whole && !unproved.isEmpty()) {
                Files.write(UNPROVED, unproved);
                System.out.println("Rows of the contract that no test proves, or a test refutes: " + unproved.size());
                unproved.forEach(line -> System.out.println("  " + line));
            }
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException("cannot write the conformance page", e);
        }
    }

    /** Every unit test of this module that carries a token, run or not. */
    private Set<TestMethod> allTests() throws URISyntaxException {
        Path here = Path.of(
                getClass().getProtectionDomain().getCodeSource().getLocation().toURI());
        Set<TestMethod> tests = new HashSet<>();
        TestPlan all = LauncherFactory.create()
                .discover(LauncherDiscoveryRequestBuilder.request()
                        .selectors(selectClasspathRoots(Set.of(here)))
                        .filters(includeClassNamePatterns(".*Test"), excludeTags("lab", "vm"))
                        .build());
        for (TestIdentifier root : all.getRoots()) {
            for (TestIdentifier identifier : all.getDescendants(root)) {
                method(identifier).ifPresent(tests::add);
            }
        }
        return tests;
    }
}
