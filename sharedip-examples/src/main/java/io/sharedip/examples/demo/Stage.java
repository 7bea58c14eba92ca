package io.sharedip.examples.demo;

import io.sharedip.examples.lab.Capture;
import io.sharedip.examples.lab.GatewayFile;
import io.sharedip.examples.lab.GatewayLab;
import io.sharedip.examples.lab.GatewayProcess;
import io.sharedip.examples.lab.LabMachine;
import io.sharedip.examples.lab.OneAddressNetwork;
import io.sharedip.examples.lab.WebServer;

/** Everything that stands before the demo begins: machines, servers, the gateway, and a capture that lasts to the end. */
final class Stage implements AutoCloseable {
    private final GatewayLab all;
    private final Capture kernelAnswers;

    private Stage(GatewayLab all) {
        this.all = all;
        OneAddressNetwork network = all.network();
        WebServer.start(all.lab(), network.host(), OneAddressNetwork.ADDRESS, 80);
        WebServer.start(all.lab(), network.guest("web"), OneAddressNetwork.ADDRESS, 80);
        kernelAnswers = Capture.start(network.router(), "dn0", GatewayLab.KERNEL_ANSWERS);
    }

    static Stage set() {
        GatewayLab all = GatewayLab.with(GatewayFile.withClaims("sockets").forward("tcp 8080 -> web:80"));
        try {
            return new Stage(all);
        } catch (RuntimeException e) {
            all.close();
            throw e;
        }
    }

    OneAddressNetwork network() {
        return all.network();
    }

    LabMachine guest(String name) {
        return all.guest(name);
    }

    WebServer near() {
        return all.nearWeb();
    }

    Capture kernelAnswers() {
        return kernelAnswers;
    }

    GatewayProcess gateway() {
        return all.gateway();
    }

    @Override
    public void close() {
        all.close();
    }
}
