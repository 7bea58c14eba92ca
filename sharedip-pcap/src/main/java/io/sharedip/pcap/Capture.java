package io.sharedip.pcap;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import io.sharedip.LinkException;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapNativeException;
import org.pcap4j.core.PcapNetworkInterface.PromiscuousMode;

/**
 * One opening of a card: from {@link #open} until the card is lost or the link is closed.
 *
 * <p>{@link #read} belongs to one thread, {@link #inject} to another; {@link #close()} is called by the reading one.
 */
final class Capture implements AutoCloseable {

    private static final int ETHERNET_HEADER = 14;
    private static final int VLAN_TAGS = 8;
    private static final int DLT_EN10MB = 1;
    private static final int BATCH = 64;
    private static final int CHECK_MILLIS = 500;
    private static final long FULL_RING_PAUSE_NANOS = 50_000;
    private static final int WINDOW = 1 << 30;
    private static final int HEADER_CAPTURED = 16;
    private static final int HEADER_LENGTH = 20;
    private static final int SEND_BUFFER = 4 << 20;

    private final PcapLink link;
    private final Card card;
    private final int longest;
    private final Offloads offloads;
    private final @Nullable Seal seal;
    private final PcapHandle pcap;
    private final int fd;

    private final Memory pointers = new Memory(16);
    private final ByteBuffer pointersView = pointers.getByteBuffer(0, 16);
    private final Memory polled = new Memory(16);
    private final Memory stats = new Memory(16);
    private final byte[] scratch;
    private final Frame frame = new Frame();
    private ByteBuffer header = ByteBuffer.allocate(0);
    private long headerAddress;
    private ByteBuffer window = ByteBuffer.allocate(0);
    private long windowAddress = Long.MAX_VALUE;
    private long nextCheck = System.nanoTime();
    private int knownOverruns;

    private final Object injecting = new Object();
    private final Memory out;
    private final long outAddress;
    private final ByteBuffer outView;
    private long handle; // guarded by injecting where it is not the reading thread that reads

    private Capture(
            PcapLink link,
            Card card,
            Offloads offloads,
            @Nullable Seal seal,
            PcapHandle pcap,
            long handle,
            int wakeFd) {
        this.link = link;
        this.card = card;
        this.longest = card.mtu() + ETHERNET_HEADER + VLAN_TAGS;
        this.offloads = offloads;
        this.seal = seal;
        this.pcap = pcap;
        this.handle = handle;
        this.fd = LibPcap.pcap_get_selectable_fd(handle);
        this.scratch = new byte[snapLength(card)];
        this.out = new Memory(longest);
        this.outAddress = LibC.address(out);
        this.outView = out.getByteBuffer(0, longest);
        pointersView.order(ByteOrder.nativeOrder());
        polled.clear();
        polled.setInt(0, fd);
        polled.setShort(4, LibC.POLLIN);
        polled.setInt(8, wakeFd);
        polled.setShort(12, LibC.POLLIN);
    }

    /** Room for the longest frame with two VLAN tags, and a little more, so that a longer one is told from one cut off. */
    private static int snapLength(Card card) {
        return Math.max(card.mtu(), 1500) + 64;
    }

    /**
     * Opens a card: first the seal, so that the host sees nothing that is captured, then the offloads, then the capture.
     *
     * @param sealed whether to shut the host out
     * @param wakeFd an eventfd that makes {@link #read} look at {@link PcapLink#isClosing()}
     * @throws LinkException with the cure; nothing stays acquired
     */
    static Capture open(PcapLink link, String cardName, boolean sealed, int bufferOctets, int wakeFd) {
        Card card = Card.require(link.name(), cardName);
        Seal seal = null;
        Offloads offloads = null;
        PcapHandle pcap = null;
        try {
            seal = sealed ? Seal.of(link.name(), cardName) : null;
            offloads = Offloads.switchOff(cardName);
            pcap = openPcap(link, card, bufferOctets);
            long handle = LibPcap.address(pcap);
            prepare(link, handle);
            Capture capture = new Capture(link, card, offloads, seal, pcap, handle, wakeFd);
            if (seal != null
                    && seal.mark() != 0
                    && !LibC.setIntOption(capture.fd, LibC.SOL_SOCKET, LibC.SO_MARK, seal.mark())) {
                throw new LinkException(
                        link.name(), "frames cannot be marked, error " + LibC.errno(), "give java CAP_NET_ADMIN", null);
            }
            if (seal != null) {
                seal.onBroken(link::wake);
            }
            return capture;
        } catch (ReflectiveOperationException | RuntimeException e) {
            release(pcap, offloads, seal);
            if (e instanceof LinkException known) {
                throw known;
            }
            throw new LinkException(link.name(), "pcap4j cannot be used: " + e, "use pcap4j-core 1.8.2", e);
        }
    }

