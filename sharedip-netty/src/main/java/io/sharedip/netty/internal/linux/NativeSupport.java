package io.sharedip.netty.internal.linux;

import io.sharedip.internal.host.HostSockets;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Whether the classes beside this one can be used here. */
public final class NativeSupport {

    private static final int EACCES = 13;
    private static final @Nullable String UNAVAILABLE = probe();

    private NativeSupport() {}

    private static @Nullable String probe() {
        String system = System.getProperty("os.name", "");
        if (!system.toLowerCase(Locale.ROOT).startsWith("linux")) {
            return "ping sockets are opened on Linux only";
        }
        try {
            Class.forName("com.sun.jna.Native", true, NativeSupport.class.getClassLoader());
            if (com.sun.jna.Native.POINTER_SIZE != 8) {
                return "ping sockets are opened on 64-bit machines only";
            }
            LibC.close(-1);
            return null;
        } catch (ClassNotFoundException | NoClassDefFoundError e) {
            return "JNA is missing, without which Java opens no ping socket; add net.java.dev.jna:jna to the class path";
        } catch (LinkageError e) {
            return "JNA cannot call the C library: " + e.getMessage();
        }
    }

    public static boolean isAvailable() {
        return UNAVAILABLE == null;
    }

    /** Why ping sockets cannot be had, as one clause; null if they can. */
    public static @Nullable String echoUnavailable() {
        if (UNAVAILABLE != null) {
            return UNAVAILABLE;
        }
        int fd = LibC.socket(LibC.AF_INET, LibC.SOCK_DGRAM | LibC.SOCK_FLAGS, LibC.IPPROTO_ICMP);
        if (fd >= 0) {
            LibC.close(fd);
            return null;
        }
        int errno = LibC.errno();
        if (errno != EACCES) {
            return "the system opens no ping socket, error " + errno;
        }
        String range;
        try {
            range = HostSockets.readSetting(Path.of("/proc/sys/net/ipv4/ping_group_range"));
        } catch (IOException e) {
            range = "unknown";
        }
        return "net.ipv4.ping_group_range is '" + range.replaceAll("\\s+", " ")
                + "', which allows this process no ping socket; sysctl -w net.ipv4.ping_group_range='0 2147483647' does";
    }
}
