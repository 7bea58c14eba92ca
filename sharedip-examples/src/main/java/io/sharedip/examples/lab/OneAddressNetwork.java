package io.sharedip.examples.lab;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The network of the demo and of the lab tests: a host and three guests that all carry the same address, and two machines
 * outside, one behind one router, the other behind two.
 *
 * <pre>
 *  web  192.0.2.10 --- vm1 +--------------+           +--------+             +---------------+
 *  db   192.0.2.10 --- vm2 | host         |-- up0 ----| router |-- MTU 1400 -| distantRouter |--- far  203.0.113.9
 *  mail 192.0.2.10 --- vm3 |   192.0.2.10 |    192.0.2.1       |             +---------------+
 *  own  10.77.0.4  --- vm4 +--------------+           +--------+--- near  198.51.100.7
 * </pre>
 *
 * <p>The gateway runs on the host, on the cards up0 and vm1 to vm4. The fourth guest has a private address. Every machine but the
 * host completes its checksums before it sends, as a real cable would have it.
 */
public final class OneAddressNetwork {

    /** The address of the host and of its guests. */
    public static final String ADDRESS = "192.0.2.10";

    /** The address of the fourth guest. */
    public static final String PRIVATE_ADDRESS = "10.77.0.4";

    /** An unused address that stands for the shared one. */
    public static final String ALIAS = "192.0.2.254";

    /** The segment's router. */
    public static final String ROUTER = "192.0.2.1";

    /** The router behind the segment's router. */
    public static final String DISTANT_ROUTER = "198.51.100.130";

    /** The outside machine behind one router. */
    public static final String NEAR = "198.51.100.7";

    /** The outside machine behind two routers. */
    public static final String FAR = "203.0.113.9";

    /** The MTU between the two routers; it is 1500 everywhere else. */
    public static final int NARROW_MTU = 1400;

    /** The names of the guests that carry the shared address. */
    public static final List<String> SAME_ADDRESS_GUESTS = List.of("web", "db", "mail");

    /** The name of the guest with the private address. */
    public static final String PRIVATE_GUEST = "own";

    private final LabMachine host;
    private final LabMachine router;
    private final LabMachine distantRouter;
    private final LabMachine near;
    private final LabMachine far;
    private final List<LabMachine> guests;
    private final LabMachine privateGuest;

    /**
     * Makes the machines and their cables.
     *
     * @param lab makes and removes them
     */
    public OneAddressNetwork(Lab lab) {
        router = lab.machine("router");
        distantRouter = lab.machine("distant-router");
        near = lab.machine("near");
        far = lab.machine("far");
        host = lab.machine("host");
        lab.cable(host, "up0", router, "dn0");
        lab.cable(near, "eth0", router, "near0");
        lab.cable(distantRouter, "up0", router, "far0");
        lab.cable(far, "eth0", distantRouter, "far0");

        host.shell("ip address add " + ADDRESS + "/24 dev up0", "ip route add default via " + ROUTER);
        near.shell(
                "ip address add " + NEAR + "/25 dev eth0",
                "ip route add default via 198.51.100.1",
                completeChecksums("eth0"));
        far.shell(
                "ip address add " + FAR + "/24 dev eth0",
                "ip route add default via 203.0.113.1",
                completeChecksums("eth0"));
        router.shell(
                "echo 1 > /proc/sys/net/ipv4/ip_forward",
                "ip address add " + ROUTER + "/24 dev dn0",
                "ip address add 198.51.100.1/25 dev near0",
                "ip address add 198.51.100.129/30 dev far0",
                "ip link set far0 mtu " + NARROW_MTU,
                "ip route add 203.0.113.0/24 via " + DISTANT_ROUTER,
                completeChecksums("dn0"),
                completeChecksums("near0"),
                completeChecksums("far0"));
        distantRouter.shell(
                "echo 1 > /proc/sys/net/ipv4/ip_forward",
                "ip address add " + DISTANT_ROUTER + "/30 dev up0",
                "ip address add 203.0.113.1/24 dev far0",
                "ip link set up0 mtu " + NARROW_MTU,
                "ip route add default via 198.51.100.129",
                completeChecksums("up0"),
                completeChecksums("far0"));

        guests = IntStream.range(0, SAME_ADDRESS_GUESTS.size())
                .mapToObj(index -> sameAddressGuest(lab, index))
                .toList();
        privateGuest = guest(lab, PRIVATE_GUEST, SAME_ADDRESS_GUESTS.size());
        readdress(privateGuest, PRIVATE_ADDRESS);
    }

