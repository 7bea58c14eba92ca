package io.sharedip.nat.internal.engine;

import io.sharedip.packet.Frame;

/** The owner of attachments on whose links nothing happens. */
final class Nobody implements Attachment.Owner {

    @Override
    public TokenBucket errorBucket() {
        return new TokenBucket(1, 1);
    }

    @Override
    public TokenBucket echoBucket() {
        return new TokenBucket(1, 1);
    }

    @Override
    public void receive(Attachment from, Frame[] frames, int count) {
        throw new AssertionError("nothing comes in");
    }
}