    private static PcapHandle openPcap(PcapLink link, Card card, int bufferOctets) {
        try {
            return new PcapHandle.Builder(card.name())
                    .snaplen(snapLength(card))
                    .promiscuousMode(PromiscuousMode.PROMISCUOUS)
                    .immediateMode(true)
                    .timeoutMillis(1)
                    .bufferSize(bufferOctets)
                    .direction(PcapHandle.PcapDirection.IN)
                    .build();
        } catch (PcapNativeException e) {
            throw openFailure(link.name(), card.name(), String.valueOf(e.getMessage()), e);
        }
    }

    /** Makes an exception with a cure out of what libpcap says. */
    static LinkException openFailure(String link, String card, String said, @Nullable Throwable cause) {
        String text = said.strip();
        String lower = text.toLowerCase(Locale.ROOT);
        if (lower.contains("permission") || lower.contains("permitted")) {
            return new LinkException(
                    link,
                    "the right to capture on the card is missing (" + text + ")",
                    "run as root, or give java CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN;"
                            + " or setcap cap_net_raw,cap_net_admin+eip on the java program),"
                            + " or use a user namespace (unshare -Urn)",
                    cause);
        }
        if (lower.contains("not up") || lower.contains("is down")) {
            return new LinkException(link, "the card is down", "run: ip link set " + card + " up", cause);
        }
        if (lower.contains("memory") || lower.contains("buffer")) {
            return new LinkException(link, text, "choose a smaller buffer by withBufferSize", cause);
        }
        return new LinkException(link, text, null, cause);
    }

    private static void prepare(PcapLink link, long handle) {
        int type = LibPcap.pcap_datalink(handle);
        if (type != DLT_EN10MB) {
            throw new LinkException(link.name(), "the card has no Ethernet frames, but link type " + type, null, null);
        }
        try (Memory error = new Memory(512)) {
            error.clear();
            if (LibPcap.pcap_setnonblock(handle, 1, LibC.address(error)) != 0) {
                throw new LinkException(link.name(), error.getString(0), null, null);
            }
        }
        int fd = LibPcap.pcap_get_selectable_fd(handle);
        // Linux 4.20; before that libpcap's direction does it, frame by frame
        LibC.setIntOption(fd, LibC.SOL_PACKET, LibC.PACKET_IGNORE_OUTGOING, 1);
        if (!LibC.setIntOption(fd, LibC.SOL_SOCKET, LibC.SO_SNDBUFFORCE, SEND_BUFFER)) {
            LibC.setIntOption(fd, LibC.SOL_SOCKET, LibC.SO_SNDBUF, SEND_BUFFER);
        }
    }

    Card card() {
        return card;
    }

    Offloads offloads() {
        return offloads;
    }

    /**
     * Puts what arrives into the link's ring until the card is lost.
     *
     * @return why the card is lost, or {@code null} if the link is being closed
     */
    @Nullable
    String read(LinkHost host) {
        long at = LibC.address(pointers);
        long polledAt = LibC.address(polled);
        int count = 0;
        while (true) {
            int rc = LibPcap.pcap_next_ex(handle, at, at + 8);
            if (rc == 1) {
                if (!take(host)) {
                    return null;
                }
                if (++count < BATCH) {
                    continue;
                }
            }
            if (count > 0) {
                host.wakeup();
                count = 0;
            }
            if (link.isClosing()) {
                return null;
            }
            if (rc < 0) {
                String said = LibPcap.lastError(handle);
                String lost = lost();
                return lost != null ? lost : said;
            }
            long now = System.nanoTime();
            boolean check = now - nextCheck >= 0;
            if (rc == 0) {
                polled.setShort(6, (short) 0);
                LibC.poll(polledAt, 2, CHECK_MILLIS);
                check |= (polled.getShort(6) & ~LibC.POLLIN) != 0 || polled.getShort(14) != 0;
            }
            if (check) {
                link.clearWake();
                nextCheck = now + TimeUnit.MILLISECONDS.toNanos(CHECK_MILLIS);
                // reading the pending error clears it, or poll would return at once for ever
                LibC.intOption(fd, LibC.SOL_SOCKET, LibC.SO_ERROR);
                countOverruns();
                String lost = lost();
                if (lost != null) {
                    return lost;
                }
            }
        }
    }

