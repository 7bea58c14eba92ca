package org.example.stranger;

import io.sharedip.Guest;
import io.sharedip.SharedIp;
import io.sharedip.filter.FilterChain;
import io.sharedip.link.Link;
import io.sharedip.nat.NatGateway;
import io.sharedip.netty.SocketUplink;

/** A gateway without rights for one guest, which may ask a service of this machine. */
final class Rootless {
    private Rootless() {}

    static SharedIp start(Link guest, int servicePort) {
        return NatGateway.builder()
                .address("192.0.2.10")
                .router("192.0.2.1")
                .uplink(SocketUplink.create())
                .guest(Guest.of("web", "52:54:00:00:00:01", "192.0.2.10", guest))
                .rules(FilterChain.parse("accept udp from guest web to host port " + servicePort))
                .start();
    }
}
