/** The engine of sharedip: translation with connection tracking, port forwarding, bindings and filter. */
module io.sharedip.nat {
    requires transitive io.sharedip.api;

    exports io.sharedip.nat;
}
