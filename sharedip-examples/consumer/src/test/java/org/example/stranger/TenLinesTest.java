package org.example.stranger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.sharedip.SharedIp;
import io.sharedip.address.MacAddress;
import io.sharedip.link.InProcessLink;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class TenLinesTest {
    private static final long PATIENCE_NANOS = 5_000_000_000L;

    private final InProcessLink uplink =
            InProcessLink.named("up").withMacAddress(MacAddress.parse("02:00:5e:00:00:10"));
    private final InProcessLink vm1 = InProcessLink.named("vm1");

    @Test
    void the_gateway_runs_and_answers_a_guest_that_asks_for_its_router() {
        try (SharedIp gateway = TenLines.start(uplink, vm1)) {
            assertEquals(SharedIp.State.RUNNING, gateway.state());

            // Who has 192.0.2.1? Tell 192.0.2.10.
            vm1.transmit(HexFormat.of()
                    .parseHex("ffffffffffff525400000001" + "0806" + "0001080006040001" + "525400000001" + "c000020a"
                            + "000000000000" + "c0000201"));

            byte[] answer = awaitFrame(vm1);
            assertArrayEquals(HexFormat.of().parseHex("525400000001"), Arrays.copyOfRange(answer, 0, 6));
            assertArrayEquals(HexFormat.of().parseHex("c0000201"), Arrays.copyOfRange(answer, 28, 32));
        }
    }

    private static byte[] awaitFrame(InProcessLink link) {
        long end = System.nanoTime() + PATIENCE_NANOS;
        byte[] frame = link.receive();
        while (frame == null && System.nanoTime() - end < 0) {
            Thread.onSpinWait();
            frame = link.receive();
        }
        assertNotNull(frame, "no frame within 5 s");
        return frame;
    }
}
