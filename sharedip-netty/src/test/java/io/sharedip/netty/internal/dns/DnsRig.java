package io.sharedip.netty.internal.dns;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.dns.DnsSettings;
import io.sharedip.netty.DnsForwarder;
import io.sharedip.service.GuestService;
import io.sharedip.service.GuestService.ReplyPath;
import io.sharedip.uplink.HostStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Message;

/** A forwarder behind a gateway that a test stands in for: its driver's thread, its guests, their questions. */
final class DnsRig implements AutoCloseable, GuestService.ServiceHost {

    static final String ALIAS = "192.0.2.254";

    private static final int SECONDS = 20;

    private final ExecutorService driver = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "driver");
        thread.setDaemon(true);
        return thread;
    });
    private final DnsForwarder forwarder;
    private final Map<GuestId, List<Ipv4Address>> guests = new LinkedHashMap<>();
    private final Map<Integer, BlockingQueue<byte[]>> replies = new ConcurrentHashMap<>();
    private final List<String> notices = new CopyOnWriteArrayList<>();
    /** Whether guests' links take what they are sent. */
    volatile boolean takesReplies = true;

    DnsRig(DnsSettings settings) {
        forwarder = DnsForwarder.of(settings);
        run(() -> {
            forwarder.open(this);
            return null;
        });
    }

    DnsRig guest(String name, String... addresses) {
        List<Ipv4Address> all = new ArrayList<>();
        for (String address : addresses) {
            all.add(Ipv4Address.parse(address));
        }
        guests.put(GuestId.of(name), all);
        return this;
    }

    DnsForwarder forwarder() {
        return forwarder;
    }

    List<String> notices() {
        return notices;
    }

    /** Runs something on the driver's thread. */
    <T extends @Nullable Object> T run(Callable<T> action) {
        try {
            return driver.submit(action).get(SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    /** Sends a datagram of a guest. */
    void send(String guest, byte[] octets) {
        run(() -> {
            GuestId id = GuestId.of(guest);
            int address = guests.getOrDefault(id, List.of(Ipv4Address.parse("10.0.0.9")))
                    .get(0)
                    .bits();
            ReplyPath path = new ReplyPath(
                    guest.hashCode() & 0xffff,
                    address,
                    40000,
                    Ipv4Address.parse(ALIAS).bits());
            forwarder.received(id, path, octets, 0, octets.length, System.nanoTime());
            return null;
        });
    }

    private BlockingQueue<byte[]> queue(int guest) {
        return replies.computeIfAbsent(guest, g -> new LinkedBlockingQueue<>());
    }

    /** The next datagram for a guest. */
    byte[] receive(String guest) {
        try {
            byte[] octets = queue(guest.hashCode() & 0xffff).poll(SECONDS, TimeUnit.SECONDS);
            if (octets == null) {
                throw new AssertionError("no answer for " + guest);
            }
            return octets;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    boolean hasReply(String guest) {
        return !queue(guest.hashCode() & 0xffff).isEmpty();
    }

    Message ask(String guest, Message question) {
        send(guest, question.toWire());
        try {
            return new Message(receive(guest));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A guest's end of a TCP connection. */
    final class Stream implements HostStream.Handler {
        final BlockingQueue<byte[]> received = new LinkedBlockingQueue<>();
        final BlockingQueue<String> ended = new LinkedBlockingQueue<>();
        private final @Nullable HostStream end;
        private byte[] partial = {};

        Stream(String guest) {
            end = run(() -> forwarder.accept(GuestId.of(guest), this));
        }

        boolean isRefused() {
            return end == null;
        }

        HostStream end() {
            if (end == null) {
                throw new AssertionError("refused");
            }
            return end;
        }

        void request(int octets) {
            run(() -> {
                end().request(octets);
                return null;
            });
        }

        int write(byte[] octets) {
            return run(() -> end().write(octets, 0, octets.length));
        }

        Message take() {
            try {
                byte[] message = received.poll(SECONDS, TimeUnit.SECONDS);
                if (message == null) {
                    throw new AssertionError("no answer");
                }
                return new Message(message);
            } catch (InterruptedException | IOException e) {
                throw new AssertionError(e);
            }
        }

        String takeEnd() {
            try {
                String how = ended.poll(SECONDS, TimeUnit.SECONDS);
                return how == null ? "open" : how;
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void received(ByteBuffer octets) {
            byte[] all = new byte[partial.length + octets.remaining()];
            System.arraycopy(partial, 0, all, 0, partial.length);
            octets.get(all, partial.length, octets.remaining());
            partial = all;
            while (partial.length >= 2) {
                int length = (partial[0] & 0xff) << 8 | (partial[1] & 0xff);
                if (partial.length < 2 + length) {
                    return;
                }
                received.add(Arrays.copyOfRange(partial, 2, 2 + length));
                partial = Arrays.copyOfRange(partial, 2 + length, partial.length);
            }
        }

        @Override
        public void connected(int localPort) {
            throw new AssertionError("it is connected already");
        }

        @Override
        public void failed(HostStream.Failure failure) {
            ended.add(failure.name());
        }

        @Override
        public void endOfInput() {
            ended.add("end");
        }

        @Override
        public void writable() {
            ended.add("writable");
        }
    }

    @Override
    public boolean reply(ReplyPath to, byte[] octets, int offset, int length) {
        if (!takesReplies) {
            return false;
        }
        byte[] copy = new byte[length];
        System.arraycopy(octets, offset, copy, 0, length);
        queue(to.guest()).add(copy);
        return true;
    }

    @Override
    public Map<GuestId, List<Ipv4Address>> guests() {
        return Map.copyOf(guests);
    }

    @Override
    public void execute(Runnable action) {
        driver.execute(action);
    }

    @Override
    public void notice(String message) {
        notices.add(message);
    }

    @Override
    public void close() {
        run(() -> {
            forwarder.close();
            return null;
        });
        driver.shutdownNow();
    }
}
