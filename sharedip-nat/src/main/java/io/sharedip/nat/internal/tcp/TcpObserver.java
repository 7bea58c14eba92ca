package io.sharedip.nat.internal.tcp;

import io.sharedip.uplink.HostStream;

/**
 * Whoever keeps an endpoint hears of it here. Called from within the endpoint's methods; must not call the endpoint back, except
 * where it is said.
 */
public interface TcpObserver {

    /**
     * The stream's side has made work: the endpoint may have output, or another deadline. Called once until {@link TcpEndpoint#emit} has
     * returned 0 again.
     *
     * @param endpoint to be drained at the end of the turn
     */
    void changed(TcpEndpoint endpoint);

    /**
     * The stream could not be connected. The endpoint waits for {@link TcpEndpoint#refuse} or {@link TcpEndpoint#discard}, either of
     * which may be called at once.
     *
     * @param endpoint whose guest has heard nothing yet
     * @param failure what became of the stream
     */
    void connectFailed(TcpEndpoint endpoint, HostStream.Failure failure);

    /**
     * The endpoint is at its end: it holds no memory, has no output and no deadline, and has closed or reset its stream.
     *
     * @param endpoint to be forgotten
     * @param end how it came
     */
    void closed(TcpEndpoint endpoint, TcpEnd end);
}
