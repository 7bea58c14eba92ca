package io.sharedip.examples.demo;

import io.sharedip.examples.lab.Capture;
import io.sharedip.examples.lab.GatewayFile;
import io.sharedip.examples.lab.GatewayProcess;
import io.sharedip.examples.lab.Lab;
import io.sharedip.examples.lab.LabMachine;
import io.sharedip.examples.lab.NameServer;
import io.sharedip.examples.lab.OneAddressNetwork;
import io.sharedip.examples.lab.WebServer;

/** Everything that stands before the demo begins: the network, its servers, the captures and the gateway. */
final class Stage implements AutoCloseable {

    /** What the host's kernel would send to the peers of guests if it knew nothing of the gateway. */
    private static final String KERNEL_ANSWERS = "src host " + OneAddressNetwork.ADDRESS
            + " and (tcp[tcpflags] & tcp-rst != 0"
            + " or (icmp and icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply))";

    private final Lab lab;
    private final OneAddressNetwork network;
    private final WebServer near;
    private final Capture kernelAnswers;
    private final GatewayProcess gateway;

    private Stage(Lab lab) {
        this.lab = lab;
        network = new OneAddressNetwork(lab);
        near = WebServer.start(lab, network.near(), OneAddressNetwork.NEAR, 80);
        WebServer.start(lab, network.far(), OneAddressNetwork.FAR, 80);
        NameServer.start(network.near());
        WebServer.start(lab, network.host(), OneAddressNetwork.ADDRESS, 80);
        WebServer.start(lab, network.guest("web"), OneAddressNetwork.ADDRESS, 80);
        kernelAnswers = Capture.start(network.router(), "dn0", KERNEL_ANSWERS);
        gateway = GatewayProcess.start(
                lab, network.host(), GatewayFile.withClaims("sockets").forward("tcp 8080 -> web:80"));
    }

    static Stage set() {
        Lab lab = Lab.open();
        try {
            return new Stage(lab);
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    OneAddressNetwork network() {
        return network;
    }

    LabMachine guest(String name) {
        return network.guest(name);
    }

    WebServer near() {
        return near;
    }

    Capture kernelAnswers() {
        return kernelAnswers;
    }

    GatewayProcess gateway() {
        return gateway;
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
