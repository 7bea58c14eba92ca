package io.sharedip.packet;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Big-endian reads and writes in byte arrays, named by width. Every method checks the array's bounds and nothing else; an
 * index outside the array throws {@link IndexOutOfBoundsException}.
 *
 * <p>Stateless and thread-safe, as far as the arrays are.
 */
public final class Octets {

    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private Octets() {}

    /**
     * Reads 8 bits, unsigned.
     *
     * @param array the octets
     * @param index of the octet
     * @return 0 to 255
     */
    public static int u8(byte[] array, int index) {
        return array[index] & 0xff;
    }

    /**
     * Reads 16 bits, unsigned.
     *
     * @param array the octets
     * @param index of the first octet
     * @return 0 to 65535
     */
    public static int u16(byte[] array, int index) {
        return (short) SHORT.get(array, index) & 0xffff;
    }

    /**
     * Reads 32 bits.
     *
     * @param array the octets
     * @param index of the first octet
     * @return the bits; negative if the highest one is set
     */
    public static int i32(byte[] array, int index) {
        return (int) INT.get(array, index);
    }

    /**
     * Reads 32 bits, unsigned.
     *
     * @param array the octets
     * @param index of the first octet
     * @return 0 to 2<sup>32</sup> - 1
     */
    public static long u32(byte[] array, int index) {
        return (int) INT.get(array, index) & 0xffffffffL;
    }

    /**
     * Reads 48 bits, unsigned: a MAC address.
     *
     * @param array the octets
     * @param index of the first octet
     * @return 0 to 2<sup>48</sup> - 1
     */
    public static long u48(byte[] array, int index) {
        return (long) u16(array, index) << 32 | u32(array, index + 2);
    }

    /**
     * Reads 64 bits.
     *
     * @param array the octets
     * @param index of the first octet
     * @return the bits; negative if the highest one is set
     */
    public static long i64(byte[] array, int index) {
        return (long) LONG.get(array, index);
    }

    /**
     * Writes the low 8 bits of a value.
     *
     * @param array the octets
     * @param index of the octet
     * @param value whose higher bits are ignored
     */
    public static void put8(byte[] array, int index, int value) {
        array[index] = (byte) value;
    }

    /**
     * Writes the low 16 bits of a value.
     *
     * @param array the octets
     * @param index of the first octet
     * @param value whose higher bits are ignored
     */
    public static void put16(byte[] array, int index, int value) {
        SHORT.set(array, index, (short) value);
    }

    /**
     * Writes 32 bits.
     *
     * @param array the octets
     * @param index of the first octet
     * @param value the bits
     */
    public static void put32(byte[] array, int index, int value) {
        INT.set(array, index, value);
    }

    /**
     * Writes the low 48 bits of a value.
     *
     * @param array the octets
     * @param index of the first octet
     * @param value whose higher bits are ignored
     */
    public static void put48(byte[] array, int index, long value) {
        put16(array, index, (int) (value >>> 32));
        put32(array, index + 2, (int) value);
    }

    /**
     * Writes 64 bits.
     *
     * @param array the octets
     * @param index of the first octet
     * @param value the bits
     */
    public static void put64(byte[] array, int index, long value) {
        LONG.set(array, index, value);
    }
}
