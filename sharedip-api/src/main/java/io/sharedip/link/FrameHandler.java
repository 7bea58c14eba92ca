package io.sharedip.link;

import io.sharedip.packet.Frame;

/** Takes batches of borrowed frames. */
@FunctionalInterface
public interface FrameHandler {

    /**
     * Takes a batch.
     *
     * <p>The frames and the array are borrowed: they are valid until this call returns. Inside it the handler may rewrite the
     * octets of each frame in place and shorten it; what it wants to keep it must copy.
     *
     * @param frames whose first {@code count} elements are the batch, in order of arrival
     * @param count 1 or more, at most {@code frames.length}
     */
    void onFrames(Frame[] frames, int count);
}
