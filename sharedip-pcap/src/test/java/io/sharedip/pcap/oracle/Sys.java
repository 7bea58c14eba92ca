package io.sharedip.pcap.oracle;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;

/** The calls of the C library that the kernel's side needs. Signatures are primitive, because JNA maps those without garbage. */
final class Sys {

    static final int CLONE_NEWNET = 0x40000000;
    static final int O_RDWR_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000;
    static final long TUNSETIFF = 0x400454caL;
    static final short IFF_TAP_NO_PI = 0x1002;
    static final int AF_NETLINK = 16;
    static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
    static final int NETLINK_NETFILTER = 12;
    static final int EAGAIN = 11;

    static {
        Native.register(Sys.class, NativeLibrary.getInstance(Platform.C_LIBRARY_NAME));
    }

    private Sys() {}

    static native int unshare(int flags);

    static native int open(long path, int flags);

    static native int ioctl(int fd, long request, long argument);

    static native long read(int fd, long buffer, long count);

    static native long write(int fd, long buffer, long count);

    static native int poll(long descriptors, long count, int timeoutMillis);

    static native int socket(int domain, int type, int protocol);

    static native int close(int fd);

    static int errno() {
        return Native.getLastError();
    }
}
