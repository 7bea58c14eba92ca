package io.sharedip.pcap;

import com.sun.jna.Memory;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Claims by sockets. The order matters for TCP: bind, filter, listen. A socket that only is bound would let the kernel send
 * resets, and one that listens before it has its filter would answer a SYN in between.
 *
 * <p>{@code SO_REUSEADDR} stays off. With it a port in TIME_WAIT could be had, but the kernel would go on to answer segments from
 * the old peer, which may be the very one a guest talks to next; and a port could be shared with connections of the host. Without
 * it, a successful bind means that nobody else has the port, and a listening socket means that nobody gets it later.
 */
final class SocketClaims extends LinuxPortClaims {

    private static final int FIRST_UNPRIVILEGED_PORT = 1024;
    private static final int SOCKADDR_SIZE = 16;
    private static final int RETURN_CONSTANT = 0x06; // BPF_RET | BPF_K
    private static final int SPARE_DESCRIPTORS = 256;

    private final int[] tcp = none();
    private final int[] udp = none();
    private final BitSet claimedTcp = new BitSet(1 << 16);
    private final BitSet claimedUdp = new BitSet(1 << 16);
    /** Sockets of whole protocols, by number. */
    private final Map<Integer, Integer> whole = new HashMap<>();

    private @Nullable Memory dropAll;
    private @Nullable Memory dropAllProgram;

    private static int[] none() {
        int[] descriptors = new int[1 << 16];
        Arrays.fill(descriptors, -1);
        return descriptors;
    }

    @Override
    public String kind() {
        return "sockets";
    }

    @Override
    public boolean reservesPorts() {
        return true;
    }

    @Override
    void begin(Ipv4Address address) {
        Memory instruction = new Memory(8); // struct sock_filter: return 0, which is "keep no octet"
        instruction.clear();
        instruction.setShort(0, (short) RETURN_CONSTANT);
        Memory program = new Memory(16); // struct sock_fprog
        program.clear();
        program.setShort(0, (short) 1);
        program.setPointer(8, instruction);
        dropAll = instruction;
        dropAllProgram = program;
        checkDescriptors(address.toString(), 1);
        // one socket on any port shows whether the address is the host's and whether filters are allowed
        int fd = -1;
        try {
            fd = open(address, IpProtocol.UDP, 0);
        } finally {
            if (fd >= 0) {
                LibC.close(fd);
            }
        }
    }

    @Override
    BitSet claimPorts(Ipv4Address address, IpProtocol protocol, PortRange ports) {
        BitSet claimed = claimed(protocol);
        int missing = ports.size() - within(claimed, ports).cardinality();
        checkDescriptors(protocol + " " + ports, missing);
        int[] descriptors = descriptors(protocol);
        BitSet fresh = new BitSet();
        try {
            for (int port = ports.first(); port <= ports.last(); port++) {
                if (!claimed.get(port)) {
                    int fd = open(address, protocol, port);
                    if (fd >= 0) {
                        descriptors[port] = fd;
                        claimed.set(port);
                        fresh.set(port);
                    }
                }
            }
        } catch (PortClaimException e) {
            ranges(fresh).forEach(range -> releasePorts(protocol, range));
            throw e;
        }
        return within(claimed, ports);
    }

    /** Makes the socket of one port; -1 if the port is in use. */
    private int open(Ipv4Address address, IpProtocol protocol, int port) {
        boolean isTcp = protocol.equals(IpProtocol.TCP);
        int type = (isTcp ? LibC.SOCK_STREAM : LibC.SOCK_DGRAM) | LibC.SOCK_CLOEXEC;
        int fd = LibC.socket(LibC.AF_INET, type, 0);
        if (fd < 0) {
            throw failure(address, protocol, port, "no socket can be made", LibC.errno());
        }
        int errno = prepare(fd, address, isTcp, port);
        if (errno == 0) {
            return fd;
        }
        LibC.close(fd);
        if (errno == LibC.EADDRINUSE) {
            return -1;
        }
        throw failure(address, protocol, port, "cannot be claimed", errno);
    }

    /** Returns 0 or the error number. */
    private int prepare(int fd, Ipv4Address address, boolean isTcp, int port) {
        try (Memory name = new Memory(SOCKADDR_SIZE)) {
            name.clear();
            name.setShort(0, (short) LibC.AF_INET);
            name.getByteBuffer(0, SOCKADDR_SIZE)
                    .order(ByteOrder.BIG_ENDIAN)
                    .putShort(2, (short) port)
                    .putInt(4, address.bits());
            // the filter first of all: a UDP socket receives as soon as it is bound
            Memory program = dropAllProgram;
            if (program == null) {
                throw new IllegalStateException("not begun");
            }
            if (LibC.setsockopt(fd, LibC.SOL_SOCKET, LibC.SO_ATTACH_FILTER, LibC.address(program), (int) program.size())
                    != 0) {
                return LibC.errno();
            }
            if (!isTcp) {
                LibC.setIntOption(fd, LibC.SOL_SOCKET, LibC.SO_RCVBUF, 0);
            }
            if (LibC.bind(fd, LibC.address(name), SOCKADDR_SIZE) != 0) {
                return LibC.errno();
            }
            if (isTcp && LibC.listen(fd, 1) != 0) {
                return LibC.errno();
            }
            return 0;
        }
    }

