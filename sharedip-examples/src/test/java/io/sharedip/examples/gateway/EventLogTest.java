package io.sharedip.examples.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.event.SharedIpEvent.BindingViolation;
import io.sharedip.event.SharedIpEvent.FlowOpened;
import io.sharedip.event.SharedIpEvent.LinkLost;
import io.sharedip.event.SharedIpEvent.RuleLogged;
import io.sharedip.event.SharedIpEvent.TableFull;
import io.sharedip.filter.FilterRule;
import io.sharedip.stats.DropReason;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EventLogTest {

    private static final GuestId WEB = GuestId.of("web");
    private static final Endpoint INSIDE = Endpoint.parse("192.0.2.10:40001");
    private static final Endpoint PEER = Endpoint.parse("198.51.100.1:443");

    private final AtomicLong now = new AtomicLong();
    private final RememberingLogger logger = new RememberingLogger();
    private final EventLog log = new EventLog(logger, now::get);

    private static SharedIpEvent violation() {
        return new BindingViolation(
                Instant.EPOCH,
                "pcap:vm1",
                Optional.of(WEB),
                DropReason.SPOOFED_OUTSIDE_SOURCE,
                MacAddress.parse("52:54:00:00:00:09"),
                Ipv4Address.parse("192.0.2.11"));
    }

    @Test
    void eventsAreSentences() {
        log.onEvent(violation());
        log.onEvent(new LinkLost(Instant.EPOCH, "pcap:vm1", "the card is gone"));
        log.onEvent(new TableFull(Instant.EPOCH, WEB, SharedIpEvent.Limit.PORTS));
        FilterRule rule = FilterRule.parse("drop tcp from guest web to any log");
        log.onEvent(new RuleLogged(Instant.EPOCH, rule, Optional.of(WEB), IpProtocol.TCP, INSIDE, PEER));
        log.onEvent(new FlowOpened(Instant.EPOCH, WEB, IpProtocol.TCP, INSIDE, INSIDE, PEER, true));

        assertThat(logger.lines)
                .containsExactly(
                        "WARN A frame from 52:54:00:00:00:09 with the address 192.0.2.11 was dropped on the link of web: "
                                + DropReason.SPOOFED_OUTSIDE_SOURCE.description() + ".",
                        "WARN The link pcap:vm1 was lost: the card is gone.",
                        "WARN A new flow of web was refused: no outside port is free.",
                        "INFO Rule 'drop tcp from guest web to any log' matched tcp from 192.0.2.10:40001 to"
                                + " 198.51.100.1:443, guest web.",
                        "DEBUG Flow of web opened: tcp 192.0.2.10:40001 as 192.0.2.10:40001 to 198.51.100.1:443, begun"
                                + " inside.");
    }

    @Test
    void nobodyCanFillTheDiskWithLogLines() {
        for (int i = 0; i < 1000; i++) {
            log.onEvent(violation());
        }
        assertThat(logger.lines).hasSize(20);
        now.addAndGet(1_000_000_000L);
        log.onEvent(violation());
        assertThat(logger.lines).hasSize(22).element(20).isEqualTo("WARN 980 more events were not logged.");
    }
}
