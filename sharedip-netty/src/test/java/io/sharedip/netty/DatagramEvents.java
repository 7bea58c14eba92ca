package io.sharedip.netty;

import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.HostDatagrams;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Records what a UDP socket tells. */
final class DatagramEvents implements HostDatagrams.Handler {

    record Datagram(int peer, int port, byte[] payload) {}

    private final UplinkRig rig;
    final List<Datagram> received = new CopyOnWriteArrayList<>();
    final List<String> errors = new CopyOnWriteArrayList<>();
    volatile HostDatagrams socket;

    DatagramEvents(UplinkRig rig) {
        this.rig = rig;
    }

    boolean send(int peer, int port, byte[] payload) {
        return rig.get(() -> socket.send(peer, port, payload, 0, payload.length));
    }

    @Override
    public void received(int peer, int port, ByteBuffer payload) {
        byte[] copy = new byte[payload.remaining()];
        payload.get(copy);
        received.add(new Datagram(peer, port, copy));
    }

    @Override
    public void unreachable(int peer, int port, int type, int code, int mtu) {
        errors.add(Ipv4Address.ofBits(peer) + ":" + port + " " + type + "/" + code + (mtu == 0 ? "" : " mtu " + mtu));
    }
}
