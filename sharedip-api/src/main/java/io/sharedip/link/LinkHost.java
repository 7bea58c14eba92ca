package io.sharedip.link;

import io.sharedip.packet.Frame;

/**
 * What a link may ask of the gateway it is plugged into. Handed over by {@link Link#open(LinkHost)} and valid until
 * {@link Link#close()} returns. All methods are thread-safe and none blocks.
 */
public interface LinkHost {

    /**
     * Says that {@link Link#poll} has something to deliver, so that an idle driver looks at once. A link whose
     * {@code poll} is only ever filled by the driver's own thread never needs it.
     */
    void wakeup();

    /**
     * Whether the calling thread is the one that drives the engine. A link that reads on that thread (an event loop shared
     * with the engine) may then hand its frames over at once with {@link #deliver} and bypass its ring.
     *
     * @return true on the driver's thread, unless the engine is at work further up in the very same call, as when a link is polled or
     *     flushed, or takes no frames for now: they wait in the link's ring
     */
    boolean onDriverThread();

    /**
     * Hands a batch to the engine at once and flushes every link that it made the engine send on.
     *
     * @param frames whose first {@code count} elements are the batch, borrowed as in {@link FrameHandler#onFrames}
     * @param count 1 or more
     * @throws IllegalStateException unless {@link #onDriverThread()}
     */
    void deliver(Frame[] frames, int count);

    /**
     * Says that the link is up again after {@link #down}. A freshly opened link counts as up.
     */
    void up();

    /**
     * Says that the link was lost. The gateway tells its listeners, keeps every flow, and drops what would leave on this link
     * until {@link #up()}; it is for the link to come back.
     *
     * @param reason one clause fit to be shown to a person
     */
    void down(String reason);

    /**
     * Tells the gateway's listeners of something on this link that is neither up nor down: a refused second connection, a
     * frame of impossible length.
     *
     * @param message one sentence fit to be shown to a person
     */
    void notice(String message);
}
