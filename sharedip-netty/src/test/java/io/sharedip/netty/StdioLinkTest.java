package io.sharedip.netty;

import static io.sharedip.netty.Monitor.MAC_1;
import static io.sharedip.netty.Monitor.frame;
import static io.sharedip.netty.RecordingHost.PATIENCE;
import static io.sharedip.netty.RecordingHost.receive;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.sharedip.ConfigurationException;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.Pipe;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StdioLinkTest {

    private final RecordingHost host = new RecordingHost();
    private final AtomicInteger ends = new AtomicInteger();
    private OutputStream toLink;
    private InputStream fromLink;
    private StdioLink link;

    @BeforeEach
    void make() throws IOException {
        Pipe in = Pipe.open();
        Pipe out = Pipe.open();
        toLink = Channels.newOutputStream(in.sink());
        fromLink = Channels.newInputStream(out.source());
        link = StdioLink.on("vm", Channels.newInputStream(in.source()), Channels.newOutputStream(out.sink()));
    }

    @AfterEach
    void close() throws IOException {
        link.close();
        toLink.close();
        fromLink.close();
    }

    private StdioLink open(StdioLink made) {
        link = made;
        link.onEnd(ends::incrementAndGet);
        link.open(host);
        return link;
    }

    private static byte[] stream(byte[]... frames) {
        int length = Arrays.stream(frames).mapToInt(f -> f.length + 2).sum();
        ByteBuffer octets = ByteBuffer.allocate(length);
        for (byte[] frame : frames) {
            octets.put((byte) frame.length).put((byte) (frame.length >>> 8)).put(frame);
        }
        return octets.array();
    }

    private byte[] read() throws IOException {
        byte[] header = fromLink.readNBytes(2);
        return header.length < 2 ? null : fromLink.readNBytes((header[0] & 0xff) | ((header[1] & 0xff) << 8));
    }

    @Test
    void framesGoBothWaysWhateverTheirLength() throws Exception {
        open(link.withMtu(65_517));
        assertThat(link.name()).isEqualTo("stdio:vm");
        for (int length : new int[] {14, 60, 255, 256, 1514, 65_535}) {
            byte[] frame = frame(MAC_1, length, length);
            CompletableFuture<Void> writing =
                    CompletableFuture.runAsync(() -> write(stream(frame)), task -> new Thread(task, "monitor").start());
            assertThat(receive(link, 1).get(0)).isEqualTo(frame);
            writing.join();
            assertThat(link.send(Frame.of(frame))).isTrue();
            link.flush();
            assertThat(read()).isEqualTo(frame);
        }
        host.assertEvents();
    }

    private void write(byte[] octets) {
        try {
            toLink.write(octets);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void framesComeOutOctetByOctetAndManyAtOnce() {
        open(link);
        byte[][] frames = {frame(MAC_1, 1, 14), frame(MAC_1, 2, 300), frame(MAC_1, 3, 60)};
        for (byte octet : stream(frames)) {
            write(new byte[] {octet});
        }
        List<byte[]> arrived = receive(link, 3);
        for (int i = 0; i < 3; i++) {
            assertThat(arrived.get(i)).isEqualTo(frames[i]);
        }
        byte[][] many = new byte[500][];
        for (int i = 0; i < many.length; i++) {
            many[i] = frame(MAC_1, i, 60 + i % 50);
        }
        write(stream(many));
        arrived = receive(link, many.length);
        assertThat(arrived.get(499)).isEqualTo(many[499]);
    }

    @Test
    void runtsAndEmptyFramesAreDroppedAndToldOnce() {
        open(link);
        byte[] good = frame(MAC_1, 1, 60);
        write(stream(new byte[0], new byte[13], good));
        assertThat(receive(link, 1).get(0)).isEqualTo(good);
        host.awaitEvents("notice: a frame of 0 octets was dropped");
    }

    @Test
    void framesOfImpossibleLengthAreNotSent() throws Exception {
        open(link);
        assertThat(link.send(Frame.of(new byte[0]))).isFalse();
        assertThat(link.send(Frame.of(new byte[13]))).isFalse();
        assertThat(link.send(Frame.of(new byte[65_536]))).isFalse();
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 14)))).isTrue();
        link.flush();
        assertThat(read()).isEqualTo(frame(MAC_1, 1, 14));
    }

    @Test
    void theEndOfTheInputIsDownAndRunsWhatWasGiven() throws Exception {
        open(link);
        write(stream(frame(MAC_1, 1, 60)));
        toLink.close();
        assertThat(receive(link, 1)).hasSize(1);
        host.awaitEvents("down: the input has ended");
        await().atMost(PATIENCE).until(() -> ends.get() == 1);
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isFalse();
        assertThat(link.isWritable()).isTrue();
    }

    @Test
    void anEndWithinAFrameIsSaid() throws Exception {
        open(link);
        write(new byte[] {60, 0, 1, 2, 3});
        toLink.close();
        host.awaitEvents("down: the input has ended within a frame");
    }

    @Test
    void aBrokenOutputIsDown() throws Exception {
        open(link);
        fromLink.close();
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isTrue();
        link.flush();
        host.awaitEvents("down: the output broke");
        await().atMost(PATIENCE).until(() -> ends.get() == 1);
    }

    @Test
    void aPeerThatDoesNotReadFillsTheQueueAndNoMore() throws Exception {
        open(link.withQueue(1 << 18));
        int accepted = 0;
        int idle = 0;
        while (idle < 50) {
            if (link.send(Frame.of(frame(MAC_1, accepted, 1000)))) {
                accepted++;
                idle = 0;
            } else {
                idle++;
                Thread.onSpinWait();
            }
            link.flush();
        }
        while (link.isWritable()) {
            accepted += link.send(Frame.of(frame(MAC_1, accepted, 1000))) ? 1 : 0;
            link.flush();
        }
        // the ring, the writer's array and the system's pipe
        assertThat(accepted).isLessThan(1000);
        for (int i = 0; i < accepted; i++) {
            assertThat(read()).isEqualTo(frame(MAC_1, i, 1000));
        }
        await().atMost(PATIENCE).until(() -> host.wakeups.get() > 0 && link.isWritable());
    }

    @Test
    void aBurstBeyondTheRingHoldsThePeerUpAndLosesNothing() {
        open(link.withQueue(1 << 18));
        int count = 5000;
        CompletableFuture<Void> peer = CompletableFuture.runAsync(
                () -> {
                    for (int i = 0; i < count; i++) {
                        write(stream(frame(MAC_1, i, 1000)));
                    }
                },
                task -> new Thread(task, "monitor").start());
        await().atMost(PATIENCE).until(() -> host.wakeups.get() > 0);
        List<byte[]> arrived = new ArrayList<>(receive(link, count));
        peer.join();
        for (int i = 0; i < count; i++) {
            assertThat(Monitor.number(arrived.get(i))).isEqualTo(i);
        }
    }

    @Test
    void hyperkitsGreetingIsAnswered() throws Exception {
        MacAddress mac = MacAddress.parse("52:54:00:12:34:56");
        open(link.withHyperkitGreeting(mac).withMtu(1500));
        byte[] init = new byte[49];
        System.arraycopy("VMN3T".getBytes(java.nio.charset.StandardCharsets.US_ASCII), 0, init, 0, 5);
        init[5] = 22;
        write(init);
        assertThat(fromLink.readNBytes(49)).isEqualTo(init);
        byte[] command = new byte[41];
        command[0] = 1;
        write(command);
        byte[] reply = fromLink.readNBytes(258);
        assertThat(Arrays.copyOf(reply, 12)).containsExactly(1, 0xdc, 5, 0xea, 5, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 0);
        byte[] frame = frame(MAC_1, 1, 60);
        write(stream(frame));
        assertThat(receive(link, 1).get(0)).isEqualTo(frame);
        link.send(Frame.of(frame));
        link.flush();
        assertThat(read()).isEqualTo(frame);
    }

    @Test
    void anotherGreetingIsTheEnd() {
        open(link.withHyperkitGreeting(MacAddress.parse("52:54:00:12:34:56")));
        write(new byte[49]);
        host.awaitEvents("down: the input broke: it does not begin with hyperkit's greeting");
    }

    @Test
    void closeIsTheEndOfBothStreams() throws Exception {
        open(link);
        link.close();
        link.close();
        assertThat(read()).isNull();
        assertThat(ends).hasValue(0);
        host.assertEvents();
        assertThat(link.poll((frames, count) -> {}, 1)).isZero();
        assertThat(link.send(Frame.of(new byte[60]))).isFalse();
        link.flush();
        assertThatIllegalStateException().isThrownBy(() -> link.open(host));
    }

    @Test
    void settingsAreCheckedAndKept() {
        StdioLink marked = open(link.withChecksums(ChecksumState.RECOMPUTE));
        write(stream(frame(MAC_1, 1, 60)));
        AtomicReference<ChecksumState> seen = new AtomicReference<>();
        await().atMost(PATIENCE).until(() -> marked.poll((f, n) -> seen.set(f[0].checksumState()), 1) == 1);
        assertThat(seen).hasValue(ChecksumState.RECOMPUTE);
        assertThatExceptionOfType(ConfigurationException.class).isThrownBy(() -> marked.withMtu(65_518));
        assertThat(marked.macAddress()).isEmpty();
        assertThat(StdioLink.standard().name()).isEqualTo("stdio");
    }
}
