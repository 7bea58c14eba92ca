package io.sharedip.nat;

import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.event.SharedIpEvent.CloseReason;
import io.sharedip.event.SharedIpEvent.FlowClosed;
import io.sharedip.event.SharedIpEvent.FlowOpened;
import io.sharedip.event.SharedIpEvent.MappingCreated;
import io.sharedip.event.SharedIpEvent.MappingDeleted;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The log of mappings, read back. */
class MappingEventsTest {

    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER = GatewayRig.OTHER_SERVER;

    private final EventRecorder events = new EventRecorder();

    private GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .with(b -> b.listener(events));
    }

    private static Endpoint endpoint(String text) {
        return Endpoint.parse(text);
    }

    @Test
    void rfc8158_a_mapping_is_told_when_it_is_created_and_when_it_is_deleted_with_the_sums_of_its_flows() {
        try (GatewayRig rig = rig()) {
            Conversation one = Conversation.udp(rig, "p", P, 62000, SERVER, 53);
            Conversation two = Conversation.udp(rig, "p", P, 62000, OTHER, 54);
            one.out();
            one.in();
            rig.advance(Duration.ofSeconds(100));
            two.out();
            two.out();
            two.in();
            rig.advance(Duration.ofSeconds(201));
            // the first flow has ended, the mapping has not
            assertThat(events.await(FlowClosed.class).peer()).isEqualTo(endpoint(SERVER + ":53"));
            rig.advance(Duration.ofSeconds(100));
            MappingCreated created = events.await(MappingCreated.class);
            MappingDeleted deleted = events.await(MappingDeleted.class);
            assertThat(created.guest()).isEqualTo(GuestId.of("p"));
            assertThat(created.protocol()).isEqualTo(IpProtocol.UDP);
            assertThat(created.inside()).isEqualTo(endpoint(P + ":62000"));
            assertThat(created.outside()).isEqualTo(endpoint(SHARED + ":62000"));
            assertThat(created.peer()).isEqualTo(endpoint(SERVER + ":53"));
            assertThat(deleted.guest()).isEqualTo(created.guest());
            assertThat(deleted.protocol()).isEqualTo(created.protocol());
            assertThat(deleted.inside()).isEqualTo(created.inside());
            assertThat(deleted.outside()).isEqualTo(created.outside());
            assertThat(deleted.peer()).isEqualTo(created.peer());
            assertThat(deleted.reason()).isEqualTo(CloseReason.EXPIRED);
            assertThat(Duration.between(created.at(), deleted.at()).toSeconds()).isEqualTo(401);
            // 20 + 8 + 3 octets out, one less in
            assertThat(deleted.packetsOut()).isEqualTo(3);
            assertThat(deleted.bytesOut()).isEqualTo(93);
            assertThat(deleted.packetsIn()).isEqualTo(2);
            assertThat(deleted.bytesIn()).isEqualTo(60);
        }
        List<? extends Class<?>> order =
                events.all().stream().map(SharedIpEvent::getClass).toList();
        assertThat(order)
                .isEqualTo(List.of(
                        MappingCreated.class,
                        FlowOpened.class,
                        FlowOpened.class,
                        FlowClosed.class,
                        FlowClosed.class,
                        MappingDeleted.class));
    }

    @Test
    void rfc8158_mappings_of_forwards_and_of_pings_are_told_too() throws Exception {
        try (GatewayRig rig = rig().with(b -> b.forward("tcp 8080 -> q:80"))) {
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 5000).to(SHARED, 8080));
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(OTHER, 0).echo(8, 62007, 1));
            MappingCreated ofForward =
                    events.await(MappingCreated.class, e -> e.protocol().equals(IpProtocol.TCP));
            assertThat(ofForward.guest()).isEqualTo(GuestId.of("q"));
            assertThat(ofForward.inside()).isEqualTo(endpoint(Q + ":80"));
            assertThat(ofForward.outside()).isEqualTo(endpoint(SHARED + ":8080"));
            assertThat(ofForward.peer()).isEqualTo(endpoint(SERVER + ":5000"));
            MappingCreated ofPing =
                    events.await(MappingCreated.class, e -> e.protocol().equals(IpProtocol.ICMP));
            assertThat(ofPing.outside()).isEqualTo(endpoint(SHARED + ":62007"));
            assertThat(ofPing.peer()).isEqualTo(endpoint(OTHER + ":0"));
            rig.await(rig.gateway().removeGuest(GuestId.of("q")));
            MappingDeleted deleted = events.await(MappingDeleted.class);
            assertThat(deleted.reason()).isEqualTo(CloseReason.FORWARD_REMOVED);
            assertThat(deleted.packetsIn()).isEqualTo(1);
        }
    }

    @Test
    void rfc8158_a_mapping_that_makes_room_says_so() {
        try (GatewayRig rig = rig().ports(62000, 62000)) {
            Conversation.tcp(rig, "p", P, 1001, SERVER, 80).out(SYN);
            Conversation.tcp(rig, "p", P, 1002, SERVER, 80).out(SYN);
            MappingDeleted deleted = events.await(MappingDeleted.class);
            assertThat(deleted.reason()).isEqualTo(CloseReason.EVICTED);
            assertThat(deleted.inside()).isEqualTo(endpoint(P + ":1001"));
        }
    }

    @ParameterizedTest
    @EnumSource(MappingBehavior.class)
    void rfc8158_the_log_tells_at_any_time_whose_each_port_is(MappingBehavior mapping) {
        Random random = new Random(11);
        try (GatewayRig rig = rig().ports(62000, 62031)
                .with(b -> b.capacity(60)
                        .flowsPerGuest(40)
                        .tcp(ProtocolBehavior.tcp().withMapping(mapping))
                        .udp(ProtocolBehavior.udp().withMapping(mapping)))) {
            for (int i = 0; i < 1500; i++) {
                boolean ofP = random.nextBoolean();
                PacketBuilder packet = random.nextBoolean() ? PacketBuilder.tcp() : PacketBuilder.udp();
                rig.station(ofP ? "p" : "q")
                        .send(packet.from(ofP ? P : Q, 61990 + random.nextInt(60))
                                .to(random.nextBoolean() ? SERVER : OTHER, 80 + random.nextInt(3)));
                rig.advance(Duration.ofMillis(random.nextInt(5000)));
            }
            rig.advance(Duration.ofHours(3));
            assertThat(rig.stats().mappings()).isZero();
            assertThat(rig.stats().eventsLost()).isZero();
        }
        // each port of a protocol has one owner at a time, who loses it before another gets it; the sums are those of
        // the flows
        Map<String, Endpoint> owners = new HashMap<>();
        Map<String, Long> octets = new HashMap<>();
        int created = 0;
        for (SharedIpEvent event : events.all()) {
            if (event instanceof MappingCreated e) {
                created++;
                assertThat(owners.put(e.protocol() + " " + e.outside(), e.inside()))
                        .isNull();
            } else if (event instanceof FlowClosed e) {
                octets.merge(e.protocol() + " " + e.outside(), e.bytesOut(), Long::sum);
            } else if (event instanceof MappingDeleted e) {
                String port = e.protocol() + " " + e.outside();
                assertThat(owners.remove(port)).isEqualTo(e.inside());
                assertThat(octets.remove(port)).isEqualTo(e.bytesOut());
            }
        }
        assertThat(owners).isEmpty();
        assertThat(created).isGreaterThan(100);
    }
}
