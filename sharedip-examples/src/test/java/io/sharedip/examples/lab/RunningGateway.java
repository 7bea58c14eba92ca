package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;

/** A lab with the one-address network, its outside servers and a gateway. */
final class RunningGateway implements AutoCloseable {

    /** What a kernel that knows nothing of the gateway would send to the peers of guests. */
    static final String KERNEL_ANSWERS = "src host " + ADDRESS + " and (tcp[tcpflags] & tcp-rst != 0"
            + " or (icmp and icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply))";

    final Lab lab;
    final OneAddressNetwork network;
    final WebServer nearWeb;
    private GatewayProcess gateway;

    private RunningGateway(Lab lab, GatewayFile file) {
        this.lab = lab;
        network = new OneAddressNetwork(lab);
        nearWeb = WebServer.start(lab, network.near(), NEAR, 80);
        WebServer.start(lab, network.far(), FAR, 80);
        NameServer.start(network.near());
        gateway = GatewayProcess.start(lab, network.host(), file);
    }

    static RunningGateway with(GatewayFile file) {
        Lab lab = Lab.open();
        try {
            return new RunningGateway(lab, file);
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    GatewayProcess gateway() {
        return gateway;
    }

    LabMachine guest(String name) {
        return network.guest(name);
    }

    void startAnew(GatewayFile file) {
        gateway.close();
        gateway = GatewayProcess.start(lab, network.host(), file);
    }

    /** What a machine gets when it fetches a page. */
    static Outcome fetch(LabMachine machine, String url, String... options) {
        String[] command = new String[options.length + 5];
        System.arraycopy(new String[] {"curl", "-sS", "--max-time", "15"}, 0, command, 0, 4);
        System.arraycopy(options, 0, command, 4, options.length);
        command[command.length - 1] = url;
        return machine.run(command);
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
