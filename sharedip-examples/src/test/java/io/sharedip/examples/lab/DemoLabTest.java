package io.sharedip.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.examples.demo.Demo;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("lab")
class DemoLabTest {

    @ParameterizedTest
    @ValueSource(strings = {Demo.SOCKETS, Demo.CARD})
    void everything_that_the_demo_claims_holds(String part) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        boolean held = Demo.run(new PrintStream(bytes, true, StandardCharsets.UTF_8), part);

        String report = bytes.toString(StandardCharsets.UTF_8);
        assertThat(held).as(report).isTrue();
        assertThat(report.lines().reduce((first, second) -> second))
                .hasValueSatisfying(last -> assertThat(last).matches("demo: (\\d+) of \\1 held"));
    }
}
