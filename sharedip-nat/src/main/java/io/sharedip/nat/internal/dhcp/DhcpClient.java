package io.sharedip.nat.internal.dhcp;

/** The guest that a message came from, and where it stands, as the engine knows it. Reused; not thread-safe. */
public final class DhcpClient {

    /** The MAC address that is bound to the guest. */
    public long mac;
    /** The addresses that are bound to the guest, the one to give away first. */
    public int[] addresses = {};
    /** The name of the guest. */
    public String name = "";
    /** The MTU of the guest's link, in octets. */
    public int linkMtu;
    /** Network address of the gateway's segment. */
    public int segment;
    /** Mask of the gateway's segment. */
    public int segmentMask;
    /** Router of the gateway's segment. */
    public int router;
    /** The gateway's address towards guests: what names the server, and no guest has. */
    public int gateway;
    /** The IP source of the message. */
    public int source;

    /** Makes nobody. */
    public DhcpClient() {}

    boolean owns(int address) {
        for (int each : addresses) {
            if (each == address) {
                return true;
            }
        }
        return false;
    }
}
