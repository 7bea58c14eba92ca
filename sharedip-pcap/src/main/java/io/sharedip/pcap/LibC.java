package io.sharedip.pcap;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;

/**
 * The few calls of the C library that Java has no equivalent for. Signatures are primitive, because JNA maps those without
 * garbage; addresses travel as {@code long}. After a call that fails, {@link #errno()} tells why.
 */
final class LibC {

    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int EACCES = 13;
    static final int ENODEV = 19;
    static final int EMFILE = 24;
    static final int EADDRINUSE = 98;
    static final int EADDRNOTAVAIL = 99;

    static final int AF_INET = 2;
    static final int SOCK_STREAM = 1;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_RAW = 3;
    /** Children of this process must not inherit a descriptor: a claim would outlive the process in them. */
    static final int SOCK_CLOEXEC = 0x80000;

    static final int SOL_SOCKET = 1;
    static final int SO_ERROR = 4;
    static final int SO_SNDBUF = 7;
    static final int SO_RCVBUF = 8;
    static final int SO_ATTACH_FILTER = 26;
    static final int SO_SNDBUFFORCE = 32;
    static final int SO_MARK = 36;
    static final int SOL_PACKET = 263;
    static final int PACKET_IGNORE_OUTGOING = 23;

    static final short POLLIN = 1;
    static final int EFD_FLAGS = 0x80800; // non-blocking, close on exec
    static final int RLIMIT_NOFILE = 7;

    static {
        Native.register(LibC.class, NativeLibrary.getInstance(Platform.C_LIBRARY_NAME));
    }

    private LibC() {}

    static native int socket(int domain, int type, int protocol);

    static native int bind(int fd, long address, int length);

    static native int listen(int fd, int backlog);

    static native int close(int fd);

    static native int setsockopt(int fd, int level, int option, long value, int length);

    static native int getsockopt(int fd, int level, int option, long value, long length);

    static native int ioctl(int fd, long request, long argument);

    static native int poll(long descriptors, long count, int timeoutMillis);

    static native int eventfd(int initial, int flags);

    static native long read(int fd, long buffer, long count);

    static native long write(int fd, long buffer, long count);

    static native int getrlimit(int resource, long limits);

    /** The error number of this thread's last call. */
    static int errno() {
        return Native.getLastError();
    }

    /** Whether an error number says that a right is missing. */
    static boolean isDenied(int errno) {
        return errno == EPERM || errno == EACCES;
    }

    /** Sets an option that is an {@code int}. */
    static boolean setIntOption(int fd, int level, int option, int value) {
        try (Memory memory = new Memory(4)) {
            memory.setInt(0, value);
            return setsockopt(fd, level, option, address(memory), 4) == 0;
        }
    }

    /** Reads an option that is an {@code int}; 0 if it cannot be read. */
    static int intOption(int fd, int level, int option) {
        try (Memory memory = new Memory(8)) {
            memory.setInt(0, 0);
            memory.setInt(4, 4);
            getsockopt(fd, level, option, address(memory), address(memory) + 4);
            return memory.getInt(0);
        }
    }

    static long address(Pointer pointer) {
        return Pointer.nativeValue(pointer);
    }
}
