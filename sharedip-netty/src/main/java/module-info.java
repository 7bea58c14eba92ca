/** Links for virtual machine sockets, by Netty. */
module io.sharedip.netty {
    requires transitive io.sharedip.api;
    requires io.netty.buffer;
    requires io.netty.common;
    requires transitive io.netty.transport;

    exports io.sharedip.netty;
}
