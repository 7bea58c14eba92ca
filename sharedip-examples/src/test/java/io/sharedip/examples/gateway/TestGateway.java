package io.sharedip.examples.gateway;

import io.sharedip.examples.gateway.control.FakeGateway;

/** The program with a gateway that has no packets, for a JVM of its own. */
public final class TestGateway {

    private TestGateway() {}

    public static void main(String... args) {
        System.exit(GatewayMain.commandLine((file, listener) -> new FakeGateway(), new StopSignal())
                .execute(args));
    }
}
