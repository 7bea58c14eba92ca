package io.sharedip.netty.internal.dns;

import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put8;

import io.sharedip.dns.DomainName;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes an answer for one client: with its question in its own case, within the length that it takes, names of owners compressed. */
final class ResponseWriter {

    /** The longest message that is sent by UDP: one that no network fragments. */
    static final int UDP_SIZE = 1232;

    static final int TCP_SIZE = 65_535;

    private static final int OPT_LENGTH = 11;
    private static final int MOST_POINTER = 0x3fff;

    private final Map<DomainName, Integer> names = new HashMap<>();
    private byte[] room = new byte[UDP_SIZE];
    private int at;
    private final int limit;

    private ResponseWriter(int limit) {
        this.limit = limit;
    }

    /** The answer to something of which nothing but the id could be read. */
    static byte[] formatError(int id) {
        byte[] message = new byte[Query.HEADER];
        put16(message, 0, id);
        put16(message, 2, Query.RESPONSE | Query.RECURSION_AVAILABLE | Answer.FORMAT_ERROR);
        return message;
    }

    /**
     * Writes a response.
     *
     * @param query to be answered
     * @param answer to give
     * @param age seconds since the answer was received
     * @param most octets that the client takes
     * @param leastTtl what no TTL is shown below, in seconds
     * @param mostTtl what no TTL is shown above, in seconds
     */
    static byte[] write(Query query, Answer answer, long age, int most, long leastTtl, long mostTtl) {
        ResponseWriter out = new ResponseWriter(most - (query.edns() ? OPT_LENGTH : 0));
        return out.response(query, answer, age, leastTtl, mostTtl);
    }

    private byte[] response(Query query, Answer answer, long age, long leastTtl, long mostTtl) {
        int flags = Query.RESPONSE
                | Query.RECURSION_AVAILABLE
                | (query.flags() & (Query.OPCODE | Query.RECURSION_DESIRED | Query.CHECKING_DISABLED))
                | (answer.code() & 0xf);
        if (answer.authoritative()) {
            flags |= Query.AUTHORITATIVE;
        }
        if (answer.authentic() && (query.dnssecOk() || (query.flags() & Query.AUTHENTIC) != 0)) {
            flags |= Query.AUTHENTIC;
        }
        at = Query.HEADER;
        ensure(query.question().length);
        System.arraycopy(query.question(), 0, room, at, query.question().length);
        remember(query.name(), at);
        at += query.question().length;
        int end = at;
        int answers = records(answer.answers(), age, leastTtl, mostTtl, query.dnssecOk(), query.type());
        int authorities =
                answers < 0 ? -1 : records(answer.authorities(), age, 0, mostTtl, query.dnssecOk(), query.type());
        if (authorities < 0) {
            flags |= Query.TRUNCATED;
            at = end;
            answers = 0;
            authorities = 0;
        }
        put16(room, 0, query.id());
        put16(room, 2, flags);
        put16(room, 4, 1);
        put16(room, 6, answers);
        put16(room, 8, authorities);
        put16(room, 10, query.edns() ? 1 : 0);
        if (query.edns()) {
            ensure(OPT_LENGTH);
            put8(room, at, 0);
            put16(room, at + 1, DnsType.OPT);
            put16(room, at + 3, UDP_SIZE);
            put32(room, at + 5, answer.code() >>> 4 << 24 | (query.dnssecOk() ? 0x8000 : 0));
            put16(room, at + 9, 0);
            at += OPT_LENGTH;
        }
        return Arrays.copyOf(room, at);
    }

    /** @return how many were written, or -1 if there was no room for all */
    private int records(
            List<ResourceRecord> records, long age, long leastTtl, long mostTtl, boolean signatures, int asked) {
        int count = 0;
        for (ResourceRecord record : records) {
            boolean proves =
                    record.type() == DnsType.RRSIG || record.type() == DnsType.NSEC || record.type() == DnsType.NSEC3;
            if (proves && !signatures && asked != record.type() && asked != DnsType.ANY) {
                continue;
            }
            long ttl = Math.min(Math.max(record.ttl(), leastTtl), mostTtl) - age;
            if (!record(record, Math.max(0, ttl))) {
                return -1;
            }
            count++;
        }
        return count;
    }

    private boolean record(ResourceRecord record, long ttl) {
        ensure(record.owner().length() + 10 + record.data().length);
        owner(record.owner());
        put16(room, at, record.type());
        put16(room, at + 2, DnsType.IN);
        put32(room, at + 4, (int) ttl);
        put16(room, at + 8, record.data().length);
        System.arraycopy(record.data(), 0, room, at + 10, record.data().length);
        at += 10 + record.data().length;
        return at <= limit;
    }

    private void owner(DomainName name) {
        byte[] wire = name.toWire();
        int from = 0;
        for (DomainName rest = name; !rest.isRoot(); rest = rest.parent()) {
            Integer earlier = names.get(rest);
            if (earlier != null) {
                put16(room, at, 0xc000 | earlier);
                at += 2;
                return;
            }
            if (at <= MOST_POINTER) {
                names.put(rest, at);
            }
            int label = 1 + wire[from];
            System.arraycopy(wire, from, room, at, label);
            at += label;
            from += label;
        }
        put8(room, at, 0);
        at++;
    }

    /** Lets a name and what stands above it be pointed to. */
    private void remember(DomainName name, int where) {
        int offset = where;
        byte[] wire = name.toWire();
        int from = 0;
        for (DomainName rest = name; !rest.isRoot(); rest = rest.parent()) {
            names.putIfAbsent(rest, offset);
            offset += 1 + wire[from];
            from += 1 + wire[from];
        }
    }

    private void ensure(int more) {
        if (at + more > room.length) {
            room = Arrays.copyOf(room, Math.max(at + more, 2 * room.length));
        }
    }
}
