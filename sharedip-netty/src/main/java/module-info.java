/** Links for virtual machine sockets, and the uplink of ordinary sockets, by Netty. */
@SuppressWarnings("requires-automatic") // JNA has no other name
module io.sharedip.netty {
    requires transitive io.sharedip.api;
    requires io.netty.buffer;
    requires io.netty.codec;
    requires io.netty.codec.dns;
    requires io.netty.common;
    requires transitive io.netty.transport;
    requires static com.sun.jna;
    requires static io.netty.transport.classes.epoll;
    requires static io.netty.transport.classes.io_uring;
    requires static io.netty.transport.unix.common;

    exports io.sharedip.netty;
}
