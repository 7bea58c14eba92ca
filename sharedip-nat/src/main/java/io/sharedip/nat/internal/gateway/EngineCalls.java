package io.sharedip.nat.internal.gateway;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The way to the engine for steps that are made on another thread: runs an action between packets and waits for it. */
@FunctionalInterface
public interface EngineCalls {

    /** Runs an action on the engine's thread. @return its result; what it throws is thrown here, bare or as a cause */
    <T extends @Nullable Object> T call(Supplier<T> action);
}
