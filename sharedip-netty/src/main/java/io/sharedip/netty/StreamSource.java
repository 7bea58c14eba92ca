package io.sharedip.netty;

import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.address.MacAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** Where the connections of one or more links come from. Thread-safe. */
interface StreamSource {

    /** The address as it was written. */
    String text();

    /** Where connections are accepted; null if nowhere. */
    @Nullable
    SocketAddress localAddress();

    /**
     * Begins to give connections to a link.
     *
     * @throws LinkException if it cannot
     * @throws ConfigurationException if another open link is in the way
     */
    void open(QemuStreamLink link);

    /** Ends a link's connection and gives it no other. */
    void close(QemuStreamLink link);

    /** A guest's link was closed without having been opened. */
    default void forget(MacAddress guest) {}
}
