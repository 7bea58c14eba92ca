package io.sharedip.examples.gateway.config;

import io.sharedip.GuestId;
import java.util.List;

/**
 * The names of guests that rules and forwards may speak of.
 *
 * @param complete false if a guest's name could not be read, so that an unknown name proves nothing
 */
record Names(List<GuestId> known, boolean complete) {}
