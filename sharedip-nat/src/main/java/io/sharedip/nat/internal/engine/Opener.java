package io.sharedip.nat.internal.engine;

/** Who begins a flow, which decides what may give way to it. */
enum Opener {
    /** The guest: its own closed and unanswered flows, then others'. */
    GUEST,
    /** Whoever comes through a forward: never what the guest began itself. */
    VISITOR,
    /** Whoever comes through a mapping that the guest opened for others: only what came as it does. */
    STRANGER
}
