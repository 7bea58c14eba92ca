package io.sharedip.uplink;

/** One of the two ways out. */
public sealed interface Uplink permits PacketUplink, FlowUplink {

    /**
     * What kind of uplink this is, for messages and tables.
     *
     * @return one word, e.g. {@code "pcap"}
     */
    String kind();
}
