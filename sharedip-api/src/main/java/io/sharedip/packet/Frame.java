package io.sharedip.packet;

import java.util.Objects;

/**
 * A window on the octets of one Ethernet frame, without preamble and frame check sequence.
 *
 * <p><b>Ownership.</b> A frame is <em>borrowed</em>: it is valid from the call that hands it over until that call returns.
 * The receiver may read and <em>rewrite</em> the octets inside the window in place (the engine translates in place), may
 * shorten the window, and must copy what it wants to keep ({@link #copyOf(Frame)}). Whoever handed it over may reuse array
 * and object afterwards and must not expect the old content.
 *
 * <p>A frame carries its offload state: {@link #checksumState()}, and {@link #segmentSize()} when it is a super-frame that
 * holds more than one segment. A link that cannot take what it is given completes or segments it at its own door.
 *
 * <p>Not thread-safe. Accessors count from the beginning of the window and throw {@link IndexOutOfBoundsException} when they
 * would leave it.
 */
public final class Frame {

    private static final byte[] NOTHING = {};

    private byte[] array = NOTHING;
    private int offset;
    private int length;
    private ChecksumState checksumState = ChecksumState.COMPLETE;
    private int segmentSize;

    /** Makes a frame without octets, to be set by {@link #wrap(byte[], int, int)}. */
    public Frame() {}

    /**
     * Makes a frame on all of an array. The array is not copied.
     *
     * @param array the octets
     * @return a new frame
     */
    public static Frame of(byte[] array) {
        return new Frame().wrap(array, 0, array.length);
    }

    /**
     * Makes a frame that owns a copy of another one's octets, with the same offload state.
     *
     * @param frame to be copied
     * @return a new frame on a new array
     */
    public static Frame copyOf(Frame frame) {
        Frame copy = of(frame.toByteArray());
        copy.checksumState = frame.checksumState;
        copy.segmentSize = frame.segmentSize;
        return copy;
    }

    /**
     * Points this frame at a part of an array and resets the offload state to a complete checksum and no super-frame. The
     * array is not copied.
     *
     * @param array the octets
     * @param offset of the first octet, 0 or more
     * @param length of the frame in octets, 0 or more
     * @return this
     * @throws IndexOutOfBoundsException if the window is not inside the array
     */
    public Frame wrap(byte[] array, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, array.length);
        this.array = array;
        this.offset = offset;
        this.length = length;
        this.checksumState = ChecksumState.COMPLETE;
        this.segmentSize = 0;
        return this;
    }

    /**
     * The array under the window.
     *
     * @return the array itself, not a copy; octets outside the window are none of the receiver's business
     */
    public byte[] array() {
        return array;
    }

    /**
     * Where the window begins.
     *
     * @return index in {@link #array()}
     */
    public int offset() {
        return offset;
    }

    /**
     * The frame's length.
     *
     * @return octets, 0 or more
     */
    public int length() {
        return length;
    }

    /**
     * Changes the length; octets past the old end, if any, are taken as they are in the array.
     *
     * @param length octets, 0 to what the array holds
     * @return this
     * @throws IndexOutOfBoundsException if the array is too short
     */
    public Frame length(int length) {
        Objects.checkFromIndexSize(offset, length, array.length);
        this.length = length;
        return this;
    }

    /**
     * What is known of the transport checksum.
     *
     * @return {@link ChecksumState#COMPLETE} unless the frame came from something with an offload
     */
    public ChecksumState checksumState() {
        return checksumState;
    }

    /**
     * Says what is known of the transport checksum.
     *
     * @param state the new state
     * @return this
     */
    public Frame checksumState(ChecksumState state) {
        this.checksumState = Objects.requireNonNull(state, "state");
        return this;
    }

    /**
     * The payload octets of each segment of a super-frame (TCP segmentation or UDP fragmentation offload).
     *
     * @return 0 for an ordinary frame
     */
    public int segmentSize() {
        return segmentSize;
    }

    /**
     * Makes this a super-frame, or an ordinary one.
     *
     * @param segmentSize payload octets of each segment, 0 for an ordinary frame
     * @return this
     * @throws IllegalArgumentException if negative
     */
    public Frame segmentSize(int segmentSize) {
        if (segmentSize < 0) {
            throw new IllegalArgumentException("segmentSize: " + segmentSize + " is negative");
        }
        this.segmentSize = segmentSize;
        return this;
    }

    /**
     * Reads 8 bits, unsigned.
     *
     * @param index of the octet in the window
     * @return 0 to 255
     */
    public int u8(int index) {
        return Octets.u8(array, at(index, 1));
    }

    /**
     * Reads 16 bits, unsigned.
     *
     * @param index of the first octet in the window
     * @return 0 to 65535
     */
    public int u16(int index) {
        return Octets.u16(array, at(index, 2));
    }

    /**
     * Reads 32 bits.
     *
     * @param index of the first octet in the window
     * @return the bits; negative if the highest one is set
     */
    public int i32(int index) {
        return Octets.i32(array, at(index, 4));
    }

    /**
     * Reads 32 bits, unsigned.
     *
     * @param index of the first octet in the window
     * @return 0 to 2<sup>32</sup> - 1
     */
    public long u32(int index) {
        return Octets.u32(array, at(index, 4));
    }

    /**
     * Reads 48 bits, unsigned: a MAC address.
     *
     * @param index of the first octet in the window
     * @return 0 to 2<sup>48</sup> - 1
     */
    public long u48(int index) {
        return Octets.u48(array, at(index, 6));
    }

    /**
     * Writes the low 8 bits of a value.
     *
     * @param index of the octet in the window
     * @param value whose higher bits are ignored
     */
    public void put8(int index, int value) {
        Octets.put8(array, at(index, 1), value);
    }

    /**
     * Writes the low 16 bits of a value.
     *
     * @param index of the first octet in the window
     * @param value whose higher bits are ignored
     */
    public void put16(int index, int value) {
        Octets.put16(array, at(index, 2), value);
    }

    /**
     * Writes 32 bits.
     *
     * @param index of the first octet in the window
     * @param value the bits
     */
    public void put32(int index, int value) {
        Octets.put32(array, at(index, 4), value);
    }

    /**
     * Writes the low 48 bits of a value.
     *
     * @param index of the first octet in the window
     * @param value whose higher bits are ignored
     */
    public void put48(int index, long value) {
        Octets.put48(array, at(index, 6), value);
    }

    /**
     * Copies the octets.
     *
     * @return a new array of {@link #length()} octets
     */
    public byte[] toByteArray() {
        byte[] copy = new byte[length];
        System.arraycopy(array, offset, copy, 0, length);
        return copy;
    }

    private int at(int index, int width) {
        return offset + Objects.checkFromIndexSize(index, width, length);
    }

    /** Length and offload state; never the content. */
    @Override
    public String toString() {
        return "Frame[" + length + " octets, " + checksumState + (segmentSize > 0 ? ", segments of " + segmentSize : "")
                + "]";
    }
}
