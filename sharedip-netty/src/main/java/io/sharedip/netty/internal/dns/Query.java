package io.sharedip.netty.internal.dns;

import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.dns.DomainName;
import java.util.Arrays;

/**
 * A client's question, checked: one question, not compressed, at most one OPT record (RFC 1035, RFC 6891). Options in it are not read
 * and go nowhere.
 *
 * @param id to be repeated
 * @param flags of the header
 * @param question the section as it stands in the message, in the client's own case
 * @param name in lower case
 * @param type that is asked for
 * @param kind the class, IN of all that is answered
 * @param edns whether there is an OPT record
 * @param udpSize the longest message that the client takes by UDP
 * @param version of EDNS
 * @param dnssecOk whether signatures are wanted
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares queries
record Query(
        int id,
        int flags,
        byte[] question,
        DomainName name,
        int type,
        int kind,
        boolean edns,
        int udpSize,
        int version,
        boolean dnssecOk) {

    static final int HEADER = 12;
    /** The longest message of a client that is looked at. */
    static final int LONGEST = 4096;

    static final int RESPONSE = 0x8000;
    static final int OPCODE = 0x7800;
    static final int AUTHORITATIVE = 0x0400;
    static final int TRUNCATED = 0x0200;
    static final int RECURSION_DESIRED = 0x0100;
    static final int RECURSION_AVAILABLE = 0x0080;
    static final int AUTHENTIC = 0x0020;
    static final int CHECKING_DISABLED = 0x0010;

    private static final int SMALLEST = 512;
    private static final int DNSSEC_OK = 0x8000;

    static Query parse(byte[] a) throws MalformedMessageException {
        WireReader in = new WireReader(a);
        int id = in.u16();
        int flags = in.u16();
        int questions = in.u16();
        int answers = in.u16();
        int authorities = in.u16();
        int additional = in.u16();
        if (questions != 1 || answers != 0 || authorities != 0 || additional > 4) {
            throw new MalformedMessageException("counts");
        }
        byte[] raw = in.plainName();
        DomainName name = DomainName.ofWire(raw, 0);
        int type = in.u16();
        int kind = in.u16();
        byte[] question = Arrays.copyOfRange(a, HEADER, in.position());
        boolean edns = false;
        int size = SMALLEST;
        int version = 0;
        boolean dnssecOk = false;
        for (int i = 0; i < additional; i++) {
            boolean root = in.name().length == 1;
            int recordType = in.u16();
            int first = in.u16();
            int fields = in.position();
            in.skip(4);
            int length = in.u16();
            if (recordType == DnsType.OPT) {
                if (edns || !root) {
                    throw new MalformedMessageException("OPT");
                }
                edns = true;
                size = Math.max(SMALLEST, first);
                version = u8(a, fields + 1);
                dnssecOk = (u16(a, fields + 2) & DNSSEC_OK) != 0;
            }
            in.skip(length);
        }
        return new Query(id, flags, question, name, type, kind, edns, size, version, dnssecOk);
    }

    boolean checkingDisabled() {
        return (flags & CHECKING_DISABLED) != 0;
    }
}
