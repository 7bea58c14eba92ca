package io.sharedip.examples.lab;

/** A lab with the {@link OneAddressNetwork}, servers on its outside machines, and a gateway on its host. */
public final class GatewayLab implements AutoCloseable {

    /**
     * A capture filter for what the host's kernel would send to the peers of guests if it knew nothing of the gateway: resets,
     * and ICMP errors.
     */
    public static final String KERNEL_ANSWERS = "src host " + OneAddressNetwork.ADDRESS
            + " and (tcp[tcpflags] & tcp-rst != 0"
            + " or (icmp and icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply))";

    private static final int FIRST_OF_POOL = 61000;

    private final Lab lab;
    private final OneAddressNetwork network;
    private final WebServer nearWeb;
    private GatewayProcess gateway;

    private GatewayLab(Lab lab, GatewayFile file) {
        this.lab = lab;
        network = new OneAddressNetwork(lab);
        nearWeb = WebServer.start(lab, network.near(), OneAddressNetwork.NEAR, 80);
        WebServer.start(lab, network.far(), OneAddressNetwork.FAR, 80);
        NameServer.start(network.near());
        gateway = GatewayProcess.start(lab, network.host(), file);
    }

    /**
     * Sets everything up and starts the gateway.
     *
     * @param file the gateway's configuration
     * @return once the gateway is ready
     */
    public static GatewayLab with(GatewayFile file) {
        Lab lab = Lab.open();
        try {
            return new GatewayLab(lab, file);
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    /**
     * What all this stands in.
     *
     * @return the lab
     */
    public Lab lab() {
        return lab;
    }

    /**
     * The machines.
     *
     * @return the network
     */
    public OneAddressNetwork network() {
        return network;
    }

    /**
     * A guest that carries the shared address.
     *
     * @param name as in {@link OneAddressNetwork#SAME_ADDRESS_GUESTS}
     * @return the guest
     */
    public LabMachine guest(String name) {
        return network.guest(name);
    }

    /**
     * The web server on the near machine.
     *
     * @return listens on port 80
     */
    public WebServer nearWeb() {
        return nearWeb;
    }

    /**
     * The gateway.
     *
     * @return the one that was started last
     */
    public GatewayProcess gateway() {
        return gateway;
    }

    /**
     * A TCP port that the gateway has claimed by socket and would let a guest keep.
     *
     * @return of the pool
     */
    public int claimedPort() {
        return Listening.ports(network.host(), "tcp").stream()
                .filter(port -> port >= FIRST_OF_POOL)
                .findFirst()
                .orElseThrow(() -> new LabException("the gateway has claimed no port"));
    }

    /**
     * Ends the gateway if it runs, and starts another one.
     *
     * @param file its configuration
     */
    public void restart(GatewayFile file) {
        gateway.close();
        gateway = GatewayProcess.start(lab, network.host(), file);
    }

    @Override
    public void close() {
        try {
            gateway.close();
        } finally {
            lab.close();
        }
    }
}