    /**
     * Gives a guest another address instead of the one it has.
     *
     * @param guest one of the guests
     * @param address a private one, which the gateway's file has to name too ({@link GatewayFile#address}), or the shared one
     */
    public void readdress(LabMachine guest, String address) {
        guest.shell(
                "ip address flush dev eth0",
                "ip address add " + address + "/32 dev eth0",
                "ip route add default via " + ROUTER + " dev eth0 onlink");
    }

    private LabMachine sameAddressGuest(Lab lab, int index) {
        LabMachine guest = guest(lab, SAME_ADDRESS_GUESTS.get(index), index);
        guest.shell("ip address add " + ADDRESS + "/24 dev eth0", "ip route add default via " + ROUTER);
        return guest;
    }

    private LabMachine guest(Lab lab, String name, int index) {
        LabMachine guest = lab.machine(name);
        lab.cable(guest, "eth0", host, card(index));
        guest.shell(
                "ip link set eth0 address " + mac(index),
                // A guest asks for its neighbours under its own address, also while it sends under a false one.
                "echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce",
                completeChecksums("eth0"));
        return guest;
    }

    /** The host's card that a guest's cable ends on. */
    static String card(int index) {
        return "vm" + (index + 1);
    }

    /** A guest's MAC address. */
    static String mac(int index) {
        return "52:54:00:00:00:0" + (index + 1);
    }

    /**
     * The MAC address of a guest that carries the shared address.
     *
     * @param guest one of {@link #SAME_ADDRESS_GUESTS}
     * @return as in the gateway's file
     */
    public static String macOf(String guest) {
        return mac(SAME_ADDRESS_GUESTS.indexOf(guest));
    }

    private static String completeChecksums(String card) {
        return "ethtool -K " + card + " tx off >/dev/null";
    }

    /**
     * Where the gateway and the host's own programs run.
     *
     * @return has the shared address
     */
    public LabMachine host() {
        return host;
    }

    /**
     * The segment's router.
     *
     * @return its card {@code dn0} sees what leaves the host
     */
    public LabMachine router() {
        return router;
    }

    /**
     * The router behind the segment's router.
     *
     * @return between the narrow link and {@link #far()}
     */
    public LabMachine distantRouter() {
        return distantRouter;
    }

    /**
     * The outside machine behind one router.
     *
     * @return has the address {@link #NEAR}
     */
    public LabMachine near() {
        return near;
    }

    /**
     * The outside machine behind two routers.
     *
     * @return has the address {@link #FAR}
     */
    public LabMachine far() {
        return far;
    }

    /**
     * The guests that carry the shared address.
     *
     * @return in the order of {@link #SAME_ADDRESS_GUESTS}
     */
    public List<LabMachine> guests() {
        return guests;
    }

    /**
     * A guest that carries the shared address.
     *
     * @param name one of {@link #SAME_ADDRESS_GUESTS}
     * @return the guest
     */
    public LabMachine guest(String name) {
        return guests.get(SAME_ADDRESS_GUESTS.indexOf(name));
    }

    /**
     * The guest with a private address.
     *
     * @return has the address {@link #PRIVATE_ADDRESS}
     */
    public LabMachine privateGuest() {
        return privateGuest;
    }
}
