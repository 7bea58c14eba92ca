package io.sharedip.netty.internal.sockets;

/** The ICMP error that a router would have sent, where the host's own kernel refuses to send a packet. */
final class Unreachable {

    static final int DESTINATION_UNREACHABLE = 3;

    private static final int NETWORK = 0;
    private static final int HOST = 1;
    private static final int PROHIBITED = 13;

    private Unreachable() {}

    /**
     * The code of the ICMP error.
     *
     * @param errno of the kernel
     * @return -1 if the error says nothing about the way to the peer
     */
    static int code(int errno) {
        return switch (Failures.of(errno)) {
            case NETWORK_UNREACHABLE -> NETWORK;
            case HOST_UNREACHABLE -> HOST;
            case PROHIBITED -> PROHIBITED;
            default -> -1;
        };
    }
}
