package io.sharedip.netty;

import io.sharedip.ConfigurationException;
import io.sharedip.netty.internal.transport.Transport;

/**
 * How Netty talks to the kernel. {@link #NIO} comes with the JDK and works everywhere; the others are Linux's own and need Netty's
 * classes and native library for them on the class path ({@code netty-transport-native-epoll}, {@code netty-transport-native-io_uring}).
 */
public enum SocketTransport {
    /** {@link #EPOLL} where it can be had, else {@link #NIO}. */
    AUTO,
    /** The JDK's channels. */
    NIO,
    /** Linux's epoll. */
    EPOLL,
    /** Linux's io_uring. */
    IO_URING;

    /**
     * Whether this process can use it.
     *
     * @return true for {@link #AUTO} and {@link #NIO}; for the others, if classes, native library and kernel have it
     */
    public boolean isAvailable() {
        return switch (this) {
            case AUTO, NIO -> true;
            case EPOLL -> Transport.epoll() != null;
            case IO_URING -> Transport.ioUring() != null;
        };
    }

    Transport resolve() {
        Transport found = switch (this) {
            case AUTO -> {
                Transport epoll = Transport.epoll();
                yield epoll != null ? epoll : Transport.nio();
            }
            case NIO -> Transport.nio();
            case EPOLL -> Transport.epoll();
            case IO_URING -> Transport.ioUring();
        };
        if (found == null) {
            String artifact = this == EPOLL ? "netty-transport-native-epoll" : "netty-transport-native-io_uring";
            throw new ConfigurationException(
                    "transport",
                    name(),
                    "cannot be had here",
                    "add " + artifact + " with this machine's classifier to the class path, or use AUTO");
        }
        return found;
    }
}
