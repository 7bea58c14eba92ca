package io.sharedip.examples.demo;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;

import io.sharedip.examples.lab.Capture;
import io.sharedip.examples.lab.LabException;
import io.sharedip.examples.lab.LabMachine;
import io.sharedip.examples.lab.Outcome;
import io.sharedip.examples.lab.Waiting;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A guest sends what it may not send. */
final class Spoofing {
    private static final long FRAMES = 3;
    private static final String FALSE_MAC = "52:54:00:00:00:66";
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Stage stage;

    Spoofing(Stage stage) {
        this.stage = stage;
    }

    /** From an address that is not the guest's. */
    String address(String address) {
        LabMachine guest = stage.guest("db");
        guest.shell("ip address add " + address + "/32 dev eth0");
        try {
            return expectDropped("BINDING_ADDRESS", () -> ping(guest, address, FRAMES));
        } finally {
            guest.shell("ip address delete " + address + "/32 dev eth0");
        }
    }

    /** From the guest's own address, but another MAC address. */
    String mac() {
        LabMachine guest = stage.guest("db");
        String mac = guest.shell("cat /sys/class/net/eth0/address").out().strip();
        try {
            return expectDropped("BINDING_MAC", () -> {
                String routerMac = guest.shell("ip neigh show " + ROUTER + " | sed 's/.*lladdr \\([^ ]*\\).*/\\1/'")
                        .out()
                        .strip();
                guest.shell(
                        "ip link set eth0 address " + FALSE_MAC,
                        "ip neigh replace " + ROUTER + " lladdr " + routerMac + " dev eth0 nud permanent");
                ping(guest, ADDRESS, FRAMES);
            });
        } finally {
            guest.shell("ip link set eth0 address " + mac, "ip neigh delete " + ROUTER + " dev eth0 || true");
        }
    }

    /** One true frame leaves, so the capture sees what there is to see; of the false ones that follow it sees none. */
    private String expectDropped(String reason, Runnable falseFrames) {
        Map<String, Long> before = stage.gateway().drops();
        try (Capture uplink = Capture.start(stage.network().router(), "dn0", "icmp[icmptype] = icmp-echo")) {
            ping(stage.guest("db"), ADDRESS, 1).orThrow();
            falseFrames.run();
            Map<String, Long> expected = Map.of(reason, FRAMES);
            Waiting.until(PATIENCE, () -> increase(before).equals(expected));
            Map<String, Long> raised = increase(before);
            if (!raised.equals(expected)) {
                throw new LabException("drop counters rose by " + raised + " instead of " + expected);
            }
            List<String> left = uplink.stop();
            if (left.size() != 1 || !left.get(0).contains("IP " + ADDRESS + " > " + FAR)) {
                throw new LabException("not the true frame alone left on the uplink: " + left);
            }
        }
        return FRAMES + " false frames after a true one: the uplink capture has the true one alone; " + reason + " +"
                + FRAMES + ", no other counter moved";
    }

    private Map<String, Long> increase(Map<String, Long> before) {
        return Books.increase(before, stage.gateway().drops());
    }

    private static Outcome ping(LabMachine guest, String source, long count) {
        return guest.run("ping", "-n", "-c", Long.toString(count), "-i", "0.2", "-W", "1", "-I", source, FAR);
    }
}
