package io.sharedip.netty.internal.dns;

import io.netty.handler.codec.dns.DnsRecordType;

/** Numbers of the record types that the forwarder treats in a way of their own. */
final class DnsType {

    static final int A = DnsRecordType.A.intValue();
    static final int NS = DnsRecordType.NS.intValue();
    static final int CNAME = DnsRecordType.CNAME.intValue();
    static final int SOA = DnsRecordType.SOA.intValue();
    static final int PTR = DnsRecordType.PTR.intValue();
    static final int MX = DnsRecordType.MX.intValue();
    static final int RP = DnsRecordType.RP.intValue();
    static final int AFSDB = DnsRecordType.AFSDB.intValue();
    static final int AAAA = DnsRecordType.AAAA.intValue();
    static final int SRV = DnsRecordType.SRV.intValue();
    static final int KX = DnsRecordType.KX.intValue();
    static final int DNAME = DnsRecordType.DNAME.intValue();
    static final int OPT = DnsRecordType.OPT.intValue();
    static final int RRSIG = DnsRecordType.RRSIG.intValue();
    static final int NSEC = DnsRecordType.NSEC.intValue();
    static final int NSEC3 = DnsRecordType.NSEC3.intValue();
    static final int IXFR = DnsRecordType.IXFR.intValue();
    static final int AXFR = DnsRecordType.AXFR.intValue();
    static final int ANY = DnsRecordType.ANY.intValue();
    static final int MINFO = 14;
    static final int ROUTE_THROUGH = 21;

    /** The Internet, the one class there is. */
    static final int IN = 1;

    private DnsType() {}
}
