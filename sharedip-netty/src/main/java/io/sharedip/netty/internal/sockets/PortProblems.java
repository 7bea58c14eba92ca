package io.sharedip.netty.internal.sockets;

import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.internal.host.HostSockets;
import org.jspecify.annotations.Nullable;

/** Why a port could not be had, and the cure. */
final class PortProblems {

    private PortProblems() {}

    static void load() {
        of(IpProtocol.TCP, null, 0, Failures.EMFILE, null);
    }

    /**
     * Puts a failed bind into words.
     *
     * @param address that was to be bound; null for all
     * @param errno of the kernel, or 0
     */
    static PortClaimException of(
            IpProtocol protocol, @Nullable Ipv4Address address, int port, int errno, @Nullable Throwable cause) {
        String ports = protocol + " " + (address == null ? "" : address + ":") + port;
        switch (errno) {
            case Failures.EADDRINUSE -> {
                return new PortClaimException(
                        ports,
                        "is held by " + HostSockets.holder(protocol, address, port),
                        "stop the program or choose another port",
                        cause);
            }
            case Failures.EACCES, Failures.EPERM -> {
                int first = HostSockets.firstUnprivilegedPort();
                return port < first
                        ? new PortClaimException(
                                ports,
                                "is privileged: this process may bind ports from " + first + " on",
                                "choose one of those, give java CAP_NET_BIND_SERVICE, or"
                                        + " sysctl -w net.ipv4.ip_unprivileged_port_start=" + port,
                                cause)
                        : new PortClaimException(ports, "the host does not allow it to be bound", null, cause);
            }
            case Failures.EADDRNOTAVAIL -> {
                return new PortClaimException(
                        ports,
                        address + " is not an address of this host",
                        "use one that `ip address` shows, or none",
                        cause);
            }
            case Failures.EMFILE, Failures.ENFILE -> {
                return new PortClaimException(
                        ports, "no file descriptor is left", "raise the limit (ulimit -n)", cause);
            }
            default -> {
                String said = cause != null ? String.valueOf(cause.getMessage()) : "error " + errno;
                return new PortClaimException(ports, "cannot be bound: " + said, null, cause);
            }
        }
    }
}
