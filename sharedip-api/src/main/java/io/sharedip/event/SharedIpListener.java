package io.sharedip.event;

/**
 * Hears of events. Called on the gateway's event thread, one event at a time and in order; it may take its time and may call any
 * method of the gateway, also wait for a stage that the gateway returned. What it throws is caught and counted as a lost event.
 */
@FunctionalInterface
public interface SharedIpListener {

    /**
     * Hears of an event.
     *
     * @param event immutable
     */
    void onEvent(SharedIpEvent event);
}
