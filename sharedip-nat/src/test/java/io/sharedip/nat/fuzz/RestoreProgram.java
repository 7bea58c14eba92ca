package io.sharedip.nat.fuzz;

import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.stats.FlowStatus;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import java.time.Duration;

/** A gateway that begins with a snapshot; then both ends of each flow that was restored say something. */
final class RestoreProgram extends FrameProgram {

    private static final int ICMP = 1;
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int ECHO_REQUEST = 8;
    private static final int ACK = 16;
    private static final int SEGMENTS = 100;

    private final Snapshot snapshot;
    private long restored;

    /** Makes one. @param settings the third octet of a program's settings */
    RestoreProgram(Snapshot snapshot, int settings) {
        super(new byte[] {MORE, 0, (byte) settings});
        this.snapshot = snapshot;
    }

    @Override
    void begin() {
        super.begin();
        RestoreReport report = restore(snapshot, Duration.ZERO);
        restored = report.flows();
        pass(Duration.ZERO);
        require(gateway().stats().flows() == report.flows(), "the report tells of flows that are not there: " + report);
        require(
                gateway().stats().mappings() == report.mappings(),
                "the report tells of mappings that are not there: " + report);
        for (FlowStatus flow : inside().flows()) {
            for (int guest = 0; guest < GUESTS.size(); guest++) {
                if (GUESTS.get(guest).name().equals(flow.guest().name())) {
                    goOn(flow, guest);
                }
            }
        }
    }

    /** How many flows were there again. */
    long restored() {
        return restored;
    }

    private void goOn(FlowStatus flow, int guest) {
        put(
                1 + guest,
                packet(flow, true)
                        .from(flow.inside().address().toString(), flow.inside().port())
                        .to(flow.peer().address().toString(), flow.peer().port())
                        .macs(GUESTS.get(guest).mac(), GatewayRig.ROUTER_MAC)
                        .build());
        put(
                UPLINK,
                packet(flow, false)
                        .from(flow.peer().address().toString(), flow.peer().port())
                        .to(flow.outside().address().toString(), flow.outside().port())
                        .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                        .build());
    }

    private static PacketBuilder packet(FlowStatus flow, boolean fromGuest) {
        int id = fromGuest ? flow.inside().port() : flow.outside().port();
        return switch (flow.protocol().number()) {
            case TCP -> PacketBuilder.tcp().flags(ACK).sequence(SEGMENTS, SEGMENTS);
            case UDP -> PacketBuilder.udp().payload(new byte[1]);
            case ICMP -> PacketBuilder.icmp().echo(fromGuest ? ECHO_REQUEST : 0, id, 1);
            default -> PacketBuilder.protocol(flow.protocol().number()).payload(new byte[1]);
        };
    }
}
