package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The lab's network with three virtual machines in the place of the guests that carry the shared address. */
final class ThreeVirtualMachines implements AutoCloseable {

    /** The MTU of guests, and of the way between the host and the near machine. */
    static final int MTU = 9000;

    private final Lab lab;
    private final OneAddressNetwork network;
    private final WebServer nearWeb;
    private final GatewayProcess gateway;
    private final List<VirtualMachine> machines = new ArrayList<>();

    private ThreeVirtualMachines(Lab lab, GatewayFile file) {
        this.lab = lab;
        this.network = new OneAddressNetwork(lab);
        network.host().shell("ip link set up0 mtu " + MTU, "echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range");
        network.router().shell("ip link set dn0 mtu " + MTU, "ip link set near0 mtu " + MTU);
        network.near().shell("ip link set eth0 mtu " + MTU);
        nearWeb = WebServer.start(lab, network.near(), OneAddressNetwork.NEAR, 80);
        WebServer.start(lab, network.far(), OneAddressNetwork.FAR, 80);
        NameServer.start(network.near());
        GatewayFile plugged = file.setting("dhcp: { mtu: " + MTU + " }")
                .setting("dns: { resolv-conf: " + write("resolv.conf", "nameserver " + OneAddressNetwork.NEAR) + " }");
        for (String name : SAME_ADDRESS_GUESTS) {
            plugged = plugged.link(name, "qemu-stream: \"unix:" + socket(name) + "\", mtu: " + MTU);
        }
        gateway = GatewayProcess.start(lab, network.host(), plugged);
        SAME_ADDRESS_GUESTS.forEach(name -> machines.add(boot(name)));
        machines.forEach(VirtualMachine::awaitReady);
    }

    private VirtualMachine boot(String name) {
        return VirtualMachine.boot(
                lab,
                network.host(),
                name,
                OneAddressNetwork.mac(SAME_ADDRESS_GUESTS.indexOf(name)),
                "stream,addr.type=unix,addr.path=" + socket(name),
                "host_mtu=" + MTU);
    }

    /** Ends a virtual machine, with its connection to the gateway, and boots another in its place. */
    void replace(String name) {
        int index = SAME_ADDRESS_GUESTS.indexOf(name);
        machines.get(index).close();
        machines.set(index, boot(name).awaitReady());
    }

    private Path write(String file, String text) {
        try {
            return Files.writeString(lab.directory().resolve(file), text + "\n");
        } catch (IOException e) {
            throw new LabException("cannot write " + file, e);
        }
    }

    private String socket(String guest) {
        return lab.directory().resolve(guest + ".link").toString();
    }

    /** Sets everything up, and boots. */
    static ThreeVirtualMachines boot(GatewayFile file) {
        Lab lab = Lab.open();
        try {
            return new ThreeVirtualMachines(lab, file);
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    Lab lab() {
        return lab;
    }

    OneAddressNetwork network() {
        return network;
    }

    GatewayProcess gateway() {
        return gateway;
    }

    WebServer nearWeb() {
        return nearWeb;
    }

    /** In the order of the names. */
    List<VirtualMachine> machines() {
        return machines;
    }

    VirtualMachine machine(String name) {
        return machines.get(SAME_ADDRESS_GUESTS.indexOf(name));
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
