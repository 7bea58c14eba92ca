package io.sharedip.nat.internal.engine;

/** The addresses that the gateway has on the uplink: whose they are, and what a guest's address shows as. */
final class OutsideAddresses {

    private int shared;

    OutsideAddresses(int shared) {
        this.shared = shared;
    }

    /** The address that guests share. */
    int shared() {
        return shared;
    }

    /** Whether packets from outside to this address are the gateway's to judge. */
    boolean owns(int address) {
        return address == shared;
    }
}
