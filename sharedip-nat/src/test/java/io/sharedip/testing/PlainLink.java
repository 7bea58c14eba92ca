package io.sharedip.testing;

import io.sharedip.address.MacAddress;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import java.util.Optional;

/** What links of tests have in common that differ only in {@link #poll} and {@link #send}: always up, 1500 octets, nothing to flush. */
public abstract class PlainLink implements Link {

    private final String name;
    private final MacAddress mac;

    /** Makes a link. @param name of the link @param mac of its own end */
    protected PlainLink(String name, MacAddress mac) {
        this.name = name;
        this.mac = mac;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Optional<MacAddress> macAddress() {
        return Optional.of(mac);
    }

    @Override
    public int mtu() {
        return 1500;
    }

    @Override
    public void flush() {}

    @Override
    public void open(LinkHost host) {}

    @Override
    public void close() {}
}
