package io.sharedip.pcap;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.FrameRing;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A network card as a link, by libpcap (through pcap4j).
 *
 * <pre>{@code
 * Link uplink = PcapLink.uplink("eth0");
 * Link guest = PcapLink.guest("veth-guest1").withBufferSize(64 << 20);
 * }</pre>
 *
 * <p>The card is opened promiscuous and in immediate mode, with a snap length taken from its MTU, jumbo frames included. Only
 * what arrives from the cable comes in: neither own injections nor what the host itself sends. VLAN tags are kept.
 *
 * <p><b>Guest cards are sealed.</b> The host's kernel receives whatever arrives on a card of its own: it would answer ARP for its
 * own address on any of them (a guest that asks about its own, same, address would hear that it is taken), and a guest
 * could reach the host's services past every rule. A {@linkplain #guest guest link} therefore shuts the host's stack out
 * of the card while it is open, by a packet filter table ({@code nft}, family netdev) that the kernel removes as soon as this process ends,
 * however it ends. It drops behind the point where captures take their copy. {@code tc} was not chosen for it because its filters
 * outlive the process and need kernel modules that are not everywhere. Where the card vanishes and comes back, a fresh card is open
 * to the host until the link has found it, at most half a second.
 *
 * <p><b>Offloads.</b> What merges received frames (GRO, LRO) is switched off on the card while the link is open, or, where that
 * is not allowed, named in a notice with the {@code ethtool} line. Frames with a partial TCP or UDP checksum, as the other end
 * of a veth pair sends them by default, are recognised and marked as {@link io.sharedip.packet.ChecksumState#PARTIAL}.
 * Frames longer than the MTU cannot be sent on by anybody: they are dropped and counted, and one notice names the line that stops
 * the sender from making them, {@code ethtool -K ... tx off}, to be run at the other end.
 *
 * <p><b>A lost card</b> (removed, or switched off) is told by {@link LinkHost#down}; the link then tries twice a second to open it
 * again and tells {@link LinkHost#up()} when it has. A card whose MTU changes is reopened; {@link #mtu()} stays what it was.
 *
 * <p><b>Threads.</b> As {@link Link} says. A daemon thread of its own waits for frames and puts them into a ring, which
 * {@link #poll} empties. The {@code with} methods make new links and are thread-safe, as are the counters.
 *
 * <p>Needs Linux, libpcap, and CAP_NET_RAW; a guest link also needs CAP_NET_ADMIN and nftables.
 */
public final class PcapLink implements Link {

    private static final Logger LOG = LoggerFactory.getLogger(PcapLink.class);

    private static final int DEFAULT_BUFFER = 32 << 20;
    private static final int DEFAULT_QUEUE = 4 << 20;
    private static final int MIN_BUFFER = 1 << 20;
    private static final int MAX_BUFFER = 1 << 30;
    private static final long RETRY_MILLIS = 500;
    private static final long CLOSE_MILLIS = 950;

    private final String card;
    private final boolean sealed;
    private final int bufferOctets;
    private final int queueOctets;

    private final AtomicLong superFrames = new AtomicLong();
    private final AtomicLong partialChecksums = new AtomicLong();
    private final AtomicLong lostByKernel = new AtomicLong();
    private FrameRing ring;
    private volatile @Nullable Capture capture;
    private volatile boolean closing;
    private @Nullable Thread reader;
    private volatile @Nullable MacAddress mac;
    private int mtu = 1500;
    private int wakeFd = -1;
    private final Object wakeLock = new Object();

    private PcapLink(String card, boolean sealed, int bufferOctets, int queueOctets) {
        this.card = card;
        this.sealed = sealed;
        this.bufferOctets = bufferOctets;
        this.queueOctets = queueOctets;
        this.ring = new FrameRing(1024); // replaced when the link is opened: links that are only described cost nothing
    }

    /**
     * A card that leads outside. The host goes on using it.
     *
     * @param interfaceName e.g. {@code "eth0"}
     * @return a link that is not open yet
     * @throws ConfigurationException if that cannot be the name of a card; whether it exists is seen at {@link #open}
     */
    public static PcapLink uplink(String interfaceName) {
        return new PcapLink(Card.checkName(interfaceName), false, DEFAULT_BUFFER, DEFAULT_QUEUE);
    }

    /**
     * A card that leads to guests: the host's end of a veth pair, a tap, a card of its own. While the link is open the host's
     * kernel is shut out of it.
     *
     * @param interfaceName e.g. {@code "veth-guest1"}
     * @return a link that is not open yet
     * @throws ConfigurationException if that cannot be the name of a card; whether it exists is seen at {@link #open}
     */
    public static PcapLink guest(String interfaceName) {
        return new PcapLink(Card.checkName(interfaceName), true, DEFAULT_BUFFER, DEFAULT_QUEUE);
    }

    /**
     * A link like this one with another capture buffer in the kernel, where frames wait when the engine lags.
     *
     * @param octets 1 MiB to 1 GiB; 32 MiB unless set. Each frame takes the MTU's room in it.
     * @return a new link that is not open yet
     * @throws ConfigurationException if out of range
     */
    public PcapLink withBufferSize(int octets) {
        return new PcapLink(card, sealed, checkSize("buffer size", octets), queueOctets);
    }

    /**
     * A link like this one with another queue between the reading thread and the engine.
     *
     * @param octets 1 MiB to 1 GiB; 4 MiB unless set
     * @return a new link that is not open yet
     * @throws ConfigurationException if out of range
     */
    public PcapLink withQueueSize(int octets) {
        return new PcapLink(card, sealed, bufferOctets, checkSize("queue size", octets));
    }

    private static int checkSize(String setting, int octets) {
        if (octets < MIN_BUFFER || octets > MAX_BUFFER) {
            throw new ConfigurationException(
                    setting,
                    Integer.toString(octets),
                    "is out of range",
                    "use " + MIN_BUFFER + " to " + MAX_BUFFER + " octets");
        }
        return octets;
    }

    /** {@code "pcap:"} and the name of the card. */
    @Override
    public String name() {
        return "pcap:" + card;
    }

    /** The card's MTU when the link was opened; 1500 before. */
    @Override
    public int mtu() {
        return mtu;
    }

    /** The card's own address; empty before the link is opened. A card that was made anew may come back with another one. */
    @Override
    public Optional<MacAddress> macAddress() {
        return Optional.ofNullable(mac);
    }

    @Override
    public void open(LinkHost host) {
        Objects.requireNonNull(host, "host");
        if (closing || reader != null) {
            throw new IllegalStateException(name() + " was opened before");
        }
        requireLibraries(name());
        wakeFd = LibC.eventfd(0, LibC.EFD_FLAGS);
        if (wakeFd < 0) {
            throw new LinkException(name(), "no file descriptor is left", "raise `ulimit -n`", null);
        }
        Capture first;
        try {
            ring = new FrameRing(queueOctets);
            first = Capture.open(this, card, sealed, bufferOctets, wakeFd);
        } catch (RuntimeException e) {
            closeWake();
            throw e;
        }
        mtu = Math.min(first.card().mtu(), 65_520);
        mac = first.card().mac();
        capture = first;
        Thread thread = new Thread(() -> run(host, first), "sharedip-" + name());
        thread.setDaemon(true);
        reader = thread;
        thread.start();
    }

    /** Refuses where the natives are missing, naming the package that has them. */
    static void requireLibraries(String link) {
        if (!Platform.isLinux() || Native.POINTER_SIZE != 8) {
            throw new LinkException(link, "works on 64-bit Linux only", "use a link of sharedip-netty here", null);
        }
        try {
            LibPcap.library();
            LibC.errno();
        } catch (LinkageError e) {
            throw new LinkException(link, "libpcap is missing", "run: apt-get install libpcap0.8", e);
        }
    }

    private void run(LinkHost host, Capture first) {
        Capture current = first;
        try {
            tellOffloads(host, current);
            while (true) {
                String reason = readUntilLost(host, current);
                capture = null;
                current.close();
                if (closing || reason == null) {
                    return;
                }
                LOG.warn("{}: {}", name(), reason);
                host.down(reason);
                Capture next = reopen();
                if (next == null) {
                    return;
                }
                current = next;
                capture = next;
                mac = next.card().mac();
                LOG.info("{} is back", name());
                host.up();
                tellOffloads(host, current);
            }
        } finally {
            capture = null;
            closeWake();
        }
    }

    private @Nullable String readUntilLost(LinkHost host, Capture current) {
        try {
            return current.read(host);
        } catch (RuntimeException e) {
            LOG.error("{}: reading failed", name(), e);
            return "reading failed: " + e;
        }
    }

    /** Tries until the card is back; {@code null} if the link is closed meanwhile. */
    private @Nullable Capture reopen() {
        String told = "";
        while (true) {
            synchronized (wakeLock) {
                if (closing) {
                    return null;
                }
                try {
                    TimeUnit.MILLISECONDS.timedWait(wakeLock, RETRY_MILLIS);
                } catch (InterruptedException e) {
                    return null; // nobody but the embedder's own tools interrupts this thread, and they mean it
                }
                if (closing) {
                    return null;
                }
            }
            try {
                return Capture.open(this, card, sealed, bufferOctets, wakeFd);
            } catch (RuntimeException e) {
                String message = String.valueOf(e.getMessage());
                if (!message.equals(told)) {
                    LOG.info("{}: still down: {}", name(), message);
                    told = message;
                }
            }
        }
    }

    private void tellOffloads(LinkHost host, Capture current) {
        String command = current.offloads().command();
        if (!command.isEmpty()) {
            host.notice(
                    "the card merges received frames, which is not allowed to be switched off here; run: " + command);
        } else if (!current.offloads().switchedOff().isEmpty()) {
            LOG.info("{}: switched off {}", name(), current.offloads().switchedOff());
        }
    }

    void onSuperFrame(LinkHost host, Card on, int length) {
        if (superFrames.getAndIncrement() == 0) {
            host.notice("dropped a frame of " + length + " octets, more than the MTU of " + on.mtu()
                    + ": the sending end leaves segmentation to its card; run there: " + transmitCommand(on));
        }
    }

    void onPartialChecksum(LinkHost host, Card on) {
        if (partialChecksums.getAndIncrement() == 0) {
            host.notice("frames arrive with partial checksums, which are completed here at some cost;"
                    + " to avoid it run at the sending end: " + transmitCommand(on));
        }
    }

    private static String transmitCommand(Card on) {
        return "ethtool -K " + on.peerName() + " tx off";
    }

    FrameRing ring() {
        return ring;
    }

    boolean isClosing() {
        return closing;
    }

    /** Makes the reading thread look around. */
    void wake() {
        synchronized (wakeLock) {
            wakeLock.notifyAll();
            if (wakeFd >= 0) {
                try (Memory one = new Memory(8)) {
                    one.setLong(0, 1);
                    LibC.write(wakeFd, LibC.address(one), 8);
                }
            }
        }
    }

    void clearWake() {
        try (Memory counter = new Memory(8)) {
            LibC.read(wakeFd, LibC.address(counter), 8);
        }
    }

    private void closeWake() {
        synchronized (wakeLock) {
            if (wakeFd >= 0) {
                LibC.close(wakeFd);
                wakeFd = -1;
            }
        }
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        return ring.drain(handler, limit);
    }

    /**
     * Puts a frame on the cable at once.
     *
     * @return false if the card is lost, its queue is full, or the frame is longer than the card takes
     */
    @Override
    public boolean send(Frame frame) {
        Capture current = capture;
        return current != null && current.inject(frame);
    }

    /** Does nothing: frames leave one by one. */
    @Override
    public void flush() {}

    /**
     * How many frames longer than the MTU were dropped.
     *
     * @return 0 or more, ever growing
     */
    public long superFrames() {
        return superFrames.get();
    }

    /**
     * How many frames arrived with a partial checksum.
     *
     * @return 0 or more, ever growing
     */
    public long partialChecksums() {
        return partialChecksums.get();
    }

    /**
     * How many frames the kernel lost because the capture buffer was full; up to date within half a second.
     *
     * @return 0 or more, ever growing
     */
    public long overruns() {
        return lostByKernel.get();
    }

    void addOverruns(long frames) {
        lostByKernel.addAndGet(frames);
    }

    @Override
    public void close() {
        closing = true;
        wake();
        Thread thread = reader;
        if (thread == null || thread == Thread.currentThread()) {
            return;
        }
        try {
            thread.join(CLOSE_MILLIS);
            if (thread.isAlive()) {
                LOG.warn("{}: the reading thread is still at work", name());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The name, and whether the host is shut out. */
    @Override
    public String toString() {
        return name() + (sealed ? " (sealed)" : "");
    }
}
