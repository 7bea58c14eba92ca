package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;

/** Calls of the C library, with primitive signatures, which JNA maps without garbage. After a failure {@link #errno()} tells why. */
final class LibC {

    static final int EAGAIN = 11;
    static final int EINTR = 4;
    static final int ENOBUFS = 105;

    static final int AF_INET = 2;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_FLAGS = 0x80800; // non-blocking, close on exec
    static final int IPPROTO_ICMP = 1;

    static final int SOL_SOCKET = 1;
    static final int SO_SNDBUF = 7;
    static final int SO_RCVBUF = 8;
    static final int SO_RXQ_OVFL = 40;
    static final int SOL_IP = 0;
    static final int IP_MTU_DISCOVER = 10;
    static final int IP_RECVERR = 11;
    static final int IP_PMTUDISC_WANT = 1;

    static final int MSG_DONTWAIT = 0x40;
    static final int MSG_ERRQUEUE = 0x2000;

    static final int EPOLL_CTL_ADD = 1;
    static final int EPOLL_CTL_DEL = 2;
    static final int EPOLL_CTL_MOD = 3;
    static final int EPOLL_CLOEXEC = 0x80000;
    static final int EPOLLIN = 1;
    static final int EPOLLONESHOT = 1 << 30;

    static {
        Native.register(LibC.class, NativeLibrary.getInstance(Platform.C_LIBRARY_NAME));
    }

    private LibC() {}

    static native int socket(int domain, int type, int protocol);

    static native int bind(int fd, long address, int length);

    static native int getsockname(int fd, long address, long length);

    static native int close(int fd);

    static native int setsockopt(int fd, int level, int option, long value, int length);

    static native int sendmmsg(int fd, long messages, int count, int flags);

    static native int recvmmsg(int fd, long messages, int count, int flags, long timeout);

    static native long recvmsg(int fd, long message, int flags);

    static native int epoll_create1(int flags);

    static native int epoll_ctl(int epoll, int operation, int fd, long event);

    static native int epoll_wait(int epoll, long events, int count, int timeoutMillis);

    static native int eventfd(int initial, int flags);

    static native long write(int fd, long octets, long length);

    /** The error number of this thread's last call. */
    static int errno() {
        return Native.getLastError();
    }

    /** Whether something was refused because there is no room just now. */
    static boolean isFull(int errno) {
        return errno == EAGAIN || errno == ENOBUFS;
    }

    static boolean setOption(int fd, int level, int option, int value) {
        try (Memory memory = new Memory(4)) {
            memory.setInt(0, value);
            return setsockopt(fd, level, option, address(memory), 4) == 0;
        }
    }

    static long address(Pointer pointer) {
        return Pointer.nativeValue(pointer);
    }
}
