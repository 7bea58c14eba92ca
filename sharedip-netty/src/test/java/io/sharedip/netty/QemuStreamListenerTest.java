package io.sharedip.netty;

import static io.sharedip.netty.Monitor.MAC_1;
import static io.sharedip.netty.Monitor.MAC_2;
import static io.sharedip.netty.Monitor.MAC_3;
import static io.sharedip.netty.Monitor.frame;
import static io.sharedip.netty.RecordingHost.PATIENCE;
import static io.sharedip.netty.RecordingHost.receive;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.sharedip.ConfigurationException;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.Frame;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class QemuStreamListenerTest {

    @TempDir
    Path directory;

    private final List<AutoCloseable> toClose = new ArrayList<>();
    private final List<RecordingHost> hosts = new ArrayList<>();
    private QemuStreamListener listener;

    @BeforeEach
    void make() {
        listener = QemuStreamListener.listen("unix:" + directory.resolve("vms.sock"));
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable closeable : toClose) {
            closeable.close();
        }
        assertThat(directory).isEmptyDirectory();
    }

    private QemuStreamLink link(long mac) {
        QemuStreamLink link = listener.link(new MacAddress(mac));
        toClose.add(link::close);
        return link;
    }

    private QemuStreamLink open(QemuStreamLink link) {
        RecordingHost host = new RecordingHost();
        hosts.add(host);
        link.open(host);
        return link;
    }

    private Monitor connect() {
        Monitor monitor = Monitor.connect(listener.localAddress().orElseThrow());
        toClose.add(monitor);
        return monitor;
    }

    private static void assertArrives(QemuStreamLink link, byte[] frame) {
        assertThat(receive(link, 1).get(0)).isEqualTo(frame);
    }

    @Test
    void threeGuestsAreToldApartByTheirFirstFrame() {
        long[] macs = {MAC_1, MAC_2, MAC_3};
        List<QemuStreamLink> links = new ArrayList<>();
        for (long mac : macs) {
            links.add(open(link(mac)));
        }
        Monitor[] monitors = new Monitor[3];
        for (int i = 2; i >= 0; i--) {
            monitors[i] = connect();
        }
        for (int i = 0; i < 3; i++) {
            byte[] first = frame(macs[i], i, 60);
            byte[] octets = Monitor.stream(first);
            monitors[i].write(octets, 0, 11); // in two parts, the first without the source
            monitors[i].write(octets, 11, octets.length);
            assertArrives(links.get(i), first);
            byte[] answer = frame(0x020000000000L, 100 + i, 99);
            assertThat(links.get(i).send(Frame.of(answer))).isTrue();
            links.get(i).flush();
            assertThat(monitors[i].read()).isEqualTo(answer);
        }
        // a later frame from another address is not the listener's business
        byte[] spoofed = frame(MAC_3, 9, 60);
        monitors[0].send(spoofed);
        assertArrives(links.get(0), spoofed);
        hosts.forEach(h -> h.assertEvents());
        assertThat(links.get(1).name())
                .isEqualTo("qemu-stream:unix:" + directory.resolve("vms.sock") + "#52:54:00:00:00:02");
    }

    @Test
    void anUnknownGuestIsClosedWithANotice() {
        open(link(MAC_1));
        Monitor stranger = connect();
        stranger.send(frame(MAC_2, 1, 60));
        assertThat(stranger.read()).isNull();
        hosts.get(0).awaitEvents("notice: a connection began with a frame of 52:54:00:00:00:02");
        Monitor silly = connect();
        silly.write(Monitor.length(0));
        assertThat(silly.read()).isNull();
        hosts.get(0).awaitEvents("notice: ", "notice: the guest announced a frame of 0 octets");
    }

    @Test
    void aSecondConnectionOfAGuestIsRefusedAndARestartedOneIsNot() {
        QemuStreamLink one = open(link(MAC_1));
        open(link(MAC_2));
        Monitor first = connect();
        first.send(frame(MAC_1, 1, 60));
        assertArrives(one, frame(MAC_1, 1, 60));
        Monitor second = connect();
        second.send(frame(MAC_1, 2, 60));
        assertThat(second.read()).isNull();
        hosts.get(0).awaitEvents("notice: a second connection was refused");
        first.send(frame(MAC_1, 3, 60));
        assertArrives(one, frame(MAC_1, 3, 60));

        first.close();
        Monitor again = connect();
        again.send(frame(MAC_1, 4, 60), frame(MAC_1, 5, 60));
        List<byte[]> arrived = receive(one, 2);
        assertThat(arrived.get(0)).isEqualTo(frame(MAC_1, 4, 60));
        assertThat(arrived.get(1)).isEqualTo(frame(MAC_1, 5, 60));
        hosts.get(0).awaitEvents("notice: ", "down: ", "up");
        hosts.get(1).assertEvents();
    }

    @Test
    void aGuestThatComesBeforeItsLinkIsOpenWaits() {
        open(link(MAC_1));
        QemuStreamLink two = link(MAC_2);
        Monitor early = connect();
        early.send(frame(MAC_2, 1, 60), frame(MAC_2, 2, 61));
        // the loop has seen it when it has dealt with another connection that came later
        Monitor stranger = connect();
        stranger.send(frame(MAC_3, 1, 60));
        assertThat(stranger.read()).isNull();
        open(two);
        assertThat(receive(two, 2)).hasSize(2);
        assertThat(two.isConnected()).isTrue();
    }

    @Test
    void theSocketLivesFromTheFirstOpenToTheLastClose() {
        QemuStreamLink one = link(MAC_1);
        QemuStreamLink two = link(MAC_2);
        assertThat(listener.localAddress()).isEmpty();
        assertThat(directory).isEmptyDirectory();
        open(one);
        open(two);
        Monitor first = connect();
        first.send(frame(MAC_1, 1, 60));
        assertArrives(one, frame(MAC_1, 1, 60));
        Monitor second = connect();
        second.send(frame(MAC_2, 1, 60));
        assertArrives(two, frame(MAC_2, 1, 60));
        Monitor waiting = connect();

        one.close();
        assertThat(first.read()).isNull();
        second.send(frame(MAC_2, 2, 60));
        assertArrives(two, frame(MAC_2, 2, 60));
        // its guest is now unknown, until it is given a new link
        Monitor back = connect();
        back.send(frame(MAC_1, 2, 60));
        assertThat(back.read()).isNull();
        QemuStreamLink renewed = open(link(MAC_1));
        Monitor again = connect();
        again.send(frame(MAC_1, 3, 60));
        assertArrives(renewed, frame(MAC_1, 3, 60));

        two.close();
        renewed.close();
        assertThat(waiting.read()).isNull();
        assertThat(directory).isEmptyDirectory();
        QemuStreamLink later = open(link(MAC_3));
        Monitor third = connect();
        third.send(frame(MAC_3, 1, 60));
        assertArrives(later, frame(MAC_3, 1, 60));
    }

    @Test
    void oneGuestHasOneOpenLink() {
        open(link(MAC_1));
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> open(link(MAC_1)))
                .withMessageContaining("52:54:00:00:00:01");
        assertThatExceptionOfType(ConfigurationException.class).isThrownBy(() -> listener.link(MacAddress.BROADCAST));
        assertThatExceptionOfType(ConfigurationException.class).isThrownBy(() -> listener.link(new MacAddress(0)));
    }

    @Test
    void connectionsThatSayNothingAreBounded() {
        QemuStreamLink one = open(link(MAC_1));
        List<Monitor> silent = new ArrayList<>();
        for (int i = 0; i < StreamAcceptor.MOST_WAITING + 3; i++) {
            silent.add(connect());
        }
        for (int i = 0; i < 3; i++) {
            assertThat(silent.get(i).read()).isNull();
        }
        Monitor guest = silent.get(silent.size() - 1);
        guest.send(frame(MAC_1, 1, 60));
        assertArrives(one, frame(MAC_1, 1, 60));
        hosts.get(0).awaitEvents("notice: more than 64", "notice: more than 64", "notice: more than 64");
    }

    @Test
    void manyGuestsComeAndGoAtOnce() {
        List<QemuStreamLink> links = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            links.add(open(link(MAC_1 + i)));
        }
        for (int round = 0; round < 5; round++) {
            List<Monitor> monitors = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                Monitor monitor = connect();
                monitor.send(frame(MAC_1 + i, round, 60 + i));
                monitors.add(monitor);
            }
            for (int i = 0; i < 50; i++) {
                assertArrives(links.get(i), frame(MAC_1 + i, round, 60 + i));
            }
            monitors.forEach(Monitor::close);
        }
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(2))
                .until(() -> links.stream().noneMatch(QemuStreamLink::isConnected));
        assertThat(hosts).allSatisfy(h -> assertThat(h.events).noneMatch(e -> e.startsWith("notice")));
    }
}
