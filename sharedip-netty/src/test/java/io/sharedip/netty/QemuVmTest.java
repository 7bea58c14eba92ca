package io.sharedip.netty;

import static io.sharedip.netty.RecordingHost.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.sharedip.address.MacAddress;
import io.sharedip.link.Link;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Frame;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The links against QEMU itself. Its network boot needs no guest: it asks for an address by DHCP, and what it asks for after an offer
 * shows that frames went both ways.
 */
@Tag("vm")
@Timeout(120)
class QemuVmTest {

    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final MacAddress MAC = MacAddress.parse("52:54:00:77:00:01");
    private static final int OFFERED = 0x0a000002;
    private static final int ROUTER = 0x0a000001;
    private static final int DISCOVER = 1;
    private static final int OFFER = 2;
    private static final int REQUEST = 3;
    private static final int BOOTP = 14 + 20 + 8;

    private static EventLoopGroup epoll;

    @TempDir
    Path directory;

    private final RecordingHost host = new RecordingHost();
    private final List<byte[]> arrived = new ArrayList<>();
    private Process qemu;
    private Link link;

    @BeforeAll
    static void start() {
        epoll = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    }

    @AfterAll
    static void stop() {
        epoll.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
    }

    @AfterEach
    void end() throws Exception {
        stopQemu();
        if (link != null) {
            link.close();
        }
    }

