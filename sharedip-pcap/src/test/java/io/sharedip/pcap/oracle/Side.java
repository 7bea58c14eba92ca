package io.sharedip.pcap.oracle;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One side of a comparison: a translator, and the outside ports that it has chosen in the case at hand. */
final class Side {

    private final Nat nat;
    private final Map<Integer, Integer> chosen = new HashMap<>();

    Side(Nat nat) {
        this.nat = nat;
    }

    void reset() {
        chosen.clear();
        nat.reset();
    }

    /** Plays a step, with this side's own port in it; what comes out bears the nominal port again. */
    List<Emission> play(Step step) {
        byte[] frame = step.frame();
        Integer port = chosen.get(step.conversation());
        if (step.link() == Net.UPLINK
                && step.portAt() >= 0
                && port != null
                && port != step.nominal()
                && Octets.u16(frame, step.portAt()) == step.nominal()) {
            frame = frame.clone();
            Wire.replacePort(frame, step.portAt(), port);
        }
        List<Emission> out = new ArrayList<>(2);
        for (Emission emission : nat.exchange(step.link(), frame)) {
            out.add(emission.link() == Net.UPLINK ? nominal(step, emission) : emission);
        }
        return out;
    }

    private Emission nominal(Step step, Emission emission) {
        byte[] frame = emission.frame();
        int at = Wire.outsidePortAt(frame);
        if (step.conversation() < 0 || at < 0) {
            return emission;
        }
        int port = Octets.u16(frame, at);
        boolean outward = step.link() != Net.UPLINK;
        int inside = outward ? Wire.sourcePort(step.frame()) : -1;
        if (inside >= 0 && inside != step.nominal()) {
            // a mutation that made another endpoint of it, which nobody will answer
            Wire.replacePort(frame, at, inside);
            return emission;
        }
        if (outward && at < Wire.IP + Wire.headerLength(frame, Wire.IP) + 8) {
            chosen.putIfAbsent(step.conversation(), port);
        }
        Integer mine = chosen.get(step.conversation());
        if (mine != null && mine == port && port != step.nominal()) {
            Wire.replacePort(frame, at, step.nominal());
        }
        return emission;
    }

    /** The outside ports that this side has chosen, by conversation. */
    Map<Integer, Integer> chosen() {
        return chosen;
    }
}