    private static PortClaimException failure(
            Ipv4Address address, IpProtocol protocol, int port, String problem, int errno) {
        String ports = port == 0 ? address.toString() : protocol + " " + port;
        if (errno == LibC.EADDRNOTAVAIL) {
            return new PortClaimException(
                    ports, address + " is not an address of this host", "use one that `ip address` shows", null);
        }
        if (errno == LibC.EMFILE) {
            return new PortClaimException(ports, "no file descriptor is left", descriptorCure(0), null);
        }
        if (LibC.isDenied(errno) && (port == 0 || port >= FIRST_UNPRIVILEGED_PORT)) {
            return new PortClaimException(
                    ports,
                    "the right to filter a socket is missing here",
                    "run as root, give java CAP_NET_ADMIN, or use a user namespace (unshare -Urn)",
                    null);
        }
        if (LibC.isDenied(errno)) {
            return new PortClaimException(
                    ports,
                    "the right to bind is missing",
                    "run as root, or give java CAP_NET_BIND_SERVICE, or choose ports from 1024 on",
                    null);
        }
        return new PortClaimException(ports, problem + ", error " + errno, null, null);
    }

    /** Refuses before the first socket if there are not enough descriptors for all of them. */
    private static void checkDescriptors(String ports, int wanted) {
        long limit;
        try (Memory limits = new Memory(16)) {
            if (LibC.getrlimit(LibC.RLIMIT_NOFILE, LibC.address(limits)) != 0) {
                return;
            }
            limit = limits.getLong(0);
        }
        long used = 0;
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path ignored : open) {
                used++;
            }
        } catch (IOException e) {
            return;
        }
        if (limit >= 0 && used + wanted + SPARE_DESCRIPTORS > limit) {
            throw new PortClaimException(
                    ports,
                    "takes " + wanted + " file descriptors, and " + Math.max(0, limit - used) + " of " + limit
                            + " are left",
                    descriptorCure(used + wanted + SPARE_DESCRIPTORS),
                    null);
        }
    }

    private static String descriptorCure(long atLeast) {
        return "raise `ulimit -n` (systemd: LimitNOFILE)" + (atLeast > 0 ? " to " + atLeast : "")
                + ", claim fewer ports, or claim by firewall";
    }

    @Override
    void releasePorts(IpProtocol protocol, PortRange ports) {
        int[] descriptors = descriptors(protocol);
        BitSet claimed = claimed(protocol);
        for (int port = ports.first(); port <= ports.last(); port++) {
            if (descriptors[port] >= 0) {
                LibC.close(descriptors[port]);
                descriptors[port] = -1;
                claimed.clear(port);
            }
        }
    }

    @Override
    void claimWhole(Ipv4Address address, IpProtocol protocol) {
        if (whole.containsKey(protocol.number())) {
            return;
        }
        checkDescriptors("protocol " + protocol, 1);
        // a raw socket that matches is enough for the kernel to hold its peace, whatever the socket does with the
        // packet
        int fd = LibC.socket(LibC.AF_INET, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC, protocol.number());
        int errno = fd < 0 ? LibC.errno() : prepare(fd, address, false, 0);
        if (errno == 0) {
            whole.put(protocol.number(), fd);
            return;
        }
        if (fd >= 0) {
            LibC.close(fd);
        }
        if (LibC.isDenied(errno)) {
            throw new PortClaimException(
                    "protocol " + protocol,
                    "the right to open a raw socket is missing",
                    "run as root, or give java CAP_NET_RAW and CAP_NET_ADMIN",
                    null);
        }
        throw failure(address, protocol, 0, "cannot be claimed", errno);
    }

    private int[] descriptors(IpProtocol protocol) {
        return protocol.equals(IpProtocol.TCP) ? tcp : udp;
    }

    @Override
    BitSet claimed(IpProtocol protocol) {
        return protocol.equals(IpProtocol.TCP) ? claimedTcp : claimedUdp;
    }

    @Override
    void end() {
        PortRange all = PortRange.of(1, PortRange.MAX_PORT);
        releasePorts(IpProtocol.TCP, all);
        releasePorts(IpProtocol.UDP, all);
        whole.values().forEach(LibC::close);
        whole.clear();
        for (Memory memory : new @Nullable Memory[] {dropAllProgram, dropAll}) {
            if (memory != null) {
                memory.close();
            }
        }
        dropAllProgram = null;
        dropAll = null;
    }
}
