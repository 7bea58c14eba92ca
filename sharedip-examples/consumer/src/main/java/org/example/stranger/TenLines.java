package org.example.stranger;

import io.sharedip.Guest;
import io.sharedip.SharedIp;
import io.sharedip.address.MacAddress;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.NatGateway;
import io.sharedip.uplink.PacketUplink;

/** A gateway for one guest, on links in memory. */
final class TenLines {
    private TenLines() {}

    static SharedIp start(InProcessLink uplink, InProcessLink guest) {
        return NatGateway.builder()
                .address("192.0.2.10")
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .uplink(PacketUplink.on(uplink).withAddressOfItsOwn())
                .guest(Guest.of("web", "52:54:00:00:00:01", "192.0.2.10", guest))
                .start();
    }

    public static void main(String[] args) {
        InProcessLink uplink = InProcessLink.named("up").withMacAddress(MacAddress.parse("02:00:5e:00:00:10"));
        try (SharedIp gateway = start(uplink, InProcessLink.named("vm1"))) {
            System.out.println(gateway.address() + " is " + gateway.state());
        }
    }
}
