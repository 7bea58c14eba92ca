package io.sharedip.netty.internal.dns;

import io.sharedip.dns.DomainName;
import io.sharedip.packet.Octets;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a server has answered, reduced to what answers the question. A forwarder believes a server about the name that it asked for, and
 * about the names that this one is an alias of; everything else in the message is left out, so that nothing else can be brought into
 * the cache.
 *
 * <p>Records are read here rather than by Netty's record decoder, which leaves compressed names in the data of SOA and SRV as they are;
 * moved to another message they would mean something else.
 */
final class Response {

    private static final int MOST_ALIASES = 16;
    private static final int NO_TYPE = 0;
    /** That there is nothing is kept no longer (RFC 2308 section 5). */
    private static final long LONGEST_NEGATIVE = 3600;

    final int flags;
    final int code;
    private final List<ResourceRecord> answers;
    private final List<ResourceRecord> authorities;

    private Response(int flags, int code, List<ResourceRecord> answers, List<ResourceRecord> authorities) {
        this.flags = flags;
        this.code = code;
        this.answers = answers;
        this.authorities = authorities;
    }

    boolean isTruncated() {
        return (flags & Query.TRUNCATED) != 0;
    }

    static Response parse(byte[] a) throws MalformedMessageException {
        WireReader in = new WireReader(a);
        in.skip(2);
        int flags = in.u16();
        int questions = in.u16();
        int answerCount = in.u16();
        int authorityCount = in.u16();
        int additionalCount = in.u16();
        if ((flags & Query.RESPONSE) == 0 || (flags & Query.OPCODE) != 0 || questions > 1) {
            throw new MalformedMessageException("header");
        }
        for (int i = 0; i < questions; i++) {
            in.name();
            in.skip(4);
        }
        if ((flags & Query.TRUNCATED) != 0) {
            // may end anywhere; nothing of it is used
            return new Response(flags, flags & 0xf, List.of(), List.of());
        }
        List<ResourceRecord> answers = records(in, answerCount);
        List<ResourceRecord> authorities = records(in, authorityCount);
        int code = flags & 0xf;
        for (int i = 0; i < additionalCount; i++) {
            in.name();
            int type = in.u16();
            in.skip(2);
            long ttl = in.u32();
            in.skip(in.u16());
            if (type == DnsType.OPT) {
                code |= (int) (ttl >>> 24) << 4;
            }
        }
        return new Response(flags, code, answers, authorities);
    }

