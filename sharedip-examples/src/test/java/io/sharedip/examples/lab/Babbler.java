package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;

import io.sharedip.address.MacAddress;
import io.sharedip.testing.PacketBuilder;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Random;

/**
 * A guest whose TCP is nonsense: segments of all kinds, to a few connections at once, some of them open. It answers what it gets by
 * what fits half-way, and reads all of it.
 */
final class Babbler implements AutoCloseable {
    private static final int HEADERS = 54;
    private static final int CONNECTIONS = 200;
    private static final int FIRST_PORT = 30_000;
    private static final int[] FLAGS = {
        PacketBuilder.SYN,
        PacketBuilder.ACK,
        PacketBuilder.ACK | PacketBuilder.PSH,
        PacketBuilder.FIN | PacketBuilder.ACK,
        PacketBuilder.RST,
        PacketBuilder.SYN | PacketBuilder.ACK,
        PacketBuilder.SYN | PacketBuilder.FIN,
        PacketBuilder.FIN,
        0,
        63,
    };

    private final MacAddress mac;
    private final MacAddress router;
    private final int peerPort;
    private final SocketChannel stream;
    private final Thread hearing = new Thread(this::hear, "babbler-hearing");
    private final int[] next = new int[CONNECTIONS];
    private final int[] acknowledged = new int[CONNECTIONS];
    private volatile long heard;

    private Babbler(String mac, String router, int peerPort, SocketChannel stream) {
        this.mac = MacAddress.parse(mac);
        this.router = MacAddress.parse(router);
        this.peerPort = peerPort;
        this.stream = stream;
        hearing.setDaemon(true);
    }

    static Babbler connect(String socket, String mac, String router, int peerPort) throws IOException {
        Babbler babbler =
                new Babbler(mac, router, peerPort, SocketChannel.open(UnixDomainSocketAddress.of(Path.of(socket))));
        babbler.hearing.start();
        return babbler;
    }

    /** How many segments came back. */
    long heard() {
        return heard;
    }

    /** Sends so many segments. */
    void babble(long seed, int segments) throws IOException {
        Random random = new Random(seed);
        ByteBuffer frame = ByteBuffer.allocate(1 << 12);
        for (int i = 0; i < segments; i++) {
            int connection = random.nextInt(CONNECTIONS);
            byte[] payload = new byte[random.nextInt(4) == 0 ? random.nextInt(1400) : 0];
            byte[] options = new byte[random.nextInt(4) == 0 ? 4 * random.nextInt(11) : 0];
            random.nextBytes(payload);
            random.nextBytes(options);
            byte[] octets = PacketBuilder.tcp()
                    .macs(mac, router)
                    .from(ADDRESS, FIRST_PORT + connection)
                    .to(NEAR, random.nextInt(8) == 0 ? random.nextInt(1 << 16) : peerPort)
                    .flags(FLAGS[random.nextInt(FLAGS.length)])
                    .sequence(near(random, acknowledged[connection]), near(random, next[connection]))
                    .window(random.nextInt(3) == 0 ? 0 : random.nextInt(1 << 16))
                    .tcpOptions(options)
                    .payload(payload)
                    .build();
            frame.clear().putInt(octets.length).put(octets).flip();
            while (frame.hasRemaining()) {
                stream.write(frame);
            }
        }
    }

    /** A number that fits, or almost, or any. */
    private static long near(Random random, int number) {
        int offset = switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> random.nextInt(1 << 17) - (1 << 16);
            default -> 0;
        };
        return Integer.toUnsignedLong(number + offset);
    }

    private void hear() {
        try (DataInputStream in = new DataInputStream(Channels.newInputStream(stream))) {
            while (true) {
                byte[] frame = in.readNBytes(in.readInt());
                if (frame.length >= HEADERS && frame[23] == 6) {
                    heard++;
                    ByteBuffer segment = ByteBuffer.wrap(frame);
                    int connection = (segment.getShort(36) & 0xffff) - FIRST_PORT;
                    if (connection >= 0 && connection < CONNECTIONS) {
                        next[connection] = segment.getInt(38) + 1;
                        acknowledged[connection] = segment.getInt(42);
                    }
                }
            }
        } catch (IOException e) {
            // the gateway has gone, or this was closed
        }
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