    private @Nullable String lost() {
        Card now = Card.find(link.name(), card.name()).orElse(null);
        if (now == null) {
            return "the card has vanished";
        }
        if (now.index() != card.index()) {
            return "the card was replaced by another one of the same name";
        }
        if (!now.up()) {
            return "the card is down";
        }
        if (now.mtu() != card.mtu()) {
            return "the card's MTU changed from " + card.mtu() + " to " + now.mtu();
        }
        if (seal != null && !seal.isAlive()) {
            return "the seal against the host's kernel was broken";
        }
        return null;
    }

    /** Copies the frame that libpcap points to; false if the link is being closed. */
    private boolean take(LinkHost host) {
        long headerAt = pointersView.getLong(0);
        if (headerAt != headerAddress) {
            header = new Pointer(headerAt).getByteBuffer(0, 24).order(ByteOrder.nativeOrder());
            headerAddress = headerAt;
        }
        int captured = header.getInt(HEADER_CAPTURED);
        int length = header.getInt(HEADER_LENGTH);
        if (length > longest || captured < length) {
            link.onSuperFrame(host, card, length);
            return true;
        }
        long dataAt = pointersView.getLong(8);
        // One window over libpcap's whole ring instead of a buffer object per frame. Making it touches no memory; only
        // octets that libpcap has handed over are read.
        if (dataAt < windowAddress || dataAt - windowAddress > WINDOW - captured) {
            windowAddress = Math.max(0, dataAt - WINDOW / 2);
            window = new Pointer(windowAddress).getByteBuffer(0, WINDOW);
        }
        window.get((int) (dataAt - windowAddress), scratch, 0, captured);
        frame.wrap(scratch, 0, captured);
        if (PartialChecksums.isPartial(scratch, captured)) {
            frame.checksumState(ChecksumState.PARTIAL);
            link.onPartialChecksum(host, card);
        }
        // The kernel's buffer is the larger one: when the engine lags, frames wait, and are lost, there.
        while (!link.ring().offer(frame)) {
            if (link.isClosing()) {
                return false;
            }
            host.wakeup();
            LockSupport.parkNanos(FULL_RING_PAUSE_NANOS);
        }
        return true;
    }

    /** Sends a frame; false if the card did not take it. */
    boolean inject(Frame outgoing) {
        int length = outgoing.length();
        if (length > longest) {
            return false;
        }
        synchronized (injecting) {
            if (handle == 0) {
                return false;
            }
            outView.put(0, outgoing.array(), outgoing.offset(), length);
            return LibPcap.pcap_inject(handle, outAddress, length) == length;
        }
    }

    private void countOverruns() {
        if (LibPcap.pcap_stats(handle, LibC.address(stats)) == 0) {
            int dropped = stats.getInt(4);
            link.addOverruns(Integer.toUnsignedLong(dropped - knownOverruns));
            knownOverruns = dropped;
        }
    }

    @Override
    public void close() {
        synchronized (injecting) {
            handle = 0;
        }
        release(pcap, offloads, seal);
        pointers.close();
        polled.close();
        stats.close();
        out.close();
    }

    private static void release(@Nullable PcapHandle pcap, @Nullable Offloads offloads, @Nullable Seal seal) {
        if (pcap != null) {
            try {
                pcap.breakLoop();
            } catch (NotOpenException e) {
                // closed already, which is what is wanted
            }
            pcap.close();
        }
        if (offloads != null) {
            offloads.restore();
        }
        if (seal != null) {
            seal.close();
        }
    }
}
