package io.sharedip.service;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.HostStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A server that the gateway offers its guests on its own addresses, on one UDP and TCP port: the DNS forwarder is one. It works with
 * every uplink, and the guest is known by its identity rather than by its address.
 *
 * <p>This is an SPI. All methods are called on the driver's thread and must not block. Rules decide whether a guest reaches a service
 * (the end {@code host}); it is otherwise open to all guests and never to the outside.
 */
public interface GuestService {

    /**
     * What it is, for messages.
     *
     * @return one word, e.g. {@code "dns"}
     */
    String name();

    /**
     * The port on the gateway's addresses.
     *
     * @return 1 to 65535, constant
     */
    int port();

    /**
     * Begins work.
     *
     * @param host the gateway's side, valid until {@link #close} returns
     */
    void open(ServiceHost host);

    /**
     * A UDP datagram of a guest has come.
     *
     * @param guest who sent it
     * @param from where an answer goes, valid for {@link ServiceHost#reply} as long as the gateway runs
     * @param octets that hold the payload; borrowed until this returns
     * @param offset of the first
     * @param length of the payload
     * @param nowNanos the gateway's time
     */
    void received(GuestId guest, ReplyPath from, byte[] octets, int offset, int length, long nowNanos);

    /**
     * A guest has opened a TCP connection. The handler is never to be called from within this or a method of the stream; what is to be
     * said at once is said by {@link ServiceHost#execute}.
     *
     * <p>A guest may have 64 connections to services, and all together 1,024. The gateway ends one that does not acknowledge what it is
     * sent; one that is merely silent, or does not close its half, the service ends by {@link HostStream.Handler#failed}.
     *
     * @param guest who did
     * @param handler its end: what the service says is {@link HostStream.Handler#received} there, as far as it was requested
     * @return the service's end, connected already ({@link HostStream.Handler#connected} is not called), or null to refuse
     */
    @Nullable
    HostStream accept(GuestId guest, HostStream.Handler handler);

    /**
     * What it has counted, for monitoring. Unlike the other methods this may be called by any thread, also before {@link #open} and after
     * {@link #close}.
     *
     * @return numbers that only grow, by name, in a fixed order; a copy. Nothing unless it counts something
     */
    default Map<String, Long> counters() {
        return Map.of();
    }

    /** Ends. Idempotent; returns within a second and never throws. */
    void close();

    /**
     * Where a datagram came from.
     *
     * @param guest number of the guest
     * @param guestAddress IPv4 address of the guest
     * @param guestPort UDP port of the guest
     * @param gatewayAddress IPv4 address that it was sent to
     */
    record ReplyPath(int guest, int guestAddress, int guestPort, int gatewayAddress) {}

    /** The gateway's side of a service. */
    interface ServiceHost {

        /**
         * Sends a UDP datagram to a guest. Driver's thread.
         *
         * @param to where the question came from; nothing happens if the guest is gone
         * @param octets that hold the payload; borrowed until this returns
         * @param offset of the first
         * @param length 0 to 65,507; fragmented if need be
         * @return false if the guest's link could not take it
         */
        boolean reply(ReplyPath to, byte[] octets, int offset, int length);

        /**
         * The guests and the addresses that are bound to them. Driver's thread.
         *
         * @return a snapshot that is never changed, a new one when guests or bindings change; nothing of a host that does not tell
         */
        default Map<GuestId, List<Ipv4Address>> guests() {
            return Map.of();
        }

        /**
         * Runs something on the driver's thread soon. Thread-safe.
         *
         * @param action must not block
         */
        void execute(Runnable action);

        /**
         * Something is worth knowing. Thread-safe.
         *
         * @param message one sentence fit to be shown to a person
         */
        void notice(String message);
    }
}
