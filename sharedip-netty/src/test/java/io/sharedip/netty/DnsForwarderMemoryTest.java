package io.sharedip.netty;

import static org.awaitility.Awaitility.await;

import io.sharedip.GuestId;
import io.sharedip.dns.DnsSettings;
import io.sharedip.service.GuestService;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What a forwarder keeps of guests that come and go. */
class DnsForwarderMemoryTest {

    private static final GuestService.ReplyPath NOWHERE = new GuestService.ReplyPath(1, 1, 1, 1);

    /** A gateway whose guests are all gone. */
    private static final class Deserted implements GuestService.ServiceHost {

        @Override
        public boolean reply(GuestService.ReplyPath to, byte[] octets, int offset, int length) {
            return false;
        }

        @Override
        public void execute(Runnable action) {}

        @Override
        public void notice(String message) {}
    }

    @Test
    void guests_that_have_not_asked_lately_take_no_memory() {
        DnsForwarder forwarder = DnsForwarder.of(DnsSettings.builder().build());
        forwarder.open(new Deserted());
        try {
            AtomicInteger guests = new AtomicInteger();
            await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(1)).until(() -> {
                for (int i = 0; i < 10; i++) {
                    GuestId guest = GuestId.of("guest" + guests.incrementAndGet());
                    forwarder.received(guest, NOWHERE, new byte[1], 0, 1, 0);
                }
                return guests.get() > 1_000 && forwarder.remembered() < 300;
            });
        } finally {
            forwarder.close();
        }
    }
}
