package io.sharedip.examples.lab;

import java.time.Duration;

/**
 * coturn's STUN server (RFC 5389, RFC 5780) on the near machine. It has two addresses and two ports, so that clients learn how
 * the gateway between them and it behaves.
 */
final class StunServer {
    /** Its first address. */
    static final String ADDRESS = OneAddressNetwork.NEAR;

    /** Its other address. */
    static final String OTHER_ADDRESS = "198.51.100.8";

    /** Its first port. */
    static final int PORT = 3478;

    /** Its other port. */
    static final int OTHER_PORT = 3479;

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private StunServer() {}

    static void start(GatewayLab running) {
        LabMachine near = running.network().near();
        near.shell("ip address add " + OTHER_ADDRESS + "/25 dev eth0");
        String directory = running.lab().directory().toString();
        near.start(
                "turnserver",
                "-n",
                "--stun-only",
                "--no-auth",
                "--no-tls",
                "--no-dtls",
                "--no-cli",
                "--listening-ip=" + ADDRESS,
                "--listening-ip=" + OTHER_ADDRESS,
                "--listening-port=" + PORT,
                "--alt-listening-port=" + OTHER_PORT,
                "--relay-threads=1",
                "--log-file=stdout",
                "--simple-log",
                "--pidfile=" + directory + "/turnserver.pid",
                "--userdb=" + directory + "/turnserver.db");
        Listening.await(near, "udp", PORT, PATIENCE);
        Listening.await(near, "udp", OTHER_PORT, PATIENCE);
    }
}
