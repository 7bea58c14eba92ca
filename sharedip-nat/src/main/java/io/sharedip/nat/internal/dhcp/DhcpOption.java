package io.sharedip.nat.internal.dhcp;

/** Codes of the options that the server reads or writes (RFC 2132; RFC 3397, RFC 4039). */
final class DhcpOption {

    static final int PAD = 0;
    static final int SUBNET_MASK = 1;
    static final int ROUTER = 3;
    static final int DNS_SERVERS = 6;
    static final int HOST_NAME = 12;
    static final int DOMAIN_NAME = 15;
    static final int INTERFACE_MTU = 26;
    static final int BROADCAST_ADDRESS = 28;
    static final int REQUESTED_ADDRESS = 50;
    static final int LEASE_TIME = 51;
    static final int OVERLOAD = 52;
    static final int MESSAGE_TYPE = 53;
    static final int SERVER_ID = 54;
    static final int MAX_SIZE = 57;
    static final int RENEWAL_TIME = 58;
    static final int REBINDING_TIME = 59;
    static final int CLIENT_ID = 61;
    static final int RAPID_COMMIT = 80;
    static final int DOMAIN_SEARCH = 119;
    static final int END = 255;

    private DhcpOption() {}
}
