package io.sharedip.examples.lab;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** The other end of a virtual machine's serial port or monitor: a unix socket that is written lines, and read until a mark. */
final class SerialConsole implements AutoCloseable {

    private final SocketChannel channel;
    private final StringBuilder heard = new StringBuilder();
    private boolean ended;

    private SerialConsole(SocketChannel channel) {
        this.channel = channel;
        Thread reader = new Thread(this::read, "lab-serial");
        reader.setDaemon(true);
        reader.start();
    }

    /** Connects as soon as somebody listens. */
    static SerialConsole connect(Path socket, Duration limit) {
        SocketChannel[] connected = new SocketChannel[1];
        Waiting.require("a virtual machine that listens on " + socket, limit, () -> {
            try {
                connected[0] = SocketChannel.open(UnixDomainSocketAddress.of(socket));
                return true;
            } catch (IOException notYet) {
                return false;
            }
        });
        return new SerialConsole(connected[0]);
    }

    void send(String line) {
        try {
            ByteBuffer octets = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
            while (octets.hasRemaining()) {
                channel.write(octets);
            }
        } catch (IOException e) {
            throw new LabException("cannot write to a virtual machine", e);
        }
    }

    /**
     * What was heard before a mark, which is forgotten together with it.
     *
     * @return empty if the mark did not come in time
     */
    Optional<String> until(String mark, Duration limit) {
        String[] before = new String[1];
        boolean came = Waiting.until(limit, () -> {
            synchronized (heard) {
                int at = heard.indexOf(mark);
                if (at < 0) {
                    return ended;
                }
                before[0] = heard.substring(0, at);
                heard.delete(0, at + mark.length());
                return true;
            }
        });
        return came ? Optional.ofNullable(before[0]) : Optional.empty();
    }

    /** What was heard and not asked for yet. */
    String rest() {
        synchronized (heard) {
            return heard.toString();
        }
    }

    private void read() {
        ByteBuffer octets = ByteBuffer.allocate(1 << 16);
        try {
            while (channel.read(octets) >= 0) {
                String more = new String(octets.array(), 0, octets.position(), StandardCharsets.UTF_8);
                octets.clear();
                synchronized (heard) {
                    heard.append(more);
                }
            }
        } catch (IOException closed) {
            // the machine is gone, or nobody listens any more
        }
        synchronized (heard) {
            ended = true;
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new LabException("cannot close a virtual machine's socket", e);
        }
    }
}
