package io.sharedip.nat.internal.terminator;

import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import io.sharedip.uplink.FlowUplink;
import java.util.Optional;

/** An uplink of sockets where the engine expects a link: it is opened and closed, but no frame passes. */
final class SocketLink implements Link {

    /** The longest IP packet there is: datagrams reach a socket whole. */
    private static final int MTU = 65_535;

    private final FlowUplink uplink;
    private final Terminator.Gateway gateway;

    SocketLink(FlowUplink uplink, Terminator.Gateway gateway) {
        this.uplink = uplink;
        this.gateway = gateway;
    }

    @Override
    public String name() {
        return uplink.kind();
    }

    @Override
    public int mtu() {
        return MTU;
    }

    @Override
    public Optional<MacAddress> macAddress() {
        return Optional.of(new MacAddress(Packets.MAC));
    }

    @Override
    public void open(LinkHost host) {
        uplink.open(new FlowUplink.FlowHost() {
            @Override
            public void wakeup() {
                host.wakeup();
            }

            @Override
            public void hostChanged(String description) {
                host.notice(description);
            }

            @Override
            public void notice(String message) {
                host.notice(message);
            }

            @Override
            public long nanoTime() {
                return gateway.nanoTime();
            }
        });
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        return 0;
    }

    @Override
    public boolean send(Frame frame) {
        return false;
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        uplink.close();
    }
}
