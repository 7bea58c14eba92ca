package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sharedip.ConfigurationException;
import io.sharedip.GatewayClosedException;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.LinkException;
import io.sharedip.SharedIp;
import io.sharedip.address.MacAddress;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.InProcessLink;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.RecordingLink;
import io.sharedip.uplink.PacketUplink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The public handle: changes while packets flow, lifetime, ownership of links, failure. */
@Timeout(30)
class GatewayHandleTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String MAC = "52:54:00:00:00:01";

    private static NatGatewayBuilder builder(RecordingLink uplink) {
        return NatGateway.builder()
                .address(SHARED)
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .uplink(PacketUplink.on(uplink).withAddressOfItsOwn());
    }

    private static RecordingLink uplink() {
        return new RecordingLink("up", GatewayRig.UPLINK_MAC.toString());
    }

    private static <T> T get(CompletionStage<T> stage) throws Exception {
        return stage.toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    // -------------------------------------------------------------------------------------------- links and start

    @Test
    void links_are_opened_once_and_closed_once() {
        RecordingLink up = uplink();
        RecordingLink guest = new RecordingLink("p", null);
        NatGateway gateway = builder(up).guest(Guest.of("p", MAC, P, guest)).start();
        assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
        assertThat(gateway.address()).hasToString(SHARED);
        assertThat(up.opened()).isEqualTo(1);
        assertThat(guest.opened()).isEqualTo(1);
        gateway.close();
        gateway.close();
        assertThat(gateway.state()).isEqualTo(SharedIp.State.CLOSED);
        assertThat(gateway.failure()).isEmpty();
        assertThat(up.closed()).isEqualTo(1);
        assertThat(guest.closed()).isEqualTo(1);
    }

    @Test
    void a_start_that_fails_closes_what_was_opened() {
        RecordingLink up = uplink();
        RecordingLink first = new RecordingLink("p", null);
        RecordingLink second =
                new RecordingLink("q", null).failingToOpen(new LinkException("q", "is not there", "plug it in", null));
        assertThatThrownBy(() -> builder(up)
                        .guest(Guest.of("p", MAC, P, first))
                        .guest(Guest.of("q", "52:54:00:00:00:02", "10.0.0.3", second))
                        .start())
                .isInstanceOf(LinkException.class)
                .hasMessageContaining("is not there");
        assertThat(up.closed()).isEqualTo(1);
        assertThat(first.closed()).isEqualTo(1);
    }

    @Test
    void a_start_that_fails_by_its_configuration_closes_what_was_opened() {
        RecordingLink up = uplink();
        RecordingLink first = new RecordingLink("p", null);
        assertThatThrownBy(() -> builder(up)
                        .guest(Guest.of("p", MAC, P, first))
                        .forward("tcp 80 -> nobody:80")
                        .start())
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("nobody");
        assertThat(up.closed()).isEqualTo(1);
        assertThat(first.closed()).isEqualTo(1);
    }

    private static long threads(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith(name) && t.isAlive())
                .count();
    }

    @Test
    void a_start_that_fails_leaves_no_thread_behind() {
        await().until(() -> threads("sharedip-events") == 0);
        assertThatThrownBy(() -> builder(uplink())
                        .listener(new EventRecorder())
                        .forward("tcp 80 -> nobody:80")
                        .start())
                .isInstanceOf(ConfigurationException.class);
        await().atMost(Duration.ofSeconds(5)).until(() -> threads("sharedip-events") == 0);
    }

    @Test
    void close_leaves_no_thread_behind() throws Exception {
        NatGateway gateway = builder(uplink()).listener(new EventRecorder()).start();
        get(gateway.addGuest(Guest.of("p", MAC, P, new RecordingLink("p", null))));
        gateway.close();
        await().atMost(Duration.ofSeconds(5))
                .until(() -> threads("sharedip-driver")
                                + threads("sharedip-control")
                                + threads("sharedip-events")
                                + threads("sharedip-close")
                        == 0);
    }

    @Test
    void close_is_bounded_even_if_a_link_hangs() {
        RecordingLink up = uplink().hangingOnClose();
        NatGateway gateway = builder(up).start();
        long before = System.nanoTime();
        gateway.close();
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(10));
        assertThat(gateway.state()).isEqualTo(SharedIp.State.CLOSED);
        up.release();
    }

    @Test
    void after_close_every_stage_fails_and_nobody_can_drive() {
        NatGateway gateway = builder(uplink()).build();
        CompletionStage<?> pending = gateway.bindings();
        gateway.close();
        for (CompletionStage<?> stage : List.of(
                pending,
                gateway.addGuest(Guest.of("p", MAC, P, new RecordingLink("p", null))),
                gateway.removeGuest(GuestId.of("p")),
                gateway.addForward(PortForward.parse("tcp 80 -> p:80")),
                gateway.removeForward(ForwardSelector.parse("tcp 80")),
                gateway.replaceRules(FilterChain.acceptAll()),
                gateway.flows(),
                gateway.rules(),
                gateway.forwards(),
                gateway.filterChain())) {
            assertThatThrownBy(() -> get(stage))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOf(GatewayClosedException.class);
        }
        assertThatThrownBy(gateway::poll).isInstanceOf(GatewayClosedException.class);
        assertThatThrownBy(() -> gateway.tick(0)).isInstanceOf(GatewayClosedException.class);
        assertThat(gateway.stats()).isNotNull();
    }

    @Test
    void a_gateway_may_be_closed_from_a_listener() {
        AtomicReference<NatGateway> handle = new AtomicReference<>();
        CountDownLatch closed = new CountDownLatch(1);
        RecordingLink guest = new RecordingLink("p", null);
        NatGateway gateway = builder(uplink())
                .guest(Guest.of("p", MAC, P, guest))
                .listener(event -> {
                    handle.get().close();
                    closed.countDown();
                })
                .start();
        handle.set(gateway);
        guest.host().notice("hello");
        await().until(() -> closed.getCount() == 0);
        assertThat(gateway.state()).isEqualTo(SharedIp.State.CLOSED);
    }

    // -------------------------------------------------------------------------------------------- changes

    @Test
    void a_guest_is_added_and_removed_while_running() throws Exception {
        try (GatewayRig rig = new GatewayRig().guest("p", MAC, P)) {
            RecordingLink link = new RecordingLink("q", null);
            rig.await(rig.gateway().addGuest(Guest.of("q", "52:54:00:00:00:02", "10.0.0.3", link)));
            assertThat(link.opened()).isEqualTo(1);
            link.bring(Frame.of(PacketBuilder.udp()
                    .from("10.0.0.3", 4000)
                    .to(SERVER, 53)
                    .macs(MacAddress.parse("52:54:00:00:00:02"), GatewayRig.ROUTER_MAC)
                    .build()));
            rig.outside().take();
            rig.poll();
            assertThat(rig.outside().take()).hasSize(1);
            assertThat(rig.stats().flows()).isEqualTo(1);
            rig.await(rig.gateway().removeGuest(GuestId.of("q")));
            assertThat(link.closed()).isEqualTo(1);
            assertThat(rig.stats().flows()).isZero();
            assertThat(rig.await(rig.gateway().bindings())).hasSize(1);
            // the name and the MAC address are free again
            rig.await(rig.gateway()
                    .addGuest(Guest.of("q", "52:54:00:00:00:02", "10.0.0.3", new RecordingLink("q2", null))));
        }
    }

    @Test
    void a_guest_that_clashes_is_refused_and_its_link_is_not_left_open() {
        InProcessLink own = InProcessLink.named("own");
        try (GatewayRig rig = new GatewayRig().guest("p", MAC, P).guest("r", "52:54:00:00:00:0a", "10.0.0.4", own)) {
            rig.gateway();
            List<Guest> clashing = List.of(
                    Guest.of("p", "52:54:00:00:00:02", "10.0.0.3", new RecordingLink("x", null)),
                    Guest.of("q", MAC, "10.0.0.3", new RecordingLink("x", null)),
                    Guest.of("q", GatewayRig.ROUTER_MAC.toString(), "10.0.0.3", new RecordingLink("x", null)),
                    Guest.of("q", "52:54:00:00:00:02", "192.0.2.1", new RecordingLink("x", null)),
                    Guest.of("q", "52:54:00:00:00:02", GatewayRig.ALIAS, new RecordingLink("x", null)),
                    Guest.of("q", "52:54:00:00:00:02", "10.0.0.3", own));
            for (Guest guest : clashing) {
                assertThatThrownBy(() -> rig.await(rig.gateway().addGuest(guest)))
                        .cause()
                        .isInstanceOfSatisfying(ConfigurationException.class, e -> {
                            assertThat(e.setting()).isPresent();
                            assertThat(e.value()).isPresent();
                            assertThat(e.cure()).isPresent();
                        });
                if (guest.link() instanceof RecordingLink link) {
                    assertThat(link.opened()).isEqualTo(link.closed());
                }
            }
        }
    }

    /** How many of several changes succeed; the others must fail by their configuration. */
    private static int succeeded(GatewayRig rig, List<CompletionStage<Void>> changes) throws Exception {
        int succeeded = 0;
        for (CompletionStage<Void> change : changes) {
            try {
                rig.await(change);
                succeeded++;
            } catch (ExecutionException e) {
                assertThat(e).cause().isInstanceOf(ConfigurationException.class);
            }
        }
        return succeeded;
    }

    @Test
    void of_two_guests_that_are_added_at_once_on_one_link_one_gets_it() throws Exception {
        try (GatewayRig rig = new GatewayRig()) {
            RecordingLink link = new RecordingLink("x", null);
            List<CompletionStage<Void>> changes = List.of(
                    rig.gateway().addGuest(Guest.of("a", "52:54:00:00:00:0a", "10.0.0.3", link)),
                    rig.gateway().addGuest(Guest.of("b", "52:54:00:00:00:0b", "10.0.0.4", link)));
            assertThat(succeeded(rig, changes)).isEqualTo(1);
            assertThat(link.opened()).isEqualTo(1);
            assertThat(link.closed()).isZero();
            assertThat(rig.await(rig.gateway().bindings())).hasSize(1);
        }
    }

    @Test
    void of_two_guests_that_are_added_at_once_under_one_name_one_gets_it_and_the_others_link_is_closed()
            throws Exception {
        try (GatewayRig rig = new GatewayRig()) {
            RecordingLink first = new RecordingLink("x", null);
            RecordingLink second = new RecordingLink("y", null);
            List<CompletionStage<Void>> changes = List.of(
                    rig.gateway().addGuest(Guest.of("a", "52:54:00:00:00:0a", "10.0.0.3", first)),
                    rig.gateway().addGuest(Guest.of("a", "52:54:00:00:00:0b", "10.0.0.4", second)));
            assertThat(succeeded(rig, changes)).isEqualTo(1);
            assertThat(first.opened() + second.opened() - first.closed() - second.closed())
                    .isEqualTo(1);
        }
    }

    @Test
    void a_guest_whose_link_does_not_open_is_refused() {
        try (GatewayRig rig = new GatewayRig()) {
            RecordingLink link =
                    new RecordingLink("x", null).failingToOpen(new LinkException("x", "is not there", "plug it", null));
            assertThatThrownBy(() ->
                            rig.await(rig.gateway().addGuest(Guest.of("a", "52:54:00:00:00:0a", "10.0.0.3", link))))
                    .cause()
                    .isInstanceOf(LinkException.class);
            assertThat(rig.gateway().state()).isEqualTo(SharedIp.State.RUNNING);
        }
    }

    @Test
    void a_stage_may_be_used_from_a_listener() throws Exception {
        AtomicReference<NatGateway> handle = new AtomicReference<>();
        CompletableFuture<Integer> seen = new CompletableFuture<>();
        RecordingLink guest = new RecordingLink("p", null);
        try (NatGateway gateway = builder(uplink())
                .guest(Guest.of("p", MAC, P, guest))
                .listener(event -> {
                    if (event instanceof SharedIpEvent.LinkNotice) {
                        handle.get()
                                .addForward(PortForward.parse("tcp 8080 -> p:80"))
                                .toCompletableFuture()
                                .join();
                        seen.complete(handle.get()
                                .forwards()
                                .toCompletableFuture()
                                .join()
                                .size());
                    }
                })
                .start()) {
            handle.set(gateway);
            guest.host().notice("hello");
            assertThat(seen.get(10, TimeUnit.SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void changes_from_several_threads_are_all_applied() throws Exception {
        RecordingLink guest = new RecordingLink("p", null);
        try (NatGateway gateway =
                builder(uplink()).guest(Guest.of("p", MAC, P, guest)).start()) {
            List<Thread> threads = new ArrayList<>();
            AtomicInteger failed = new AtomicInteger();
            for (int t = 0; t < 4; t++) {
                int base = 10_000 + t * 1000;
                Thread thread = new Thread(() -> {
                    for (int i = 0; i < 100; i++) {
                        try {
                            get(gateway.addForward(PortForward.parse("tcp " + (base + i) + " -> p:80")));
                            if (i % 2 == 0) {
                                get(gateway.removeForward(ForwardSelector.parse("tcp " + (base + i))));
                            }
                            get(gateway.replaceRules(FilterChain.parse("drop tcp from any to any port " + base)));
                        } catch (Exception e) {
                            failed.incrementAndGet();
                        }
                    }
                });
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failed).hasValue(0);
            assertThat(get(gateway.forwards())).hasSize(200);
            assertThat(get(gateway.rules())).hasSize(1);
        }
    }

    @Test
    void a_change_that_fails_leaves_the_driver_alive() throws Exception {
        try (NatGateway gateway = builder(uplink()).start()) {
            for (int i = 0; i < 100; i++) {
                assertThatThrownBy(() -> get(gateway.removeGuest(GuestId.of("nobody"))))
                        .cause()
                        .isInstanceOf(ConfigurationException.class);
            }
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
            assertThat(get(gateway.bindings())).isEmpty();
        }
    }

    // -------------------------------------------------------------------------------------------- links that go

    @Test
    void a_lost_uplink_is_told_drops_and_comes_back_with_its_flows() throws Exception {
        EventRecorder events = new EventRecorder();
        RecordingLink up = uplink();
        RecordingLink guest = new RecordingLink("p", null);
        try (NatGateway gateway = builder(up)
                .guest(Guest.of("p", MAC, P, guest))
                .routerMac(GatewayRig.ROUTER_MAC)
                .listener(events)
                .build()) {
            gateway.poll();
            up.bring(Frame.of(GatewayRig.arpReply(up.take().get(0).toByteArray(), GatewayRig.NEXT_HOP_MAC)));
            gateway.poll();
            Frame packet = Frame.of(PacketBuilder.udp()
                    .from(P, 62000)
                    .to(SERVER, 53)
                    .macs(MacAddress.parse(MAC), GatewayRig.ROUTER_MAC)
                    .build());
            guest.bring(Frame.copyOf(packet));
            gateway.poll();
            assertThat(up.take()).hasSize(1);
            up.host().down("the cable was pulled");
            gateway.poll();
            assertThat(events.await(SharedIpEvent.LinkLost.class).reason()).isEqualTo("the cable was pulled");
            guest.bring(Frame.copyOf(packet));
            gateway.poll();
            assertThat(up.take()).isEmpty();
            up.host().up();
            gateway.poll();
            assertThat(events.await(SharedIpEvent.LinkRestored.class).link()).isEqualTo("up");
            guest.bring(Frame.copyOf(packet));
            gateway.poll();
            assertThat(up.take()).hasSize(1);
            gateway.tick(System.nanoTime());
            assertThat(gateway.stats().drops(DropReason.LINK_DOWN)).isEqualTo(1);
            assertThat(gateway.stats().flows()).isEqualTo(1);
            assertThat(gateway.stats().balances()).isTrue();
        }
        // up twice or down twice is told once
        assertThat(events.all(SharedIpEvent.LinkLost.class)).hasSize(1);
    }

    @Test
    void a_lost_guest_link_keeps_its_flows() throws Exception {
        EventRecorder events = new EventRecorder();
        RecordingLink link = new RecordingLink("p", null);
        try (GatewayRig rig = new GatewayRig()
                .guest("p", MAC, P, link)
                .with(b -> b.listener(events).forward("udp 5000 -> p:5000"))) {
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(SHARED, 5000));
            assertThat(link.take()).hasSize(1);
            link.host().down("the machine rests");
            rig.poll();
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(SHARED, 5000));
            assertThat(link.take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LINK_DOWN);
            assertThat(rig.await(rig.gateway().bindings()).get(0).linkUp()).isFalse();
            link.host().up();
            rig.poll();
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(SHARED, 5000));
            assertThat(link.take()).hasSize(1);
            assertThat(rig.stats().flows()).isEqualTo(1);
            events.await(SharedIpEvent.LinkLost.class, e -> e.link().equals("p"));
            events.await(SharedIpEvent.LinkRestored.class);
        }
    }

    // -------------------------------------------------------------------------------------------- failure

    @Test
    void if_the_driver_dies_nothing_passes_and_the_handle_says_why() {
        EventRecorder events = new EventRecorder();
        RecordingLink up = uplink();
        RecordingLink guest = new RecordingLink("p", null);
        NatGateway gateway =
                builder(up).guest(Guest.of("p", MAC, P, guest)).listener(events).start();
        IllegalStateException cause = new IllegalStateException("the card caught fire");
        up.take();
        up.failingToPoll(cause);
        await().until(() -> gateway.state() == SharedIp.State.FAILED);
        assertThat(gateway.failure()).containsSame(cause);
        assertThatThrownBy(() -> get(gateway.flows()))
                .cause()
                .isInstanceOf(GatewayClosedException.class)
                .hasMessageContaining("the card caught fire");
        assertThatThrownBy(gateway::poll).isInstanceOf(GatewayClosedException.class);
        assertThat(events.await(SharedIpEvent.GatewayFailed.class).cause()).isSameAs(cause);
        up.failingToPoll(null);
        guest.bring(Frame.of(PacketBuilder.udp().from(P, 62000).to(SERVER, 53).build()));
        up.take();
        assertThat(up.take()).isEmpty();
        gateway.close();
        assertThat(gateway.state()).isEqualTo(SharedIp.State.FAILED);
        assertThat(up.closed()).isEqualTo(1);
        assertThat(guest.closed()).isEqualTo(1);
    }

    @Test
    void if_the_embedder_drives_the_failure_comes_out_of_poll_too() {
        RecordingLink up = uplink();
        try (NatGateway gateway = builder(up).build()) {
            gateway.poll();
            up.failingToPoll(new IllegalStateException("the card caught fire"));
            assertThatThrownBy(gateway::poll)
                    .isInstanceOf(GatewayClosedException.class)
                    .hasMessageContaining("the card caught fire");
            assertThat(gateway.state()).isEqualTo(SharedIp.State.FAILED);
        }
    }

    @Test
    void two_threads_cannot_drive_at_once() throws Exception {
        RecordingLink up = uplink();
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        RecordingLink guest = new RecordingLink("p", null);
        try (NatGateway gateway = builder(up)
                .guest(Guest.of("p", MAC, P, new BlockingLink(guest, inside, release)))
                .build()) {
            Thread first = new Thread(gateway::poll);
            first.start();
            assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();
            assertThatThrownBy(gateway::poll)
                    .isInstanceOf(IllegalStateException.class)
                    .isNotInstanceOf(GatewayClosedException.class);
            assertThatThrownBy(() -> gateway.tick(0)).isInstanceOf(IllegalStateException.class);
            release.countDown();
            first.join();
            gateway.poll();
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
        }
    }

    /** Waits in its first poll. */
    private record BlockingLink(RecordingLink link, CountDownLatch inside, CountDownLatch release) implements Link {

        @Override
        public int poll(FrameHandler handler, int limit) {
            inside.countDown();
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return link.poll(handler, limit);
        }

        @Override
        public String name() {
            return link.name();
        }

        @Override
        public int mtu() {
            return link.mtu();
        }

        @Override
        public Optional<MacAddress> macAddress() {
            return link.macAddress();
        }

        @Override
        public void open(LinkHost host) {
            link.open(host);
        }

        @Override
        public boolean send(Frame frame) {
            return link.send(frame);
        }

        @Override
        public void flush() {
            link.flush();
        }

        @Override
        public void close() {
            link.close();
        }
    }

    // -------------------------------------------------------------------------------------------- links that push

    @Test
    void a_link_on_the_drivers_thread_may_deliver_and_on_any_other_it_may_not() throws Exception {
        RecordingLink up = uplink();
        RecordingLink guest = new RecordingLink("p", null);
        try (NatGateway gateway = builder(up)
                .guest(Guest.of("p", MAC, P, guest))
                .routerMac(GatewayRig.ROUTER_MAC)
                .build()) {
            gateway.poll();
            Frame question = up.take().get(0);
            Frame[] answer = {Frame.of(GatewayRig.arpReply(question.toByteArray(), GatewayRig.NEXT_HOP_MAC))};
            int flushed = up.flushed();
            assertThat(up.host().onDriverThread()).isTrue();
            up.host().deliver(answer, 1);
            Frame[] batch = {
                Frame.of(PacketBuilder.udp()
                        .from(P, 62000)
                        .to(SERVER, 53)
                        .macs(MacAddress.parse(MAC), GatewayRig.ROUTER_MAC)
                        .build())
            };
            guest.host().deliver(batch, 1);
            assertThat(up.take()).hasSize(1);
            assertThat(up.flushed()).isGreaterThan(flushed);
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            Thread stranger = new Thread(() -> {
                try {
                    guest.host().deliver(batch, 1);
                } catch (Throwable e) {
                    thrown.set(e);
                }
            });
            stranger.start();
            stranger.join();
            assertThat(thrown.get()).isInstanceOf(IllegalStateException.class);
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
        }
    }

    @Test
    void a_gateway_with_a_driver_of_its_own_moves_packets() {
        InProcessLink up = InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC);
        InProcessLink guest = InProcessLink.named("p");
        try (NatGateway gateway = NatGateway.builder()
                .address(SHARED)
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(PacketUplink.on(up).withAddressOfItsOwn())
                .guest(Guest.of("p", MAC, P, guest))
                .start()) {
            await().until(() -> {
                byte[] frame = up.receive();
                return frame != null && up.transmit(GatewayRig.arpReply(frame, GatewayRig.NEXT_HOP_MAC));
            });
            guest.transmit(PacketBuilder.udp()
                    .from(P, 62000)
                    .to(SERVER, 53)
                    .macs(MacAddress.parse(MAC), GatewayRig.ROUTER_MAC)
                    .build());
            await().until(() -> up.receive() != null);
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
        }
    }

    // -------------------------------------------------------------------------------------------- events, books

    @Test
    void flows_are_told_when_they_begin_and_end_with_their_counters() {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = new GatewayRig().guest("p", MAC, P).with(b -> b.listener(events))) {
            Conversation talk = Conversation.udp(rig, "p", P, 62000, SERVER, 53);
            talk.out();
            talk.in();
            SharedIpEvent.FlowOpened opened = events.await(SharedIpEvent.FlowOpened.class);
            assertThat(opened.inside()).hasToString(P + ":62000");
            assertThat(opened.outside()).hasToString(SHARED + ":62000");
            assertThat(opened.peer()).hasToString(SERVER + ":53");
            assertThat(opened.byGuest()).isTrue();
            rig.advance(Duration.ofSeconds(301));
            SharedIpEvent.FlowClosed closed = events.await(SharedIpEvent.FlowClosed.class);
            assertThat(closed.reason()).isEqualTo(SharedIpEvent.CloseReason.EXPIRED);
            assertThat(closed.packetsOut()).isEqualTo(1);
            assertThat(closed.bytesOut()).isEqualTo(31);
            assertThat(closed.packetsIn()).isEqualTo(1);
            assertThat(closed.bytesIn()).isEqualTo(30);
            assertThat(Duration.between(opened.at(), closed.at()).toSeconds()).isBetween(300L, 302L);
        }
    }

    @Test
    void a_listener_that_throws_or_is_slow_hurts_nobody_and_what_is_lost_is_counted() {
        EventRecorder events = new EventRecorder();
        CountDownLatch release = new CountDownLatch(1);
        GatewayRig rig = new GatewayRig()
                .guest("p", MAC, P)
                .with(b -> b.capacity(20_000)
                        .flowsPerGuest(20_000)
                        .listener(event -> {
                            try {
                                release.await(20, TimeUnit.SECONDS);
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                            throw new IllegalStateException("a bad listener");
                        })
                        .listener(events));
        try (rig) {
            for (int port = 1; port < 10_000; port++) {
                rig.station("p").send(PacketBuilder.udp().from(P, 1000).to("198.51.100.7", port));
            }
            assertThat(rig.stats().flows()).isEqualTo(9_999);
            assertThat(rig.stats().eventsLost()).isBetween(1_000L, 2_000L);
            release.countDown();
            events.await(SharedIpEvent.FlowOpened.class);
        }
    }

    @Test
    void a_listener_that_was_removed_hears_nothing_more() throws Exception {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = new GatewayRig().guest("p", MAC, P)) {
            SharedIp.Registration registration = rig.gateway().addListener(events);
            Conversation.udp(rig, "p", P, 62000, SERVER, 53).out();
            events.await(SharedIpEvent.FlowOpened.class);
            registration.close();
            Conversation.udp(rig, "p", P, 62001, SERVER, 53).out();
            EventRecorder other = new EventRecorder();
            rig.gateway().addListener(other);
            Conversation.udp(rig, "p", P, 62002, SERVER, 53).out();
            other.await(SharedIpEvent.FlowOpened.class);
            assertThat(events.all(SharedIpEvent.FlowOpened.class)).hasSize(1);
            assertThat(events.all(SharedIpEvent.MappingCreated.class)).hasSize(1);
        }
    }

    @Test
    void every_frame_is_on_the_books_once() {
        try (GatewayRig rig = new GatewayRig().guest("p", MAC, P).with(b -> b.forward("tcp 8080 -> p:80"))) {
            Conversation talk = Conversation.tcp(rig, "p", P, 1000, SERVER, 80).handshake();
            talk.out();
            rig.station("p").sendRaw(GatewayRig.arp(1, rig.station("p").mac(), P, "192.0.2.1"));
            rig.station("p").sendRaw(new byte[10]);
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SHARED, 0).echo(8, 1, 1));
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 5555).to(SHARED, 8080));
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 5555).to(SHARED, 9999));
            var stats = rig.stats();
            // 3 + 1 of the conversation, 1 through the forward
            assertThat(stats.forwarded()).isEqualTo(5);
            // the router's answer to the gateway, the guest's question, the ping
            assertThat(stats.answered()).isEqualTo(3);
            assertThat(stats.dropped()).isEqualTo(2);
            assertThat(stats.framesIn()).isEqualTo(10);
            // the question for the router, the answer to the guest, the echo reply
            assertThat(stats.ownFrames()).isEqualTo(3);
            assertThat(stats.capacity()).isEqualTo(5000);
        }
    }
}
