package io.sharedip.nat.internal.gateway;

import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.internal.engine.EngineSettings;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds quotas that protect nobody: flows that are answered never give way, so that only a quota keeps one guest from shutting all
 * others out (RFC 6888 REQ-4, REQ-5).
 */
public final class Quotas {

    private final int flows;
    private final int flowsPerGuest;
    private final int pool;
    private final List<String> tooHigh = new ArrayList<>();

    private Quotas(EngineSettings settings, int pool) {
        this.flows = settings.capacity();
        this.flowsPerGuest = settings.flowsPerGuest();
        this.pool = pool;
        if (flowsPerGuest >= flows) {
            tooHigh.add("capacity.flows-per-guest: '" + flowsPerGuest + "' lets one guest take all " + flows
                    + " flows from the others; use less than capacity.flows");
        }
        ports("tcp", settings.tcp());
        ports("udp", settings.udp());
    }

    private void ports(String protocol, ProtocolBehavior behavior) {
        int quota = behavior.portsPerGuest();
        int most = quota == 0 ? flowsPerGuest : Math.min(quota, flowsPerGuest);
        // a port that is shared can be had towards another peer
        if (pool > 1 && most >= pool && !behavior.portOverloading()) {
            tooHigh.add(protocol + ".ports-per-guest: '" + quota + "' lets one guest take all " + pool
                    + " outside ports from the others, since capacity.flows-per-guest is " + flowsPerGuest
                    + "; use 1 to " + (pool - 1) + " for one of the two");
        }
    }

    /**
     * Says which quotas are too high.
     *
     * @param settings of the engine
     * @param pool how many outside ports there are
     * @return setting, value and cure, a sentence for each
     */
    public static List<String> tooHigh(EngineSettings settings, int pool) {
        return new Quotas(settings, pool).tooHigh;
    }
}
