package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.FlowPolicy;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.UplinkAddress;
import io.sharedip.event.SharedIpEvent.ForwardConflict;
import io.sharedip.event.SharedIpEvent.LinkNotice;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A host that for a while grants no claim, or has lost the address: the gateway serves again as soon as the host does. */
@Timeout(60)
class ClaimsRecoveryTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String NEW = "192.0.2.11";
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final int FIRST = 61_000;
    private static final IpProtocol GRE = new IpProtocol(47);

    private final FakeClaims claims = new FakeClaims();
    private final EventRecorder events = new EventRecorder();

    private GatewayRig rig(int last) {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .ports(FIRST, last)
                .sharedWithHost(claims)
                .withoutAlias()
                .with(b -> b.protocols(GRE).capacity(5000).flowsPerGuest(5000).listener(events));
    }

    private static UplinkAddress place(String address) {
        return UplinkAddress.of(address, "192.0.2.0/24", GatewayRig.ROUTER);
    }

    /** Lets everything happen that is due now: whoever asks for a change has waited for the claims before it. */
    private static void settle(GatewayRig rig) throws Exception {
        for (int i = 0; i < 12; i++) {
            rig.await(rig.gateway().replaceRules(FilterChain.parse("accept from any to any")));
        }
    }

    private static void pass(GatewayRig rig, int seconds) throws Exception {
        for (int i = 0; i < seconds; i++) {
            rig.advance(Duration.ofSeconds(1));
            settle(rig);
        }
        rig.outside().discard();
    }

    /** A new flow of p's, answered so that it does not give way. @return its outside port, -1 if it got none */
    private int flow(GatewayRig rig, int port) {
        rig.station("p").send(PacketBuilder.udp().from(P, port).to(SERVER, 53));
        List<ParsedPacket> out = rig.outside().take();
        if (out.isEmpty()) {
            return -1;
        }
        int outside = out.get(0).sourcePort();
        assertThat(claims.holds(IpProtocol.UDP, outside)).isTrue();
        rig.outside()
                .send(PacketBuilder.udp()
                        .from(SERVER, 53)
                        .to(rig.gateway().address().toString(), outside));
        rig.station("p").discard();
        return outside;
    }

    private void loseBoth(GatewayRig rig) throws Exception {
        claims.absent.addAll(List.of(SHARED, NEW));
        assertThatThrownBy(() -> rig.await(rig.gateway().changeAddress(place(NEW), FlowPolicy.KEEP)))
                .hasCauseInstanceOf(PortClaimException.class);
        assertThat(rig.flows()).isEmpty();
        assertThat(rig.gateway().address()).hasToString(SHARED);
    }

    private List<LinkNotice> notices() {
        return events.all(LinkNotice.class).stream()
                .filter(notice -> notice.link().equals("claims"))
                .toList();
    }

    private void serves(GatewayRig rig, String address) throws Exception {
        assertThat(rig.gateway().address()).hasToString(address);
        assertThat(claims.address).hasToString(address);
        assertThat(claims.whole).containsExactly(47);
        for (int i = 0; i < 300; i++) {
            assertThat(flow(rig, 2000 + i)).isPositive();
        }
        assertThat(rig.flows())
                .hasSize(300)
                .allMatch(f -> f.outside().address().toString().equals(address));
        rig.station("p").send(PacketBuilder.tcp().from(P, 5000).to(SERVER, 80).flags(SYN));
        assertThat(claims.holds(IpProtocol.TCP, rig.outside().takeOne().sourcePort()))
                .isTrue();
    }

    // ------------------------------------------------------------------------------------------------ the address is
    // gone

    @Test
    void case03_a_gateway_that_lost_its_address_before_the_new_one_was_there_serves_at_the_new_one() throws Exception {
        try (GatewayRig rig = rig(62_023)) {
            flow(rig, 1001);
            loseBoth(rig);
            pass(rig, 60);
            assertThat(flow(rig, 1001)).isEqualTo(-1);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_PORTS);
            // once for each protocol
            assertThat(notices()).hasSize(2);

            claims.absent.remove(NEW);
            rig.await(rig.gateway().changeAddress(place(NEW), FlowPolicy.KEEP));
            pass(rig, 1);
            serves(rig, NEW);
        }
    }

    @Test
    void case03_a_gateway_whose_address_comes_back_serves_there_without_being_asked() throws Exception {
        try (GatewayRig rig = rig(62_023)) {
            flow(rig, 1001);
            loseBoth(rig);
            pass(rig, 60);
            claims.absent.remove(SHARED);
            pass(rig, 9);
            serves(rig, SHARED);
            assertThat(notices()).hasSize(3);
        }
    }

    @Test
    void case03_a_change_to_the_present_address_claims_it_again_or_says_why_not() throws Exception {
        try (GatewayRig rig = rig(62_023)) {
            loseBoth(rig);
            pass(rig, 60);
            assertThatThrownBy(() -> rig.await(rig.gateway().changeAddress(place(SHARED), FlowPolicy.KEEP)))
                    .hasCauseInstanceOf(PortClaimException.class);
            claims.absent.remove(SHARED);
            rig.await(rig.gateway().changeAddress(place(SHARED), FlowPolicy.KEEP));
            assertThat(claims.whole).containsExactly(47);
            settle(rig);
            rig.advance(Duration.ZERO);
            serves(rig, SHARED);
        }
    }

    @Test
    void case03_and_case19_a_protocol_that_cannot_be_claimed_at_the_new_address_leads_back_to_the_old_one()
            throws Exception {
        claims.unclaimable = 47;
        claims.unclaimableAt = NEW;
        try (GatewayRig rig = rig(62_023)) {
            claims.absent.add(SHARED);
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> rig.await(rig.gateway().changeAddress(place(NEW), FlowPolicy.KEEP)))
                        .hasCauseInstanceOf(PortClaimException.class);
            }
            pass(rig, 1);
            claims.absent.remove(SHARED);
            pass(rig, 9);
            serves(rig, SHARED);
        }
    }

    @Test
    void case03_a_forward_can_be_added_as_soon_as_the_address_is_back() throws Exception {
        PortForward forward = PortForward.parse("udp 8080 -> p:80");
        try (GatewayRig rig = rig(62_023).with(b -> b.forward(forward))) {
            rig.gateway();
            assertThat(claims.holds(IpProtocol.UDP, 8080)).isTrue();
            loseBoth(rig);
            assertThat(rig.await(rig.gateway().forwards())).isEmpty();
            assertThat(events.await(ForwardConflict.class).description())
                    .contains("cannot be claimed at " + SHARED, "was removed");
            assertThatThrownBy(() -> rig.await(rig.gateway().addForward(forward)))
                    .hasCauseInstanceOf(PortClaimException.class);
            claims.absent.remove(SHARED);
            rig.await(rig.gateway().addForward(forward));
            assertThat(claims.holds(IpProtocol.UDP, 8080)).isTrue();
            pass(rig, 1);
            serves(rig, SHARED);
        }
    }

    @Test
    void case03_flows_restored_while_no_port_can_be_claimed_cost_the_pool_no_port() throws Exception {
        ByteArrayOutputStream snapshot = new ByteArrayOutputStream();
        try (GatewayRig rig = rig(61_511)) {
            assertThat(flow(rig, FIRST)).isEqualTo(FIRST);
            rig.await(rig.gateway().snapshot(snapshot));
            loseBoth(rig);
            RestoreReport report = rig.await(rig.gateway().restore(new ByteArrayInputStream(snapshot.toByteArray())));
            assertThat(report.skipped(RestoreReport.Skipped.FLOW_WITHOUT_PORT)).isEqualTo(1);
            claims.absent.remove(SHARED);
            pass(rig, 130);
            assertThat(claims.count(IpProtocol.UDP)).isEqualTo(512);
            serves(rig, SHARED);
        }
    }

    @Test
    void case03_what_the_host_held_at_the_old_address_belongs_to_the_pool_at_the_new_one() throws Exception {
        claims.heldByHost(FIRST, FIRST + 299, true);
        try (GatewayRig rig = rig(61_511)) {
            rig.gateway();
            assertThat(claims.count(IpProtocol.UDP)).isEqualTo(212);
            claims.heldByHost(FIRST, FIRST + 299, false);
            rig.await(rig.gateway().changeAddress(place(NEW), FlowPolicy.KEEP));
            pass(rig, 1);
            assertThat(claims.count(IpProtocol.UDP)).isEqualTo(512);
            serves(rig, NEW);
        }
    }

    @Test
    void case03_claims_that_cannot_be_moved_refuse_another_address_and_nothing_ends() throws Exception {
        PortForward forward = PortForward.parse("udp 8080 -> p:80");
        try (GatewayRig rig = new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .sharedWithHost()
                .with(b -> b.forward(forward))) {
            Conversation talk = Conversation.udp(rig, "p", P, 1001, SERVER, 53);
            assertThat(talk.out()).isNotNull();
            assertThatThrownBy(() -> rig.await(
                            rig.gateway().changeAddress(place(NEW).withAlias(GatewayRig.ALIAS), FlowPolicy.FLUSH)))
                    .hasCauseInstanceOf(PortClaimException.class)
                    .hasMessageContaining("make a new gateway");
            assertThat(rig.gateway().address()).hasToString(SHARED);
            assertThat(talk.in()).isNotNull();
            assertThat(rig.await(rig.gateway().forwards())).hasSize(1);
        }
    }

    // ------------------------------------------------------------------------------------------------ a claim fails

    @Test
    void rfc6888_req13_ports_whose_claim_failed_for_a_while_are_used_to_the_last() throws Exception {
        try (GatewayRig rig = rig(63_047)) {
            rig.gateway();
            claims.failing(FIRST, 63_047, true);
            int before = claims.attempts();
            BitSet seen = new BitSet();
            int next = 2000;
            for (int port = flow(rig, next); port > 0; port = flow(rig, next)) {
                seen.set(port);
                next++;
            }
            assertThat(seen.cardinality()).isEqualTo(1024);
            pass(rig, 60);
            assertThat(flow(rig, next)).isEqualTo(-1);
            assertThat(claims.attempts() - before).isBetween(10, 20);
            assertThat(notices()).hasSize(1);
            assertThat(notices().get(0).message()).contains("udp", "no file descriptor is left");

            claims.failing(FIRST, 63_047, false);
            pass(rig, 9);
            for (int i = 0; i < 1024; i++) {
                int port = flow(rig, next + i);
                if (port < 0) {
                    settle(rig);
                    port = flow(rig, next + i);
                }
                assertThat(port).isPositive();
                assertThat(seen.get(port)).isFalse();
                seen.set(port);
            }
            assertThat(seen.cardinality()).isEqualTo(2048);
            assertThat(notices()).hasSize(1);
        }
    }

    @Test
    void rfc6888_req13_a_block_that_is_never_granted_does_not_keep_the_others_back() throws Exception {
        try (GatewayRig rig = rig(63_047)) {
            rig.gateway();
            for (int port = FIRST; port < 63_047; port += 256) {
                if (!claims.holds(IpProtocol.UDP, port)) {
                    claims.failing(port, port, true);
                    break;
                }
            }
            BitSet seen = new BitSet();
            for (int i = 0; i < 1792; i++) {
                int port = flow(rig, 2000 + i);
                if (port < 0) {
                    pass(rig, 1);
                    port = flow(rig, 2000 + i);
                }
                assertThat(port).isPositive();
                seen.set(port);
            }
            assertThat(seen.cardinality()).isEqualTo(1792);
            assertThat(notices()).hasSizeBetween(1, 4);
        }
    }

    @Test
    void while_claims_fail_unanswered_flows_give_way_instead_of_waiting_for_ports() throws Exception {
        try (GatewayRig rig = rig(63_047)) {
            rig.gateway();
            claims.failing(FIRST, 63_047, true);
            for (int i = 0; i < 1023; i++) {
                assertThat(flow(rig, 2000 + i)).isPositive();
            }
            pass(rig, 1);
            Conversation unanswered = Conversation.udp(rig, "p", P, 4000, SERVER, 53);
            assertThat(unanswered.out()).isNotNull();
            Conversation next = Conversation.udp(rig, "p", P, 4001, SERVER, 53);
            assertThat(next.out()).isNotNull();
            assertThat(next.outsidePort()).isEqualTo(unanswered.outsidePort());
        }
    }
}
