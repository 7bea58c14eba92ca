package io.sharedip.netty;

import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.HostEcho;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Records what a ping socket tells. */
final class EchoEvents implements HostEcho.Handler {

    record Reply(int peer, int sequence, byte[] data) {}

    final List<Reply> replies = new CopyOnWriteArrayList<>();
    final List<String> errors = new CopyOnWriteArrayList<>();

    @Override
    public void reply(int peer, int sequence, ByteBuffer data) {
        byte[] copy = new byte[data.remaining()];
        data.get(copy);
        replies.add(new Reply(peer, sequence, copy));
    }

    @Override
    public void unreachable(int peer, int sequence, int type, int code) {
        errors.add(Ipv4Address.ofBits(peer) + " #" + sequence + " " + type + "/" + code);
    }
}
