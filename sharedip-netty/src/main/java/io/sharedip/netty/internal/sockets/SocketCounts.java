package io.sharedip.netty.internal.sockets;

import java.util.LinkedHashMap;
import java.util.Map;

/** What has become of an uplink's sockets and of datagrams that no handler hears of. Counted by the event loop, read by any thread. */
@SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
public final class SocketCounts {

    private volatile long open;
    private volatile long unsent;
    private volatile long overflowed;

    SocketCounts() {}

    void open(int sockets) {
        open = sockets;
    }

    /** A datagram was taken and could not be sent, and not for what an ICMP error would say. */
    void unsent() {
        unsent++;
    }

    /** The kernel had no room for datagrams or echo replies that came. */
    void overflowed(int datagrams) {
        overflowed += datagrams & 0xffffffffL;
    }

    /** The counters. @return a copy, by name */
    public Map<String, Long> byName() {
        Map<String, Long> all = new LinkedHashMap<>();
        all.put("open", open);
        all.put("unsent", unsent);
        all.put("overflowed", overflowed);
        return all;
    }
}