    private static List<ResourceRecord> records(WireReader in, int count) throws MalformedMessageException {
        List<ResourceRecord> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            DomainName owner = DomainName.ofWire(in.name(), 0);
            int type = in.u16();
            int kind = in.u16();
            long ttl = in.u32();
            int length = in.u16();
            byte[] data = data(in, type, length);
            if (kind == DnsType.IN) {
                // a TTL with its highest bit set means 0 (RFC 2181 section 8)
                records.add(new ResourceRecord(owner, type, ttl > Integer.MAX_VALUE ? 0 : ttl, data));
            }
        }
        return records;
    }

    private static byte[] data(WireReader in, int type, int length) throws MalformedMessageException {
        int before = fixedBefore(type);
        int names = names(type);
        int start = in.position();
        if (names == 0) {
            return in.octets(length);
        }
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        if (length < before || in.remaining() < length) {
            throw new MalformedMessageException("record data");
        }
        data.writeBytes(in.octets(before));
        for (int i = 0; i < names; i++) {
            // in lower case: a pointer may lead to the question, whose case was drawn at random
            data.writeBytes(DomainName.ofWire(in.name(), 0).toWire());
        }
        int rest = length - (in.position() - start);
        if (rest < 0 || (type == DnsType.SOA ? rest != 20 : rest != 0)) {
            throw new MalformedMessageException("record data");
        }
        data.writeBytes(in.octets(rest));
        return data.toByteArray();
    }

    private static int fixedBefore(int type) {
        if (type == DnsType.MX || type == DnsType.AFSDB || type == DnsType.KX || type == DnsType.ROUTE_THROUGH) {
            return 2;
        }
        return type == DnsType.SRV ? 6 : 0;
    }

    /** How many names the data holds that may be compressed (RFC 3597 section 4, and those of old practice). */
    private static int names(int type) {
        if (type == DnsType.SOA || type == DnsType.RP || type == DnsType.MINFO) {
            return 2;
        }
        boolean one = type == DnsType.NS
                || (type >= 3 && type <= 5)
                || (type >= 7 && type <= 9)
                || type == DnsType.PTR
                || type == DnsType.DNAME
                || fixedBefore(type) > 0;
        return one ? 1 : 0;
    }

    /**
     * What answers a question.
     *
     * @return null if the server has failed
     */
    @Nullable
    Answer answerTo(DomainName name, int type) {
        if (code != Answer.NO_ERROR && code != Answer.NAME_ERROR) {
            return null;
        }
        boolean[] kept = new boolean[answers.size()];
        List<ResourceRecord> chain = new ArrayList<>();
        DomainName current = name;
        boolean found = false;
        for (int step = 0; step < MOST_ALIASES; step++) {
            DomainName next = null;
            for (int i = 0; i < kept.length; i++) {
                ResourceRecord record = answers.get(i);
                int covered = record.type() == DnsType.RRSIG && record.data().length >= 18
                        ? Octets.u16(record.data(), 0)
                        : NO_TYPE;
                boolean wanted = record.type() == type || type == DnsType.ANY;
                boolean alias = record.type() == DnsType.CNAME;
                boolean ofName = record.owner().equals(current)
                        && (wanted || alias || covered == type || covered == DnsType.CNAME);
                boolean redirects = (record.type() == DnsType.DNAME || covered == DnsType.DNAME)
                        && current.isWithin(record.owner());
                if (kept[i] || !(ofName || redirects)) {
                    continue;
                }
                kept[i] = true;
                chain.add(record);
                if (record.owner().equals(current)) {
                    found |= wanted;
                    if (alias && !wanted) {
                        next = DomainName.ofWire(record.data(), 0);
                    }
                }
            }
            if (next == null || next.equals(current)) {
                break;
            }
            current = next;
        }
        boolean authentic = (flags & Query.AUTHENTIC) != 0;
        if (found && code == Answer.NO_ERROR) {
            return new Answer(code, false, authentic, chain, List.of(), least(chain, Long.MAX_VALUE));
        }
        return nothing(chain, current, authentic);
    }

    /** That a name, or the type of it, does not exist (RFC 2308). */
    private Answer nothing(List<ResourceRecord> chain, DomainName name, boolean authentic) {
        ResourceRecord authority = null;
        for (ResourceRecord record : authorities) {
            if (record.type() == DnsType.SOA && name.isWithin(record.owner())) {
                authority = record;
            }
        }
        if (authority == null) {
            // nobody says for how long: not to be kept
            return new Answer(code, false, authentic, chain, List.of(), 0);
        }
        long minimum = Octets.u32(authority.data(), authority.data().length - 4);
        long ttl = Math.min(Math.min(authority.ttl(), minimum), LONGEST_NEGATIVE);
        List<ResourceRecord> proof = new ArrayList<>();
        for (ResourceRecord record : authorities) {
            boolean kind =
                    record.type() == DnsType.NSEC || record.type() == DnsType.NSEC3 || record.type() == DnsType.RRSIG;
            if (record.type() == DnsType.SOA && record.owner().equals(authority.owner())) {
                proof.add(new ResourceRecord(record.owner(), record.type(), ttl, record.data()));
            } else if (kind && record.owner().isWithin(authority.owner())) {
                proof.add(record);
            }
        }
        return new Answer(code, false, authentic, chain, proof, least(chain, ttl));
    }

    private static long least(List<ResourceRecord> records, long most) {
        long least = most;
        for (ResourceRecord record : records) {
            least = Math.min(least, record.ttl());
        }
        return least;
    }
}
