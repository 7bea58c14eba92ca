package io.sharedip.examples.embed;

import io.sharedip.Guest;
import io.sharedip.address.MacAddress;
import io.sharedip.link.Link;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.netty.QemuStreamLink;
import io.sharedip.netty.SocketUplink;
import io.sharedip.packet.Frame;
import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;

/**
 * A gateway for one virtual machine that prints a line for each of its frames.
 *
 * <pre>{@code
 * java -cp sharedip-gateway.jar io.sharedip.examples.embed.Sniffer unix:/tmp/vm.sock
 * qemu-system-x86_64 ... -netdev stream,id=n0,addr.type=unix,addr.path=/tmp/vm.sock \
 *     -device virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01
 * }</pre>
 */
public final class Sniffer {

    private Sniffer() {}

    /**
     * Runs the example until it is killed.
     *
     * @param args where QEMU connects to
     * @throws InterruptedException never
     */
    public static void main(String[] args) throws InterruptedException {
        try (NatGateway gateway =
                gateway(QemuStreamLink.listen(args[0]), System.out).start()) {
            System.out.println("watching " + args[0] + ", " + gateway.state());
            new CountDownLatch(1).await();
        }
    }

    static NatGatewayBuilder gateway(Link link, PrintStream out) {
        Link watched = new WatchedLink(link, (fromGuest, frame) -> {
            out.println((fromGuest ? "guest > " : "guest < ") + describe(frame));
            return true;
        });
        return NatGateway.builder()
                .address("192.0.2.10")
                .uplink(SocketUplink.create())
                .dhcp(DhcpSettings.defaults())
                .guest(Guest.of("vm", "52:54:00:00:00:01", "192.0.2.10", watched));
    }

    static String describe(Frame frame) {
        return new MacAddress(frame.u48(6)) + " > " + new MacAddress(frame.u48(0))
                + String.format(" type %04x, %d octets", frame.u16(12), frame.length());
    }
}
