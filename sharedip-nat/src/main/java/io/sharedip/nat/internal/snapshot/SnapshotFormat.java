package io.sharedip.nat.internal.snapshot;

/** The numbers of the format; {@code docs/snapshot-format.md} explains them. Everything is big-endian. */
final class SnapshotFormat {

    /** Not text, and spoilt by whatever treats a file as text. */
    static final long MAGIC = 0x89_53_49_50_0D_0A_1A_0AL;

    static final int VERSION = 1;

    static final int HEADER = 32;
    static final int HEADER_VERSION = 8;
    static final int HEADER_FLAGS = 10;
    static final int HEADER_ADDRESS = 12;
    static final int HEADER_PREFIX = 16;
    static final int HEADER_ZERO = 17;
    static final int HEADER_TIME = 20;
    static final int HEADER_CRC = 28;

    static final int SECTION_HEADER = 12;
    static final int SECTION_FLAGS = 2;
    static final int SECTION_RECORDS = 4;
    static final int SECTION_LENGTH = 8;
    static final int CRC = 4;

    static final int GUESTS = 1;
    static final int BINDINGS = 2;
    static final int FORWARDS = 3;
    static final int FLOWS = 4;
    static final int END = 0xffff;

    /** Section flag: a reader that does not know the type passes over it. */
    static final int MAY_BE_SKIPPED = 1;

    /** Octets of a section's records; what a reader may be made to set aside by a length alone. */
    static final int MOST_OCTETS = 1 << 20;

    static final int BINDING = 12;
    static final int END_PAYLOAD = 12;

    static final int MOST_GUESTS = 65_535;
    static final int MOST_BINDINGS = 1_000_000;
    static final int MOST_FORWARDS = 65_535;
    static final int LONGEST_FORWARD = 1024;
    static final int LONGEST_NAME = 63;

    /** As many as the largest table holds. */
    static final int MOST_FLOWS = 4_000_000;

    private SnapshotFormat() {}
}
