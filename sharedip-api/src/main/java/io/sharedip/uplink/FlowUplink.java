package io.sharedip.uplink;

import io.sharedip.GuestId;
import io.sharedip.packet.Frame;

/**
 * The uplink that takes flows instead of translated frames: it terminates what guests send onto something else, such as
 * ordinary host sockets. Everything up to the verdict of {@code Hook.FLOW} happens as with a {@link PacketUplink}: validation,
 * binding, tracking, rules. Then each frame of an accepted flow is handed over here untranslated.
 *
 * <p><b>Threads.</b> Every method is called by the thread that drives the engine, except {@link #close}, which comes after the
 * last of the others. None may block.
 *
 * <p>This release defines the SPI so that embedders can see where it will stand; {@code NatGateway} does not drive one yet and
 * refuses it when the gateway is built.
 */
public non-sealed interface FlowUplink extends Uplink {

    /**
     * Begins work.
     *
     * @param host the engine's side, valid until {@link #close} returns
     */
    void open(FlowHost host);

    /**
     * Begins a flow. The answer to its first frame follows through {@link FlowHost#deliver}.
     *
     * @param flow number of the flow, unique until {@link #closeFlow}
     * @param guest that began it
     * @param frame its first frame, as the guest sent it; borrowed until this returns
     * @param nowNanos the engine's time
     */
    void openFlow(long flow, GuestId guest, Frame frame, long nowNanos);

    /**
     * Hands over a further frame of a flow.
     *
     * @param flow number of the flow
     * @param frame as the guest sent it; borrowed until this returns
     * @param nowNanos the engine's time
     */
    void onFrame(long flow, Frame frame, long nowNanos);

    /**
     * Ends a flow: it expired, was evicted, or a rule forbids it now.
     *
     * @param flow number of the flow, free for reuse afterwards
     */
    void closeFlow(long flow);

    /**
     * Gives the uplink its turn: timers, retransmissions, what its sockets have received.
     *
     * @param nowNanos the engine's time
     * @return how much was done, 0 if nothing
     */
    int poll(long nowNanos);

    /** Closes the uplink and releases everything it held. Idempotent; returns within a second and never throws. */
    void close();

    /** The engine's side of a {@link FlowUplink}. All methods but {@link #wakeup} belong to the driver's thread. */
    interface FlowHost {

        /**
         * Sends a frame of a flow to its guest.
         *
         * @param flow number of the flow
         * @param frame complete but for the MAC addresses, which the engine fills in; borrowed until this returns
         * @return false if the guest's link could not take it
         */
        boolean deliver(long flow, Frame frame);

        /**
         * Says that the flow is over on the uplink's side.
         *
         * @param flow number of the flow
         */
        void flowEnded(long flow);

        /** Says that {@link FlowUplink#poll} has something to do. Thread-safe. */
        void wakeup();
    }
}
