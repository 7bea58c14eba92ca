package io.sharedip.pcap;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.lang.reflect.Field;
import org.pcap4j.core.PcapHandle;

/**
 * The calls of libpcap that run per packet, on the handle that pcap4j opened: pcap4j's own hand over a fresh array per frame and
 * cost three to five times as much.
 */
final class LibPcap {

    static {
        Native.register(LibPcap.class, library());
    }

    private LibPcap() {}

    /** 1: a frame, 0: none is there, -1: error, -2: broken off. */
    static native int pcap_next_ex(long handle, long headerOut, long dataOut);

    static native int pcap_inject(long handle, long data, long length);

    static native int pcap_setnonblock(long handle, int on, long errorBuffer);

    static native int pcap_get_selectable_fd(long handle);

    static native int pcap_datalink(long handle);

    static native int pcap_stats(long handle, long stats);

    static native long pcap_geterr(long handle);

    /**
     * Finds the library, by the property that pcap4j reads too.
     *
     * @throws UnsatisfiedLinkError if it is not there
     */
    static NativeLibrary library() {
        return NativeLibrary.getInstance(System.getProperty("org.pcap4j.core.pcapLibName", "pcap"));
    }

    static String lastError(long handle) {
        return new Pointer(pcap_geterr(handle)).getString(0);
    }

    /**
     * The {@code pcap_t} behind pcap4j's handle, which pcap4j keeps to itself.
     *
     * @throws ReflectiveOperationException if this is not the pcap4j that this was written for
     */
    static long address(PcapHandle handle) throws ReflectiveOperationException {
        Field field = PcapHandle.class.getDeclaredField("handle");
        field.setAccessible(true);
        return Pointer.nativeValue((Pointer) field.get(handle));
    }
}
