package io.sharedip.netty.internal.dns;

import io.sharedip.dns.DomainName;

/**
 * A resource record (RFC 1035 section 3.2.1) of class IN.
 *
 * @param owner its name
 * @param type of the data
 * @param ttl in seconds
 * @param data without compression; not changed any more
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares records
record ResourceRecord(DomainName owner, int type, long ttl, byte[] data) {

    /** What it takes in memory, about. */
    int weight() {
        return 64 + owner.length() + data.length;
    }
}
