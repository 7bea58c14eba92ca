package io.sharedip.pcap.oracle;

import java.util.List;

/** A translator between an uplink and guests that is handed one frame at a time. */
interface Nat extends AutoCloseable {

    /** Forgets every connection, so that a new case can begin. */
    void reset();

    /**
     * Hands in a frame and waits until it has been judged.
     *
     * @param link that it comes in on: {@link Net#UPLINK} or the number of a guest
     * @param frame with its Ethernet header
     * @return what came out, in order
     */
    List<Emission> exchange(int link, byte[] frame);

    @Override
    void close();

    /** A frame that came out. */
    record Emission(int link, byte[] frame) {}
}