    private void boot(String netdev) throws IOException {
        qemu = new ProcessBuilder(
                        "qemu-system-x86_64",
                        "-accel",
                        "tcg",
                        "-M",
                        "q35",
                        "-m",
                        "64",
                        "-nodefaults",
                        "-display",
                        "none",
                        "-boot",
                        "n",
                        "-netdev",
                        netdev + ",id=n0",
                        "-device",
                        "virtio-net-pci,netdev=n0,mac=" + MAC)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("qemu.log").toFile())
                .start();
    }

    private void stopQemu() throws InterruptedException {
        if (qemu != null) {
            qemu.destroyForcibly().waitFor();
        }
    }

    private void open(Link opened) {
        link = opened;
        link.open(host);
    }

    private byte[] await1(Duration patience, Predicate<byte[]> wanted) {
        await().atMost(patience).pollInterval(Duration.ofMillis(5)).until(() -> {
            link.poll(
                    (frames, count) -> {
                        for (int i = 0; i < count; i++) {
                            arrived.add(frames[i].toByteArray());
                        }
                    },
                    64);
            assertThat(qemu.isAlive()).as("QEMU runs; see its log").isTrue();
            return arrived.stream().anyMatch(wanted);
        });
        return arrived.stream().filter(wanted).findFirst().orElseThrow();
    }

    private static int option(byte[] frame, int number) {
        for (int at = BOOTP + 240; at + 1 < frame.length && (frame[at] & 0xff) != 255; ) {
            if (frame[at] == 0) {
                at++;
            } else if ((frame[at] & 0xff) == number) {
                ByteBuffer value = ByteBuffer.wrap(frame, at + 2, frame[at + 1]);
                return frame[at + 1] == 1 ? value.get() : frame[at + 1] == 4 ? value.getInt() : -1;
            } else {
                at += 2 + (frame[at + 1] & 0xff);
            }
        }
        return -1;
    }

    private static boolean isDhcp(byte[] frame, int type) {
        ByteBuffer octets = ByteBuffer.wrap(frame);
        return frame.length > BOOTP + 240
                && octets.getShort(12) == 0x0800
                && frame[23] == 17
                && octets.getShort(36) == 67
                && option(frame, 53) == type;
    }

    private static byte[] offer(byte[] discover) {
        ByteBuffer offer = ByteBuffer.allocate(BOOTP + 300);
        offer.putShort((short) -1).putInt(-1).put(new byte[] {2, 0, 0, 0, 0, 1}).putShort((short) 0x0800);
        offer.put((byte) 0x45)
                .put((byte) 0)
                .putShort((short) (offer.capacity() - 14))
                .putInt(0);
        offer.put((byte) 64).put((byte) 17).putShort((short) 0).putInt(ROUTER).putInt(-1);
        offer.putShort(24, (short) ~Checksum.sum(offer.array(), 14, 20));
        offer.putShort((short) 67).putShort((short) 68).putShort((short) 308).putShort((short) 0);
        offer.put(discover, BOOTP, 240); // the transaction and the hardware address
        offer.put(BOOTP, (byte) 2).putInt(BOOTP + 16, OFFERED).putInt(BOOTP + 20, ROUTER);
        offer.put(new byte[] {53, 1, OFFER, 54, 4})
                .putInt(ROUTER)
                .put(new byte[] {51, 4})
                .putInt(3600);
        offer.put(new byte[] {1, 4})
                .putInt(0xffffff00)
                .put(new byte[] {3, 4})
                .putInt(ROUTER)
                .put((byte) 255);
        return offer.array();
    }

    /** From the first frame that the boot ROM sends to the one that shows it has got an answer. */
    private void exchange() {
        arrived.clear();
        byte[] discover = await1(BOOT, frame -> isDhcp(frame, DISCOVER));
        assertThat(new MacAddress((ByteBuffer.wrap(discover).getLong(6) >>> 16)))
                .isEqualTo(MAC);
        assertThat(link.send(Frame.of(offer(discover)))).isTrue();
        link.flush();
        byte[] request = await1(BOOT, frame -> isDhcp(frame, REQUEST));
        assertThat(option(request, 50)).isEqualTo(OFFERED);
    }

    private static int freeTcpPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static int freeUdpPort() throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    @Test
    void aStreamThatQemuConnectsOutlivesItsRestart() throws Exception {
        open(QemuStreamLink.listen("unix:" + path("gw")));
        String netdev = "stream,server=off,addr.type=unix,addr.path=" + path("gw");
        boot(netdev);
        exchange();
        stopQemu();
        host.awaitEvents("down: ");
        boot(netdev);
        arrived.clear();
        await1(BOOT, frame -> isDhcp(frame, DISCOVER));
        host.awaitEvents("down: ", "up");
    }

    @Test
    void aStreamThatQemuListensForOutlivesItsRestart() throws Exception {
        String netdev = "stream,server=on,addr.type=unix,addr.path=" + path("vm");
        open(QemuStreamLink.connect("unix:" + path("vm"), epoll)); // before QEMU is there
        host.awaitEvents("down: nobody answers");
        boot(netdev);
        exchange();
        stopQemu();
        boot(netdev);
        arrived.clear();
        await1(BOOT, frame -> isDhcp(frame, DISCOVER));
        host.awaitEvents("down: nobody answers", "up", "down: ", "up");
    }

    @Test
    void aSocketThatQemuConnectsByTcp() throws Exception {
        QemuStreamLink listening = QemuStreamLink.listen("tcp:127.0.0.1:0", epoll);
        open(listening);
        int port = ((java.net.InetSocketAddress) listening.localAddress().orElseThrow()).getPort();
        boot("socket,connect=127.0.0.1:" + port);
        exchange();
    }

    @Test
    void aSocketThatQemuListensForByTcp() throws Exception {
        int port = freeTcpPort();
        boot("socket,listen=127.0.0.1:" + port);
        open(QemuStreamLink.connect("tcp:127.0.0.1:" + port));
        exchange();
    }

    @Test
    void datagramsOverUdp() throws Exception {
        int gateway = freeUdpPort();
        int monitor = freeUdpPort();
        open(DatagramLink.udp("127.0.0.1:" + gateway));
        boot("dgram,local.type=inet,local.host=127.0.0.1,local.port=" + monitor
                + ",remote.type=inet,remote.host=127.0.0.1,remote.port=" + gateway);
        exchange();
        host.assertEvents();
    }

    @Test
    void datagramsOverUnixSocketsOutliveTheRestartOfQemu() throws Exception {
        open(DatagramLink.unix(path("gw") + "->" + path("vm")));
        String netdev =
                "dgram,local.type=unix,local.path=" + path("vm") + ",remote.type=unix,remote.path=" + path("gw");
        boot(netdev);
        exchange();
        stopQemu();
        link.send(Frame.of(offer(arrived.get(0))));
        link.flush();
        host.awaitEvents("down: nobody receives");
        boot(netdev);
        arrived.clear();
        await1(BOOT, frame -> isDhcp(frame, DISCOVER));
        host.awaitEvents("down: nobody receives", "up");
        await().atMost(PATIENCE).until(link::isWritable);
    }
}
