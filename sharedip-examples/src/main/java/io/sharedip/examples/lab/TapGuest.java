package io.sharedip.examples.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A guest where no virtual machine can be had: a network namespace whose card is a tap device, joined to the gateway's stream socket by
 * the {@link TapRelay}. It gets its address by DHCP, as a virtual machine of the lab does.
 */
public final class TapGuest implements ShellGuest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Lab lab;
    private final LabMachine machine;
    private final LabProgram relay;
    private final LabProgram lease;
    private final Path applets;
    private LabProgram running;

    private TapGuest(Lab lab, LabMachine machine, LabProgram relay, Path applets, LabProgram lease) {
        this.lab = lab;
        this.machine = machine;
        this.relay = relay;
        this.applets = applets;
        this.lease = lease;
        this.running = lease;
    }

    /**
     * Gives a machine a card that leads to the gateway, in the place of the one it has.
     *
     * @param lab for its files
     * @param machine the guest
     * @param mac of its card
     * @param socket where the gateway listens
     * @return while it asks for its address
     */
    public static TapGuest join(Lab lab, LabMachine machine, String mac, Path socket) {
        Path applets = lab.directory().resolve("applets");
        machine.shell(
                "ip link delete eth0",
                "mkdir -p " + applets,
                "[ -e " + applets + "/wget ] || busybox --install -s " + applets);
        LabProgram relay = machine.start(
                        GatewayProcess.java(),
                        "-cp",
                        GatewayProcess.jar(),
                        TapRelay.class.getName(),
                        "eth0",
                        socket.toString())
                .awaitText("relaying", PATIENCE);
        machine.shell("ip link set eth0 address " + mac + " up");
        String script = "case $1 in bound) ip addr add $ip/24 dev eth0; ip route add default via $router;; esac";
        LabProgram lease = machine.start(
                "sh",
                "-ec",
                "f=" + lab.directory() + "/on-lease; printf '#!/bin/sh\\n%s\\n' '" + script + "' > $f; chmod 755 $f;"
                        + " exec busybox udhcpc -i eth0 -n -q -t 20 -T 1 -s $f");
        return new TapGuest(lab, machine, relay, applets, lease);
    }

    @Override
    public String name() {
        return machine.name();
    }

    @Override
    public TapGuest awaitReady() {
        lease.await(PATIENCE).orThrow();
        WebServer.start(lab, machine, OneAddressNetwork.ADDRESS, 80);
        return this;
    }

    @Override
    public void start(String command) {
        running = machine.start(List.of("sh", "-c", "PATH=" + applets + ":$PATH; " + command));
    }

    @Override
    public Outcome await(String command, Duration limit) {
        return running.await(limit);
    }

    @Override
    public void close() {
        relay.close();
    }
}
