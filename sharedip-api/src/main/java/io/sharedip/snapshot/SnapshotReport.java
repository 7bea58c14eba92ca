package io.sharedip.snapshot;

import java.time.Instant;

/**
 * What a snapshot holds.
 *
 * @param at wall-clock time at which it was begun
 * @param guests named in it
 * @param bindings in it
 * @param forwards in it
 * @param flows in it, each with its mapping
 * @param octets written
 */
public record SnapshotReport(Instant at, int guests, int bindings, int forwards, long flows, long octets) {}
