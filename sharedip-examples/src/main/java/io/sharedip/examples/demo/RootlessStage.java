package io.sharedip.examples.demo;

import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;

import io.sharedip.examples.lab.Capture;
import io.sharedip.examples.lab.GatewayFile;
import io.sharedip.examples.lab.GatewayLab;
import io.sharedip.examples.lab.GatewayProcess;
import io.sharedip.examples.lab.Lab;
import io.sharedip.examples.lab.LabException;
import io.sharedip.examples.lab.NameServer;
import io.sharedip.examples.lab.OneAddressNetwork;
import io.sharedip.examples.lab.ShellGuest;
import io.sharedip.examples.lab.TapGuest;
import io.sharedip.examples.lab.VirtualMachine;
import io.sharedip.examples.lab.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The network of the demo with a gateway that has no rights and leaves through sockets; its guests are virtual machines. */
final class RootlessStage implements AutoCloseable {

    private final Lab lab;
    private final OneAddressNetwork network;
    private final WebServer near;
    private final Capture kernelAnswers;
    private final GatewayProcess gateway;
    private final List<ShellGuest> guests = new ArrayList<>();

    private RootlessStage(Lab lab, boolean virtualMachines) {
        this.lab = lab;
        network = new OneAddressNetwork(lab);
        network.host().shell("echo $(id -g) $(id -g) > /proc/sys/net/ipv4/ping_group_range");
        near = WebServer.start(lab, network.near(), OneAddressNetwork.NEAR, 80);
        WebServer.start(lab, network.far(), OneAddressNetwork.FAR, 80);
        WebServer.start(lab, network.host(), OneAddressNetwork.ADDRESS, 80);
        NameServer.start(network.near());
        kernelAnswers = Capture.start(network.router(), "dn0", GatewayLab.KERNEL_ANSWERS);
        gateway = GatewayProcess.startWithoutRights(lab, network.host(), file());
        SAME_ADDRESS_GUESTS.forEach(name -> guests.add(virtualMachines ? boot(name) : join(name)));
        guests.forEach(ShellGuest::awaitReady);
    }

    static RootlessStage set(boolean virtualMachines) {
        Lab lab = Lab.open();
        try {
            return new RootlessStage(lab, virtualMachines);
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    private GatewayFile file() {
        GatewayFile file = GatewayFile.withSockets()
                .forward("tcp 8080 -> web:80")
                .setting("dhcp: {}")
                .setting("dns: { resolv-conf: " + resolvConf() + " }")
                .link(OneAddressNetwork.PRIVATE_GUEST, stream(OneAddressNetwork.PRIVATE_GUEST));
        for (String name : SAME_ADDRESS_GUESTS) {
            file = file.link(name, stream(name));
        }
        return file;
    }

    private Path resolvConf() {
        try {
            return Files.writeString(
                    lab.directory().resolve("resolv.conf"), "nameserver " + OneAddressNetwork.NEAR + "\n");
        } catch (IOException e) {
            throw new LabException("cannot write resolv.conf", e);
        }
    }

    private String stream(String guest) {
        return "qemu-stream: \"unix:" + socket(guest) + "\"";
    }

    private Path socket(String guest) {
        return lab.directory().resolve(guest + ".link");
    }

    private ShellGuest boot(String name) {
        String netdev = "stream,addr.type=unix,addr.path=" + socket(name);
        return VirtualMachine.boot(lab, network.host(), name, OneAddressNetwork.macOf(name), netdev, "");
    }

    private ShellGuest join(String name) {
        return TapGuest.join(lab, network.guest(name), OneAddressNetwork.macOf(name), socket(name));
    }

    OneAddressNetwork network() {
        return network;
    }

    /** In the order of the names. */
    List<ShellGuest> guests() {
        return guests;
    }

    ShellGuest guest(String name) {
        return guests.get(SAME_ADDRESS_GUESTS.indexOf(name));
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
        lab.close();
    }
}
