package io.sharedip.nat.internal.gateway;

import io.sharedip.link.LinkHost;
import io.sharedip.nat.internal.engine.Attachment;
import io.sharedip.packet.Frame;
import org.jspecify.annotations.Nullable;

/** The gateway's side of one link. A link that goes down before it is attached is down when it is. */
public final class GatewayLinkHost implements LinkHost {

    /** What a link's calls need of the gateway. */
    public interface Gateway {

        /** Ends the driver's wait. */
        void wakeup();

        /** Whether the calling thread drives the engine. */
        boolean onDriverThread();

        /** Takes a batch. */
        void deliver(Attachment from, Frame[] frames, int count);

        /** A link was lost, or, with no reason, came back. */
        void linkChanged(Attachment on, @Nullable String lost);

        /** Something on a link is worth knowing. */
        void notice(String link, String message);
    }

    private final Gateway gateway;
    private final String link;
    private @Nullable Attachment attachment;
    private @Nullable String lost;

    /**
     * Makes the side of a link that is about to be opened.
     *
     * @param gateway to be told
     * @param link the link's name
     */
    public GatewayLinkHost(Gateway gateway, String link) {
        this.gateway = gateway;
        this.link = link;
    }

    /** The link is plugged into the engine now. */
    public synchronized void attach(Attachment plugged) {
        attachment = plugged;
        if (lost != null) {
            gateway.linkChanged(plugged, lost);
        }
    }

    @Override
    public void wakeup() {
        gateway.wakeup();
    }

    @Override
    public boolean onDriverThread() {
        return gateway.onDriverThread();
    }

    @Override
    public void deliver(Frame[] frames, int count) {
        if (!gateway.onDriverThread()) {
            throw new IllegalStateException("link " + link + ": deliver: the calling thread does not drive the engine");
        }
        Attachment from;
        synchronized (this) {
            from = attachment;
        }
        if (from != null) {
            gateway.deliver(from, frames, count);
        }
    }

    @Override
    public synchronized void up() {
        lost = null;
        if (attachment != null) {
            gateway.linkChanged(attachment, null);
        }
    }

    @Override
    public synchronized void down(String reason) {
        lost = reason;
        if (attachment != null) {
            gateway.linkChanged(attachment, reason);
        }
    }

    @Override
    public void notice(String message) {
        gateway.notice(link, message);
    }
}
