package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;

import java.util.ArrayList;
import java.util.List;

/** The lab's network with three virtual machines in the place of the guests that carry the shared address. */
final class ThreeVirtualMachines implements AutoCloseable {

    /** The MTU of guests, and of the way between the host and the near machine. */
    static final int MTU = 9000;

    private final Lab lab;
    private final OneAddressNetwork network;
    private final GatewayProcess gateway;
    private final List<VirtualMachine> machines = new ArrayList<>();

    private ThreeVirtualMachines(Lab lab, GatewayFile file, String... words) {
        this.lab = lab;
        this.network = new OneAddressNetwork(lab);
        network.host().shell("ip link set up0 mtu " + MTU, "echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range");
        network.router().shell("ip link set dn0 mtu " + MTU, "ip link set near0 mtu " + MTU);
        network.near().shell("ip link set eth0 mtu " + MTU);
        WebServer.start(lab, network.near(), OneAddressNetwork.NEAR, 80);
        WebServer.start(lab, network.far(), OneAddressNetwork.FAR, 80);
        NameServer.start(network.near());
        GatewayFile plugged = file;
        for (String name : SAME_ADDRESS_GUESTS) {
            plugged = plugged.link(name, "qemu-stream: \"unix:" + socket(name) + "\", mtu: " + MTU);
        }
        gateway = GatewayProcess.start(lab, network.host(), plugged);
        for (int index = 0; index < SAME_ADDRESS_GUESTS.size(); index++) {
            String name = SAME_ADDRESS_GUESTS.get(index);
            machines.add(VirtualMachine.boot(
                    lab,
                    network.host(),
                    name,
                    OneAddressNetwork.mac(index),
                    "stream,addr.type=unix,addr.path=" + socket(name),
                    "host_mtu=" + MTU,
                    words));
        }
        machines.forEach(VirtualMachine::awaitReady);
    }

    private String socket(String guest) {
        return lab.directory().resolve(guest + ".link").toString();
    }

    /** Sets everything up, and boots. */
    static ThreeVirtualMachines boot(GatewayFile file, String... words) {
        Lab lab = Lab.open();
        try {
            return new ThreeVirtualMachines(lab, file, words);
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

    /** In the order of the names. */
    List<VirtualMachine> machines() {
        return machines;
    }

    VirtualMachine machine(String name) {
        return machines.get(SAME_ADDRESS_GUESTS.indexOf(name));
    }

    /** The kernel's words for a guest without DHCP. */
    static String[] staticAddress() {
        return new String[] {"guest.address=" + ADDRESS + "/24", "guest.router=" + OneAddressNetwork.ROUTER};
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
