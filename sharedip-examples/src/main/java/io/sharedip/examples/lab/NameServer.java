package io.sharedip.examples.lab;

import java.time.Duration;

/** A name server (dnsmasq) on a lab machine. It knows {@link #NAME} and nothing else. */
public final class NameServer implements AutoCloseable {

    /** The name it knows. */
    public static final String NAME = "far.example";

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final LabProgram dnsmasq;

    private NameServer(LabProgram dnsmasq) {
        this.dnsmasq = dnsmasq;
    }

    /**
     * Starts a name server.
     *
     * @param machine where it runs
     * @return once it listens
     */
    public static NameServer start(LabMachine machine) {
        LabProgram dnsmasq = machine.start(
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-resolv",
                "--no-hosts",
                "--user=root",
                "--group=root",
                "--pid-file=",
                "--log-facility=-",
                "--address=/" + NAME + "/" + OneAddressNetwork.FAR);
        Listening.await(machine, "udp", 53, PATIENCE);
        return new NameServer(dnsmasq);
    }

    @Override
    public void close() {
        dnsmasq.close();
    }
}
