/** The types and service interfaces of sharedip; it has no dependency at run time. */
@SuppressWarnings("module") // those it exports to are built after it
module io.sharedip.api {
    requires static transitive org.jspecify;

    exports io.sharedip;
    exports io.sharedip.address;
    exports io.sharedip.binding;
    exports io.sharedip.dns;
    exports io.sharedip.driver;
    exports io.sharedip.event;
    exports io.sharedip.filter;
    exports io.sharedip.forward;
    exports io.sharedip.link;
    exports io.sharedip.packet;
    exports io.sharedip.service;
    exports io.sharedip.snapshot;
    exports io.sharedip.stats;
    exports io.sharedip.time;
    exports io.sharedip.uplink;
    exports io.sharedip.internal.host to
            io.sharedip.netty,
            io.sharedip.pcap;
}
