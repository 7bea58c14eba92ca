package io.sharedip.link;

import io.sharedip.LinkException;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.Frame;
import java.util.Optional;

/**
 * A place where whole Ethernet frames come in and go out: a network card, a virtual machine's socket, an emulator in the same
 * process. This is the SPI of every adapter.
 *
 * <p><b>Lifetime.</b> A link is given to one gateway, which from then on owns it: the gateway calls {@link #open} once when it
 * starts, and {@link #close} once when it is closed or its start fails. A closed link cannot be opened again.
 *
 * <p><b>Threads.</b> {@link #poll}, {@link #send} and {@link #flush} are called by the thread that drives the engine and by no
 * other, never concurrently; they must not block. {@link #open} and {@link #close} are called by any one thread, before the
 * first and after the last of them.
 *
 * <p><b>Offloads.</b> Frames handed to the engine may have a partial checksum, which the engine completes; those handed to
 * {@link #send} never have. They are super-frames only if the link says that it takes them; the default says no.
 */
public interface Link {

    /**
     * A name for messages, events and tables.
     *
     * @return what a user would recognise, e.g. {@code "pcap:eth0"}; never changes
     */
    String name();

    /**
     * The longest IP packet that may be sent, in octets, without the Ethernet header.
     *
     * @return 68 to 65520; constant while the link is open
     */
    int mtu();

    /**
     * The MAC address of the card on which frames leave.
     *
     * @return empty where there is no card; known at the latest when {@link #open} has returned
     */
    Optional<MacAddress> macAddress();

    /**
     * Opens the link. Frames may arrive from now on; until the first {@link #poll} they wait in a bounded queue or are lost.
     *
     * @param host the gateway's side, valid until {@link #close} returns
     * @throws LinkException if it cannot be opened; whatever had been acquired is released again
     */
    void open(LinkHost host);

    /**
     * Hands the frames that have arrived to the handler, in one or more batches, without waiting.
     *
     * @param handler takes them; called only from within this call
     * @param limit the most frames to hand over, 1 or more
     * @return how many were handed over, 0 if none is there
     */
    int poll(FrameHandler handler, int limit);

    /**
     * Sends a frame, or keeps it for {@link #flush}. The frame is borrowed: the link copies what it needs before it returns,
     * and may change neither octets nor length.
     *
     * @param frame complete from the destination MAC address on; shorter than 60 octets is fine, padding is the link's business
     * @return false if it could not be taken because the link is down or its queue is full; the frame is then lost and counted
     *     by the caller
     */
    boolean send(Frame frame);

    /** Ends a batch: everything sent so far goes out now. */
    void flush();

    /**
     * Whether {@link #send} would take a frame of the link's MTU now. What can wait at its source is held back while it would not; when it
     * would again the link calls {@link LinkHost#wakeup()}.
     *
     * @return true unless overridden; of a link that is down true as well, since what is sent there is lost rather than kept
     */
    default boolean isWritable() {
        return true;
    }

    /**
     * Whether {@link #send} takes super-frames ({@link Frame#segmentSize()} above 0).
     *
     * @return false unless overridden
     */
    default boolean acceptsSuperFrames() {
        return false;
    }

    /** Closes the link and releases everything it held. Idempotent; returns within a second and never throws. */
    void close();
}
