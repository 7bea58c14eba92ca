package io.sharedip.uplink;

import io.sharedip.PortClaimException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.driver.GatewayDriver;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The uplink of ordinary sockets: what guests send is terminated by the gateway and goes on through sockets of the host, so that no
 * right and no native driver is needed, and the host's kernel owns the ports.
 *
 * <p>The gateway does everything up to the socket: validation, binding, tracking, rules, mappings, forwards, and the guests' TCP.
 * What is left to an implementation is to open, read and write sockets, without blocking. This is an SPI;
 * {@code io.sharedip.netty.SocketUplink} implements it.
 *
 * <p><b>Threads.</b> {@link #kind()}, {@link #driver()}, {@link #hostAddresses()}, {@link #counters()} and {@link #close()} may be called by any thread. Every
 * other method, and every method of the sockets, is called on the driver's thread and returns at once; every handler is called on the
 * driver's thread too, never from within a method of the socket that it belongs to.
 *
 * <p><b>Lifetime.</b> An uplink belongs to one gateway, which opens it once and closes it once. Sockets belong to the gateway, which
 * closes each of them; {@link #close()} closes what is left.
 */
public non-sealed interface FlowUplink extends Uplink {

    /** Address of a socket that takes connections or datagrams on every address of the host. */
    Optional<Ipv4Address> ANY_ADDRESS = Optional.empty();

    /**
     * Who drives a gateway with this uplink, unless its builder names another: the thread on which the sockets are served.
     *
     * @return the same each time
     */
    GatewayDriver driver();

    /**
     * Begins work.
     *
     * @param host the gateway's side, valid until {@link #close} returns
     * @throws io.sharedip.SharedIpException if sockets cannot be had here
     */
    void open(FlowHost host);

    /**
     * Opens a TCP connection.
     *
     * @param peer IPv4 address, as {@link Ipv4Address#bits()}
     * @param port of the peer, 1 to 65535
     * @param localPort that the socket should have if the host can spare it, or 0; never a reason to fail
     * @param handler hears of the outcome, later
     * @return the connection, which takes nothing before {@link HostStream.Handler#connected}
     */
    HostStream connect(int peer, int port, int localPort, HostStream.Handler handler);

    /**
     * Listens for TCP connections.
     *
     * @param address of the host to listen on, or {@link #ANY_ADDRESS}
     * @param port 1 to 65535
     * @param acceptor hears of each connection
     * @return the listener
     * @throws PortClaimException if the port is in use, privileged or otherwise not to be had; names the cure
     */
    HostListener listen(Optional<Ipv4Address> address, int port, HostListener.Acceptor acceptor);

    /**
     * Opens a UDP socket of a certain port.
     *
     * @param address of the host to bind to, or {@link #ANY_ADDRESS}
     * @param port 1 to 65535
     * @param handler hears of what is received
     * @return the socket
     * @throws PortClaimException if the port is in use, privileged or otherwise not to be had; names the cure
     */
    HostDatagrams bind(Optional<Ipv4Address> address, int port, HostDatagrams.Handler handler);

    /**
     * Opens a UDP socket of a certain port, as {@link #bind} does for a port that a guest's flow would like; not to be had is no
     * exception here.
     *
     * @param port 1 to 65535
     * @param handler hears of what is received
     * @return the socket, or null if the host cannot spare the port
     */
    @Nullable
    HostDatagrams tryBind(int port, HostDatagrams.Handler handler);

    /**
     * Opens a socket for ICMP echo.
     *
     * @param handler hears of replies and errors
     * @return the socket, or null if the system does not allow it
     */
    @Nullable
    HostEcho openEcho(HostEcho.Handler handler);

    /**
     * Says whether ICMP echo is possible, and if not why.
     *
     * @return empty if it is; else one clause fit to be shown to a person
     */
    Optional<String> echoUnavailable();

    /**
     * The host's own IPv4 addresses, loopback left out: what guests may not reach unless a rule lets them.
     *
     * @return as {@link Ipv4Address#bits()}; a snapshot that is never changed, a new one when the addresses change
     */
    List<Integer> hostAddresses();

    /**
     * Whether a connection to an address would reach the host itself: one of {@link #hostAddresses()}.
     *
     * @param address as {@link Ipv4Address#bits()}
     * @return a hash lookup, no system call
     */
    boolean isHostAddress(int address);

    /**
     * What it has counted, for monitoring. May be called by any thread, also before {@link #open} and after {@link #close}.
     *
     * @return numbers by name, in a fixed order; a copy. Nothing unless it counts something
     */
    default Map<String, Long> counters() {
        return Map.of();
    }

    /** Ends a batch: everything written to sockets so far goes out now. Called once at the end of every turn. */
    void flush();

    /** Closes the uplink and all its sockets. Idempotent; returns within a second and never throws. */
    void close();

    /** The gateway's side of a {@link FlowUplink}. */
    interface FlowHost {

        /**
         * Something was handled on the driver's thread that may have given the gateway frames to send: it takes a turn soon, once for any
         * number of calls. Thread-safe.
         */
        void wakeup();

        /**
         * The host's addresses or routes have changed. Driver's thread. Connections whose own address is gone have been told
         * {@link HostStream.Handler#failed} before.
         *
         * @param description one clause fit to be shown to a person
         */
        void hostChanged(String description);

        /**
         * Something is worth knowing that is no change. Thread-safe.
         *
         * @param message one sentence fit to be shown to a person
         */
        void notice(String message);

        /**
         * The time by which whatever happens on the driver's thread is judged.
         *
         * @return nanoseconds of the gateway's clock
         */
        long nanoTime();
    }
}
