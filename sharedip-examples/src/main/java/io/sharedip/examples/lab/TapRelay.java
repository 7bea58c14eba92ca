package io.sharedip.examples.lab;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * Joins a network namespace to a gateway as a virtual machine's monitor would: frames of a tap device made here go over a unix socket,
 * each behind its length as a 4-octet big-endian number, and the other way round. So a Linux stack at full speed is a guest of the link
 * that QEMU uses.
 *
 * <p>A program of its own, run in the namespace: {@code TapRelay TAP SOCKET}. It says {@code relaying} once it is connected.
 */
public final class TapRelay {

    private static final int ROOM = 1 << 19;
    private static final int LONGEST = 69_632;
    private static final int HEADER = 4;
    private static final int SHORTEST = 14;

    private static final int O_RDWR_NONBLOCK = 0x802;
    private static final long TUNSETIFF = 0x400454caL;
    private static final short IFF_TAP_NO_PI = 0x1002;
    private static final int INTERFACE_REQUEST = 40;
    private static final int INTERFACE_NAME = 16;
    private static final short POLLIN = 1;
    private static final short POLLOUT = 4;

    static {
        Native.register(TapRelay.class, NativeLibrary.getInstance(Platform.C_LIBRARY_NAME));
    }

    private final int tap;
    private final SocketChannel stream;

    private TapRelay(int tap, SocketChannel stream) {
        this.tap = tap;
        this.stream = stream;
    }

    private static native int open(long path, int flags);

    private static native int ioctl(int fd, long request, long argument);

    private static native int poll(long descriptors, long count, int timeoutMillis);

    private static native long read(int fd, long buffer, long count);

    private static native long write(int fd, long buffer, long count);

    /**
     * Runs the relay until the gateway ends the connection.
     *
     * @param args the name of the tap device, and the path of the gateway's socket
     * @throws IOException if the socket cannot be connected to
     * @throws InterruptedException never
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        int tap = openTap(args[0]);
        try (SocketChannel stream = SocketChannel.open(UnixDomainSocketAddress.of(Path.of(args[1])))) {
            TapRelay relay = new TapRelay(tap, stream);
            Thread outwards = new Thread(relay::fromTap, "from-tap");
            outwards.setDaemon(true);
            outwards.start();
            System.out.println("relaying");
            relay.toTap();
        }
    }

    private static int openTap(String name) {
        try (Memory path = new Memory(32);
                Memory request = new Memory(INTERFACE_REQUEST)) {
            path.setString(0, "/dev/net/tun");
            request.clear();
            request.setString(0, name);
            request.setShort(INTERFACE_NAME, IFF_TAP_NO_PI);
            int fd = open(Pointer.nativeValue(path), O_RDWR_NONBLOCK);
            if (fd < 0 || ioctl(fd, TUNSETIFF, Pointer.nativeValue(request)) < 0) {
                throw new LabException("cannot make the tap device " + name + ": error " + Native.getLastError());
            }
            return fd;
        }
    }

    /** Reads whatever the device has, and writes it in one go. */
    private void fromTap() {
        ByteBuffer batch = ByteBuffer.allocateDirect(ROOM);
        long address = Pointer.nativeValue(Native.getDirectBufferPointer(batch));
        try (Memory waiting = descriptor(POLLIN)) {
            while (true) {
                poll(Pointer.nativeValue(waiting), 1, -1);
                batch.clear();
                while (batch.remaining() >= HEADER + LONGEST) {
                    int length = (int) read(tap, address + batch.position() + HEADER, LONGEST);
                    if (length <= 0) {
                        break;
                    }
                    batch.putInt(length);
                    batch.position(batch.position() + length);
                }
                batch.flip();
                while (batch.hasRemaining()) {
                    stream.write(batch);
                }
            }
        } catch (IOException e) {
            System.err.println("the gateway has gone: " + e.getMessage());
        }
    }

    private void toTap() throws IOException {
        ByteBuffer batch = ByteBuffer.allocateDirect(ROOM);
        long address = Pointer.nativeValue(Native.getDirectBufferPointer(batch));
        try (Memory waiting = descriptor(POLLOUT)) {
            while (stream.read(batch) >= 0) {
                batch.flip();
                while (batch.remaining() >= HEADER && batch.remaining() >= HEADER + batch.getInt(batch.position())) {
                    int length = batch.getInt();
                    if (length < SHORTEST || length > LONGEST) {
                        throw new IOException("a frame of " + length + " octets");
                    }
                    while (write(tap, address + batch.position(), length) < 0 && Native.getLastError() == 11) {
                        poll(Pointer.nativeValue(waiting), 1, -1);
                    }
                    batch.position(batch.position() + length);
                }
                batch.compact();
            }
        }
    }

    private Memory descriptor(short events) {
        Memory descriptor = new Memory(8);
        descriptor.setInt(0, tap);
        descriptor.setShort(4, events);
        descriptor.setShort(6, (short) 0);
        return descriptor;
    }
}
