package io.sharedip.stats;

import io.sharedip.forward.PortForward;

/**
 * A forward at one moment.
 *
 * @param forward as it was added
 * @param hits flows that came through it
 */
public record ForwardStatus(PortForward forward, long hits) {}
