package io.sharedip.pcap.oracle;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The Linux kernel's own translation in a network namespace without a name, between TAP devices whose other ends are here.
 *
 * <p>A sentinel, a datagram that is forwarded without connection tracking, follows each frame on the same device: once it has come
 * out on the other side, everything that the frame brought about has come out before.
 */
final class KernelNat implements Nat {

    private static final int SENTINEL = 0xcb0071fa; // 203.0.113.250
    private static final String SENTINEL_TEXT = "203.0.113.250";
    private static final int SENTINEL_PORT = 9;
    private static final int ROOM = 1 << 16;
    private static final int PATIENCE_MILLIS = 5_000;

    private final int[] taps = new int[Net.GUESTS + 1];
    private final Memory buffer = new Memory(ROOM);
    private final Memory pollRoom = new Memory(8);
    private final byte[][] sentinels = new byte[Net.GUESTS + 1][];
    private int namespace = -1;
    private int netlink = -1;
    private int stamp;

    KernelNat() {
        List<RuntimeException> failures = new ArrayList<>();
        // a thread of its own moves to the new namespace; devices, sockets and programs that it makes belong there
        Thread builder = new Thread(
                () -> {
                    try {
                        build();
                    } catch (RuntimeException e) {
                        failures.add(e);
                    }
                },
                "oracle-namespace");
        builder.start();
        try {
            builder.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        if (!failures.isEmpty()) {
            close();
            throw new IllegalStateException("the kernel's side cannot be built", failures.get(0));
        }
        for (int link = 0; link < sentinels.length; link++) {
            sentinels[link] = sentinel(link);
        }
    }

    private void build() {
        check(Sys.unshare(Sys.CLONE_NEWNET), "unshare: needs root or a user namespace");
        namespace = check(open("/proc/thread-self/ns/net"), "open the namespace");
        for (int link = 0; link < taps.length; link++) {
            taps[link] = tap(Net.linkName(link));
        }
        netlink = check(Sys.socket(Sys.AF_NETLINK, Sys.SOCK_RAW_CLOEXEC, Sys.NETLINK_NETFILTER), "netlink socket");
        shell(script());
    }

    private static int check(int result, String what) {
        if (result < 0) {
            throw new IllegalStateException(what + ": error " + Sys.errno());
        }
        return result;
    }

    private static int open(String path) {
        try (Memory memory = new Memory(path.length() + 1L)) {
            memory.setString(0, path, UTF_8.name());
            int flags = path.startsWith("/proc") ? 0x80000 : Sys.O_RDWR_NONBLOCK_CLOEXEC;
            return Sys.open(Pointer.nativeValue(memory), flags);
        }
    }

    private static int tap(String name) {
        int fd = check(open("/dev/net/tun"), "open /dev/net/tun");
        try (Memory request = new Memory(40)) {
            request.clear();
            request.setString(0, name, UTF_8.name());
            request.setShort(16, Sys.IFF_TAP_NO_PI);
            check(Sys.ioctl(fd, Sys.TUNSETIFF, Pointer.nativeValue(request)), "make the TAP device " + name);
        }
        return fd;
    }

    private static void shell(String script) {
        try {
            Process process = new ProcessBuilder("sh", "-euc", script)
                    .redirectErrorStream(true)
                    .start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException("while setting up the kernel: " + said);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String script() {
        StringBuilder s = new StringBuilder("PATH=$PATH:/usr/sbin:/sbin\n");
        for (String setting : SETTINGS) {
            int at = setting.indexOf('=');
            s.append("echo '")
                    .append(setting, at + 1, setting.length())
                    .append("' > /proc/sys/net/")
                    .append(setting, 0, at)
                    .append('\n');
        }
        s.append("ip link set lo up\nip address add ").append(Net.ALIAS_TEXT).append("/32 dev lo\n");
        for (int link = 0; link <= Net.GUESTS; link++) {
            String name = Net.linkName(link);
            boolean uplink = link == Net.UPLINK;
            s.append("ip link set ").append(name).append(" address ");
            s.append(uplink ? Net.UPLINK_MAC_TEXT : Net.ROUTER_MAC_TEXT).append('\n');
            s.append("ip link set ").append(name).append(" mtu 1500 up\n");
            if (uplink) {
                s.append("ip address add ").append(Net.SHARED_TEXT).append("/24 dev up0\n");
                s.append("ip address add ").append(Net.OWN_TEXT).append("/32 dev up0\n");
                s.append("ip neigh replace ").append(Net.ROUTER_TEXT);
                s.append(" lladdr " + Net.NEXT_HOP_MAC_TEXT + " dev up0 nud permanent\n");
                s.append("ip route add default via " + Net.ROUTER_TEXT + "\n");
            } else {
                String guest = Net.guestAddressText(link);
                s.append("ip route add ").append(guest).append("/32 dev ").append(name);
                s.append(" src ").append(Net.ALIAS_TEXT).append('\n');
                s.append("ip neigh replace ").append(guest).append(" lladdr ").append(Net.guestMacText(link));
                s.append(" dev ").append(name).append(" nud permanent\n");
            }
        }
        s.append("nft -f - <<'END'\n").append(ruleset()).append("END\n");
        return s.toString();
    }

    private static final String[] SETTINGS = {
        "ipv6/conf/all/disable_ipv6=1",
        "ipv6/conf/default/disable_ipv6=1",
        "ipv4/ip_forward=1",
        "ipv4/conf/all/rp_filter=1",
        "ipv4/conf/default/rp_filter=1",
        "ipv4/conf/all/accept_source_route=0",
        "ipv4/conf/default/accept_source_route=0",
        "ipv4/conf/all/accept_redirects=0",
        "ipv4/conf/all/send_redirects=0",
        "ipv4/conf/default/send_redirects=0",
        "ipv4/conf/all/log_martians=0",
        "ipv4/conf/default/log_martians=0",
        "ipv4/icmp_ratelimit=0",
        "ipv4/icmp_ratemask=0",
        "ipv4/ipfrag_time=1",
        "ipv4/ipfrag_high_thresh=268435456",
        "netfilter/nf_conntrack_checksum=1",
        "netfilter/nf_conntrack_tcp_loose=0",
        "netfilter/nf_conntrack_tcp_be_liberal=0",
        "netfilter/nf_conntrack_tcp_max_retrans=255",
        "netfilter/nf_conntrack_tcp_timeout_syn_sent=120",
        "netfilter/nf_conntrack_tcp_timeout_syn_recv=120",
        "netfilter/nf_conntrack_tcp_timeout_established=7440",
        "netfilter/nf_conntrack_tcp_timeout_fin_wait=7440",
        "netfilter/nf_conntrack_tcp_timeout_close_wait=7440",
        "netfilter/nf_conntrack_tcp_timeout_last_ack=240",
        "netfilter/nf_conntrack_tcp_timeout_time_wait=240",
        "netfilter/nf_conntrack_tcp_timeout_close=240",
        "netfilter/nf_conntrack_udp_timeout=300",
        "netfilter/nf_conntrack_udp_timeout_stream=300",
        "netfilter/nf_conntrack_icmp_timeout=60",
    };

    private static String ruleset() {
        StringBuilder forwards = new StringBuilder();
        for (Net.Forward f : Net.Forward.values()) {
            forwards.append("iifname \"up0\" ip daddr ").append(Net.SHARED_TEXT).append(' ');
            forwards.append(f.protocolName())
                    .append(" dport ")
                    .append(f.outsidePort)
                    .append(" dnat to ");
            forwards.append(Net.guestAddressText(f.guest))
                    .append(':')
                    .append(f.insidePort)
                    .append('\n');
        }
        String sentinel = "ip saddr " + SENTINEL_TEXT + " udp sport " + SENTINEL_PORT;
        return "table ip oracle {\n"
                + "chain untracked { type filter hook prerouting priority raw\n"
                + sentinel + " notrack accept\nip daddr " + SENTINEL_TEXT + " udp dport " + SENTINEL_PORT
                + " notrack accept\n}\n"
                // before the kernel counts down or answers anything
                + "chain early { type filter hook prerouting priority filter\n"
                + "ip ttl > 1 ct state invalid drop\n"
                + "iifname . ip saddr { " + guests("\"g%d\" . %s") + " } ip daddr { " + guests("%2$s")
                + " } ip ttl > 1 reject with icmp admin-prohibited\n}\n"
                + "chain pre { type nat hook prerouting priority dstnat\n" + forwards
                + "iifname \"up0\" ip daddr " + Net.OWN_TEXT + " dnat to " + Net.guestAddressText(Net.OWNER) + "\n}\n"
                + "chain post { type nat hook postrouting priority srcnat\n"
                + "oifname \"up0\" ip saddr " + Net.guestAddressText(Net.OWNER) + " snat to " + Net.OWN_TEXT + "\n"
                + "oifname \"up0\" masquerade\n}\n"
                + "chain through { type filter hook forward priority filter; policy drop\n"
                + "ct state untracked accept\nct state invalid drop\n"
                + "ct state established,related accept\n"
                + "iifname \"g*\" accept\nct status dnat accept\n}\n"
                + "chain own { type filter hook input priority filter; policy drop\n"
                + "ct state invalid drop\nicmp type echo-request accept\niifname \"g*\" accept\n}\n"
                // the end of an incomplete datagram comes when another case is on
                + "chain said { type filter hook output priority filter\n"
                + "icmp type time-exceeded icmp code 1 drop\n}\n"
                + "}\n";
    }

    private static String guests(String format) {
        return IntStream.rangeClosed(1, Net.GUESTS)
                .mapToObj(guest -> format.formatted(guest, Net.guestAddressText(guest)))
                .collect(Collectors.joining(", "));
    }

    private static byte[] sentinel(int link) {
        byte[] f = new byte[14 + 20 + 8 + 4];
        boolean uplink = link == Net.UPLINK;
        Octets.put48(f, 0, uplink ? Net.UPLINK_MAC : Net.ROUTER_MAC);
        Octets.put48(f, 6, uplink ? Net.NEXT_HOP_MAC : Net.guestMac(link));
        Octets.put16(f, 12, 0x0800);
        Octets.put8(f, 14, 0x45);
        Octets.put16(f, 16, 32);
        Octets.put8(f, 22, 64);
        Octets.put8(f, 23, 17);
        Octets.put32(f, 26, uplink ? SENTINEL : Net.guestAddress(link));
        Octets.put32(f, 30, uplink ? Net.guestAddress(1) : SENTINEL);
        Octets.put16(f, 24, ~Checksum.sum(f, 14, 20));
        Octets.put16(f, 34, SENTINEL_PORT);
        Octets.put16(f, 36, SENTINEL_PORT);
        Octets.put16(f, 38, 12);
        return f;
    }

    /** Whether a frame is a sentinel, and if so, that it is the one that is awaited. */
    private boolean isSentinel(byte[] f) {
        if (f.length != 46
                || Octets.u16(f, 12) != 0x0800
                || Octets.u8(f, 23) != 17
                || Octets.u16(f, 34) != SENTINEL_PORT
                || (Octets.i32(f, 26) != SENTINEL && Octets.i32(f, 30) != SENTINEL)) {
            return false;
        }
        if (Octets.i32(f, 42) != stamp) {
            throw new IllegalStateException("a sentinel came out of turn");
        }
        return true;
    }

    @Override
    public List<Emission> exchange(int link, byte[] frame) {
        write(taps[link], frame);
        byte[] sentinel = sentinels[link];
        Octets.put32(sentinel, 42, ++stamp);
        write(taps[link], sentinel);
        List<Emission> out = new ArrayList<>(1);
        int awaited = link == Net.UPLINK ? 1 : Net.UPLINK;
        drain(awaited, out, true);
        for (int other = 0; other < taps.length; other++) {
            if (other != awaited) {
                drain(other, out, false);
            }
        }
        return out;
    }

    private void write(int tap, byte[] frame) {
        buffer.write(0, frame, 0, frame.length);
        if (Sys.write(tap, Pointer.nativeValue(buffer), frame.length) != frame.length) {
            throw new IllegalStateException("the TAP device refuses a frame: error " + Sys.errno());
        }
    }

    /** Takes what waits on a device, or, where the sentinel is awaited, everything up to it. */
    private void drain(int link, List<Emission> out, boolean toSentinel) {
        while (true) {
            long length = Sys.read(taps[link], Pointer.nativeValue(buffer), ROOM);
            if (length < 0) {
                if (Sys.errno() != Sys.EAGAIN) {
                    throw new IllegalStateException("reading a TAP device: error " + Sys.errno());
                }
                if (!toSentinel) {
                    return;
                }
                pollRoom.setInt(0, taps[link]);
                pollRoom.setShort(4, (short) 1);
                if (Sys.poll(Pointer.nativeValue(pollRoom), 1, PATIENCE_MILLIS) == 0) {
                    throw new IllegalStateException("the sentinel did not come out of " + Net.linkName(link));
                }
                continue;
            }
            byte[] frame = buffer.getByteArray(0, (int) length);
            if (isSentinel(frame)) {
                return;
            }
            out.add(new Emission(link, frame));
        }
    }

    /** Empties the namespace's connection tracking table (ctnetlink's delete without a tuple). */
    @Override
    public void reset() {
        buffer.clear(64);
        buffer.setInt(0, 20);
        buffer.setShort(4, (short) 0x0102); // ctnetlink, delete
        buffer.setShort(6, (short) 5); // request, acknowledge
        buffer.setInt(8, 1);
        buffer.setByte(16, (byte) 2); // IPv4
        check((int) Sys.write(netlink, Pointer.nativeValue(buffer), 20), "flush connection tracking");
        check((int) Sys.read(netlink, Pointer.nativeValue(buffer), ROOM), "flush connection tracking");
        if (buffer.getShort(4) != 2 || buffer.getInt(16) != 0) {
            throw new IllegalStateException("flushing connection tracking: error " + -buffer.getInt(16));
        }
    }

    @Override
    public void close() {
        for (int tap : taps) {
            if (tap > 0) {
                Sys.close(tap);
            }
        }
        if (netlink >= 0) {
            Sys.close(netlink);
        }
        if (namespace >= 0) {
            Sys.close(namespace);
        }
    }
}
