package io.sharedip.nat.internal.engine;

import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.nat.internal.flow.FlowKey;
import io.sharedip.nat.internal.flow.KeyedHash;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Ipv4View;
import io.sharedip.stats.DropReason;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Puts datagrams together from their fragments (RFC 791 section 3.2), in whatever order they come.
 *
 * <p><b>Keys.</b> A datagram is known by the link it comes from, its addresses, protocol and identification, so guests that have the same
 * address do not mix.
 *
 * <p><b>Room.</b> The octets of a datagram are at their offsets in <em>pages</em> of {@value #PAGE} octets, taken from a bounded pool as
 * fragments touch them. A bit for each 8 octets says whether they are there, another whether a fragment begins with them: overlaps and
 * exact duplicates are told apart in time proportional to the fragment at hand, whatever came before. The unit of account is a page; a
 * datagram costs its pages and never less than one, a {@linkplain #spoil spoilt} one too, so this bounds the datagrams as well.
 *
 * <p><b>Fairness.</b> Every datagram is charged to a <em>holder</em>: a guest, or a group of outside sources. Who exceeds its own share
 * loses its oldest datagram. Where the pool is empty, the holder that has most loses its oldest; if nobody has more than one large
 * datagram may need, the oldest of all goes. All of this is O(1).
 *
 * <p><b>Overlaps.</b> A fragment that overlaps another without being its exact duplicate, or contradicts what is known of the datagram's
 * length, spoils the datagram: what has been collected is dropped, and so is what still comes, until the timeout (RFC 1858, RFC 3128).
 */
final class Reassembly {

    /** What became of a fragment. */
    enum Result {
        /** It is kept until the rest comes. */
        HELD,
        /** It was the last that was missing: {@link #take} the datagram. */
        WHOLE,
        /** It is dropped, for the {@link #reason()}. */
        REFUSED,
        /** It is the host's, and so is the rest of its datagram. */
        LEFT
    }

    /** Whose a datagram from outside is. */
    enum Party {
        /** Not known before the first fragment is there. */
        UNKNOWN,
        /** A port of the gateway's. */
        GATEWAY,
        /** Not the gateway's. */
        HOST
    }

    /** What is told of datagrams that come to nothing. */
    interface Owner {
        /**
         * A datagram is dropped, or left to the host if the reason is null. Called before it is forgotten.
         *
         * @param datagram whose {@link #frames}, {@link #link} and {@link #party} can be asked for
         */
        void givenUp(Reassembly table, int datagram, @Nullable DropReason why);
    }

    /** Octets of a page. */
    static final int PAGE = 2048;

    static final int NONE = -1;

    private static final int LONGEST = 65_535;
    private static final int PAGES_EACH = (LONGEST + 1) / PAGE;
    private static final int WORDS = PAGE / 8 / Long.SIZE;
    private static final int PAGES_PER_CHUNK = 64;
    private static final int ETHERNET = EthernetView.MIN_LENGTH;
    private static final int HEADERS = ETHERNET + 60;
    private static final int NOT_ECN_CAPABLE = 1;
    private static final int CONGESTION = 3;
    private static final Party[] PARTIES = Party.values();

    private static final int COLLECTING = 0;
    private static final int SPOILT = 1;
    private static final int LEFT_ALONE = 2;

    private final Owner owner;
    private final long timeout;
    private final int capacity;
    private final int pagesPerHolder;
    private final KeyedHash hash;

    // datagrams
    private final int[] buckets;
    private final int[] chain;
    private final long[] addresses;
    private final long[] rest;
    private final byte[] state;
    private final byte[] party;
    private final DropReason[] spoiltBy;
    private final int[] holder;
    private final long[] deadline;
    private final int[] frames;
    private final int[] received;
    private final int[] total;
    private final int[] highest;
    private final int[] largest;
    private final int[] largestWithDf;
    private final byte[] ecn;
    private final byte[] checksums;
    private final int[] firstLength;
    private final byte[] headers;
    private final int[] pages;
    private final int[] pageOf;
    private final int[] older;
    private final int[] newer;
    private final int[] ownOlder;
    private final int[] ownNewer;
    private int free;
    private int oldest = NONE;
    private int newest = NONE;

    // pages
    private final byte[][] chunks;
    private final long[] covered;
    private final long[] begins;
    private final int[] freePages;
    private int freePageCount;
    private int used;

    // holders
    private int[] charge;
    private int[] ownOldest;
    private int[] ownNewest;
    private int[] rankBefore;
    private int[] rankAfter;
    private final int[] firstWith;
    private int top;

    private int held;
    private int current = NONE;
    private @Nullable DropReason reason;

    /**
     * Makes an empty table. Its pages are taken from the heap as they are needed, and kept.
     *
     * @param capacity pages, 64 or more
     * @param pagesPerHolder 33 or more
     * @param timeoutNanos from the first fragment on
     */
    Reassembly(Owner owner, int capacity, int pagesPerHolder, long timeoutNanos, Random random) {
        this.owner = owner;
        this.capacity = capacity;
        this.pagesPerHolder = Math.min(capacity, pagesPerHolder);
        this.timeout = timeoutNanos;
        this.hash = new KeyedHash(random);
        buckets = new int[Integer.highestOneBit(Math.max(2, capacity - 1)) << 1];
        Arrays.fill(buckets, NONE);
        chain = new int[capacity];
        addresses = new long[capacity];
        rest = new long[capacity];
        state = new byte[capacity];
        party = new byte[capacity];
        spoiltBy = new DropReason[capacity];
        holder = new int[capacity];
        deadline = new long[capacity];
        frames = new int[capacity];
        received = new int[capacity];
        total = new int[capacity];
        highest = new int[capacity];
        largest = new int[capacity];
        largestWithDf = new int[capacity];
        ecn = new byte[capacity];
        checksums = new byte[capacity];
        firstLength = new int[capacity];
        headers = new byte[capacity * HEADERS];
        pages = new int[capacity];
        pageOf = new int[capacity * PAGES_EACH];
        Arrays.fill(pageOf, NONE);
        older = new int[capacity];
        newer = new int[capacity];
        ownOlder = new int[capacity];
        ownNewer = new int[capacity];
        chunks = new byte[(capacity + PAGES_PER_CHUNK - 1) / PAGES_PER_CHUNK][];
        covered = new long[capacity * WORDS];
        begins = new long[capacity * WORDS];
        freePages = new int[capacity];
        for (int i = 0; i < capacity; i++) {
            chain[i] = i + 1 < capacity ? i + 1 : NONE;
            freePages[i] = capacity - 1 - i;
        }
        freePageCount = capacity;
        firstWith = new int[capacity + 1];
        Arrays.fill(firstWith, NONE);
        charge = new int[0];
        ownOldest = new int[0];
        ownNewest = new int[0];
        rankBefore = new int[0];
        rankAfter = new int[0];
    }

    /** How many frames are kept now. */
    int held() {
        return held;
    }

    /** Why the last fragment was refused. */
    DropReason reason() {
        return reason == null ? DropReason.FRAGMENT_INVALID : reason;
    }

    /** In how many frames a datagram has come. */
    int frames(int datagram) {
        return frames[datagram];
    }

    /** The number of the link that a datagram comes from. */
    int link(int datagram) {
        return (int) (rest[datagram] >>> 32);
    }

    /** Whose a datagram is, as far as known. */
    Party party(int datagram) {
        return PARTIES[party[datagram]];
    }

    /** The datagram of the fragment that was collected last, or {@link #NONE}. */
    int current() {
        return current;
    }

    // ------------------------------------------------------------------------------------------------ fragments

    /**
     * Takes a fragment, whose IP header has been found sound.
     *
     * @param link where it came from
     * @param chargedTo the holder
     * @param whose it is, as far as this fragment tells
     */
    Result collect(int link, int chargedTo, Party whose, PacketContext c, long nowNanos) {
        int word = u16(c.octets, c.ip + 6);
        int offset = (word & Ipv4View.OFFSET_MASK) << 3;
        boolean more = (word & Ipv4View.MORE_FRAGMENTS) != 0;
        int end = offset + c.transportLength;
        long key = FlowKey.addresses(c.source, c.destination);
        long keyRest = (long) link << 32 | c.protocol << 16 | u16(c.octets, c.ip + 4);
        int datagram = find(key, keyRest);
        if (datagram != NONE
                && (deadline[datagram] - nowNanos <= 0 || (state[datagram] == LEFT_ALONE && whose == Party.GATEWAY))) {
            // too late, or the identification has come round to a datagram of the gateway's
            giveUp(datagram, DropReason.FRAGMENT_TIMEOUT);
            datagram = NONE;
        }
        if (datagram == NONE) {
            datagram = begin(key, keyRest, chargedTo, nowNanos);
        }
        current = datagram;
        if (whose != Party.UNKNOWN) {
            party[datagram] = (byte) whose.ordinal();
        }
        if (state[datagram] == SPOILT) {
            reason = spoiltBy[datagram];
            return Result.REFUSED;
        }
        if (state[datagram] == COLLECTING && whose == Party.HOST) {
            settle(datagram, null);
            state[datagram] = LEFT_ALONE;
        }
        if (state[datagram] == LEFT_ALONE) {
            passBy(datagram, c.transportLength, more ? NONE : end);
            return Result.LEFT;
        }
        DropReason fault = judge(datagram, c, offset, end, more);
        if (fault == null) {
            put(datagram, c, offset, end, more, (word & Ipv4View.DONT_FRAGMENT) != 0);
            if (received[datagram] != total[datagram]) {
                return Result.HELD;
            }
            fault = judgeWhole(datagram);
            if (fault == null) {
                return Result.WHOLE;
            }
            frames[datagram]--;
            held--;
        }
        reason = fault;
        if (fault != DropReason.FRAGMENT_DUPLICATE) {
            spoil(datagram, fault);
        }
        return Result.REFUSED;
    }

    private @Nullable DropReason judge(int datagram, PacketContext c, int offset, int end, boolean more) {
        int length = end - offset;
        if (length == 0 || (more && (length & 7) != 0) || end + c.headerLength > LONGEST) {
            return DropReason.FRAGMENT_INVALID;
        }
        int known = total[datagram];
        boolean contradicts;
        if (known == NONE) {
            contradicts = !more && highest[datagram] >= end;
        } else {
            contradicts = more ? end >= known : end != known;
        }
        if (contradicts) {
            return DropReason.FRAGMENT_INVALID;
        }
        int first = offset >> 3;
        int last = (end - 1) >> 3;
        int there = count(covered, datagram, first, last);
        if (there == 0) {
            return null;
        }
        boolean same = (there == last - first + 1)
                && get(begins, datagram, first)
                && count(begins, datagram, first, last) == 1
                && (end == known || !get(covered, datagram, last + 1) || get(begins, datagram, last + 1))
                && holds(datagram, c.octets, c.transport, offset, length);
        return same ? DropReason.FRAGMENT_DUPLICATE : DropReason.FRAGMENT_OVERLAP;
    }

    private @Nullable DropReason judgeWhole(int datagram) {
        int header = (u8(headers, datagram * HEADERS + ETHERNET) & 0xf) << 2;
        // RFC 3168 section 5.3: fragments that are ECN-capable do not mix with ones that are not
        boolean mixed = (ecn[datagram] & NOT_ECN_CAPABLE) != 0 && ecn[datagram] != NOT_ECN_CAPABLE;
        return mixed || header + total[datagram] > LONGEST ? DropReason.FRAGMENT_INVALID : null;
    }

    private void put(int datagram, PacketContext c, int offset, int end, boolean more, boolean dontFragment) {
        makeRoomFor(datagram, offset, end);
        int from = c.transport;
        for (int at = offset; at < end; ) {
            int page = pageFor(datagram, at / PAGE);
            int inPage = at % PAGE;
            int part = Math.min(end - at, PAGE - inPage);
            System.arraycopy(c.octets, from, chunk(page), inChunk(page) + inPage, part);
            from += part;
            at += part;
        }
        int last = (end - 1) >> 3;
        for (int block = offset >> 3; block <= last; block++) {
            set(covered, datagram, block);
        }
        set(begins, datagram, offset >> 3);
        received[datagram] += end - offset;
        highest[datagram] = Math.max(highest[datagram], end);
        if (!more) {
            total[datagram] = end;
        }
        largest[datagram] = Math.max(largest[datagram], c.totalLength);
        if (dontFragment) {
            largestWithDf[datagram] = Math.max(largestWithDf[datagram], c.totalLength);
        }
        ecn[datagram] |= (byte) (1 << (u8(c.octets, c.ip + 1) & 3));
        checksums[datagram] =
                (byte) Math.max(checksums[datagram], c.frame.checksumState().ordinal());
        if (offset == 0) {
            firstLength[datagram] = end;
            System.arraycopy(c.octets, c.start, headers, datagram * HEADERS, ETHERNET + c.headerLength);
        }
        frames[datagram]++;
        held++;
    }

    /** Counts what goes by of a datagram that is left to the host, to forget it when all has gone by. */
    private void passBy(int datagram, int length, int end) {
        received[datagram] += length;
        if (end != NONE) {
            total[datagram] = end;
        }
        if (total[datagram] != NONE && received[datagram] >= total[datagram]) {
            remove(datagram);
        }
    }

    /**
     * Writes the datagram that has just become whole into a frame, and forgets it.
     *
     * @param room for {@value #LONGEST} octets and an Ethernet header
     * @return its {@link Fragmentation}
     */
    int take(byte[] room, Frame frame) {
        int datagram = current;
        int header = copyHeaders(datagram, room);
        int length = total[datagram];
        copyOctets(datagram, length, room, ETHERNET + header);
        int ip = ETHERNET;
        put16(room, ip + 2, header + length);
        // as its fragments, unless one that may be fragmented was larger than those that may not
        put16(room, ip + 6, largestWithDf[datagram] == largest[datagram] ? Ipv4View.DONT_FRAGMENT : 0);
        if ((ecn[datagram] & (1 << CONGESTION)) != 0) {
            room[ip + 1] |= CONGESTION;
        }
        put16(room, ip + 10, 0);
        put16(room, ip + 10, ~Checksum.sum(room, ip, header));
        frame.wrap(room, 0, ETHERNET + header + length)
                .checksumState(
                        checksums[datagram] == 0
                                ? ChecksumState.COMPLETE
                                : checksums[datagram] == ChecksumState.PARTIAL.ordinal()
                                        ? ChecksumState.PARTIAL
                                        : ChecksumState.RECOMPUTE);
        int fragmentation = Fragmentation.of(frames[datagram], largest[datagram]);
        remove(datagram);
        return fragmentation;
    }

    /**
     * Writes a datagram's first fragment as it came, with its Ethernet header.
     *
     * @return its length in octets, 0 if it has not come
     */
    int copyFirst(int datagram, byte[] room) {
        if (firstLength[datagram] == 0) {
            return 0;
        }
        int header = copyHeaders(datagram, room);
        copyOctets(datagram, firstLength[datagram], room, ETHERNET + header);
        return ETHERNET + header + firstLength[datagram];
    }

    private int copyHeaders(int datagram, byte[] room) {
        int at = datagram * HEADERS;
        int header = (u8(headers, at + ETHERNET) & 0xf) << 2;
        System.arraycopy(headers, at, room, 0, ETHERNET + header);
        return header;
    }

    private void copyOctets(int datagram, int length, byte[] room, int at) {
        for (int done = 0; done < length; done += PAGE) {
            int page = pageOf[datagram * PAGES_EACH + done / PAGE];
            System.arraycopy(chunk(page), inChunk(page), room, at + done, Math.min(PAGE, length - done));
        }
    }

    private boolean holds(int datagram, byte[] a, int at, int offset, int length) {
        for (int done = 0; done < length; ) {
            int page = pageOf[datagram * PAGES_EACH + (offset + done) / PAGE];
            int inPage = (offset + done) % PAGE;
            int part = Math.min(length - done, PAGE - inPage);
            int there = inChunk(page) + inPage;
            if (!Arrays.equals(a, at + done, at + done + part, chunk(page), there, there + part)) {
                return false;
            }
            done += part;
        }
        return true;
    }

    // ------------------------------------------------------------------------------------------------ datagrams

    private int bucketOf(long key, long keyRest) {
        return hash.hash(key, keyRest) & buckets.length - 1;
    }

    private int find(long key, long keyRest) {
        int datagram = buckets[bucketOf(key, keyRest)];
        while (datagram != NONE && (addresses[datagram] != key || rest[datagram] != keyRest)) {
            datagram = chain[datagram];
        }
        return datagram;
    }

    private int begin(long key, long keyRest, int chargedTo, long nowNanos) {
        knowHolder(chargedTo);
        makeRoom(chargedTo, 1, NONE);
        int datagram = free;
        free = chain[datagram];
        int bucket = bucketOf(key, keyRest);
        chain[datagram] = buckets[bucket];
        buckets[bucket] = datagram;
        addresses[datagram] = key;
        rest[datagram] = keyRest;
        state[datagram] = COLLECTING;
        party[datagram] = (byte) Party.UNKNOWN.ordinal();
        holder[datagram] = chargedTo;
        deadline[datagram] = nowNanos + timeout;
        clear(datagram);
        older[datagram] = newest;
        newer[datagram] = NONE;
        if (newest == NONE) {
            oldest = datagram;
        } else {
            newer[newest] = datagram;
        }
        newest = datagram;
        ownOlder[datagram] = ownNewest[chargedTo];
        ownNewer[datagram] = NONE;
        if (ownNewest[chargedTo] == NONE) {
            ownOldest[chargedTo] = datagram;
        } else {
            ownNewer[ownNewest[chargedTo]] = datagram;
        }
        ownNewest[chargedTo] = datagram;
        charge(chargedTo, 1);
        return datagram;
    }

    private void clear(int datagram) {
        frames[datagram] = 0;
        received[datagram] = 0;
        total[datagram] = NONE;
        highest[datagram] = 0;
        largest[datagram] = 0;
        largestWithDf[datagram] = 0;
        ecn[datagram] = 0;
        checksums[datagram] = 0;
        firstLength[datagram] = 0;
    }

    /** Gives up what has been collected of a datagram, and remembers only that the rest of it is to be dropped. */
    private void spoil(int datagram, DropReason why) {
        settle(datagram, why);
        state[datagram] = SPOILT;
        spoiltBy[datagram] = why;
    }

    private void settle(int datagram, @Nullable DropReason why) {
        if (frames[datagram] > 0) {
            owner.givenUp(this, datagram, why);
            held -= frames[datagram];
        }
        int kept = pages[datagram];
        releasePages(datagram);
        charge(holder[datagram], 1 - Math.max(1, kept));
        clear(datagram);
    }

    private void giveUp(int datagram, DropReason why) {
        if (state[datagram] == COLLECTING) {
            settle(datagram, why);
        }
        remove(datagram);
    }

    /** Forgets a datagram that has been settled, or taken. */
    private void remove(int datagram) {
        held -= frames[datagram];
        int by = holder[datagram];
        int cost = Math.max(1, pages[datagram]);
        releasePages(datagram);
        charge(by, -cost);
        int bucket = bucketOf(addresses[datagram], rest[datagram]);
        if (buckets[bucket] == datagram) {
            buckets[bucket] = chain[datagram];
        } else {
            int before = buckets[bucket];
            while (chain[before] != datagram) {
                before = chain[before];
            }
            chain[before] = chain[datagram];
        }
        if (older[datagram] == NONE) {
            oldest = newer[datagram];
        } else {
            newer[older[datagram]] = newer[datagram];
        }
        if (newer[datagram] == NONE) {
            newest = older[datagram];
        } else {
            older[newer[datagram]] = older[datagram];
        }
        if (ownOlder[datagram] == NONE) {
            ownOldest[by] = ownNewer[datagram];
        } else {
            ownNewer[ownOlder[datagram]] = ownNewer[datagram];
        }
        if (ownNewer[datagram] == NONE) {
            ownNewest[by] = ownOlder[datagram];
        } else {
            ownOlder[ownNewer[datagram]] = ownOlder[datagram];
        }
        clear(datagram);
        chain[datagram] = free;
        free = datagram;
        if (current == datagram) {
            current = NONE;
        }
    }

    /** Gives up datagrams whose time has run out. */
    void expire(long nowNanos, int limit) {
        for (int i = 0; i < limit && oldest != NONE && deadline[oldest] - nowNanos <= 0; i++) {
            giveUp(oldest, DropReason.FRAGMENT_TIMEOUT);
        }
    }

    /** Gives up everything that a holder has. */
    void forget(int chargedTo) {
        while (chargedTo < ownOldest.length && ownOldest[chargedTo] != NONE) {
            giveUp(ownOldest[chargedTo], DropReason.FRAGMENT_TIMEOUT);
        }
    }

    // ------------------------------------------------------------------------------------------------ pages

    private byte[] chunk(int page) {
        return chunks[page / PAGES_PER_CHUNK];
    }

    private static int inChunk(int page) {
        return page % PAGES_PER_CHUNK * PAGE;
    }

    private void makeRoomFor(int datagram, int offset, int end) {
        int missing = 0;
        for (int i = offset / PAGE; i <= (end - 1) / PAGE; i++) {
            if (pageOf[datagram * PAGES_EACH + i] == NONE) {
                missing++;
            }
        }
        int costs = Math.max(1, pages[datagram] + missing) - Math.max(1, pages[datagram]);
        if (costs > 0) {
            makeRoom(holder[datagram], costs, datagram);
            charge(holder[datagram], costs);
        }
    }

    private int pageFor(int datagram, int index) {
        int at = datagram * PAGES_EACH + index;
        int page = pageOf[at];
        if (page != NONE) {
            return page;
        }
        page = freePages[--freePageCount];
        if (chunks[page / PAGES_PER_CHUNK] == null) {
            chunks[page / PAGES_PER_CHUNK] = new byte[PAGES_PER_CHUNK * PAGE];
        }
        Arrays.fill(covered, page * WORDS, (page + 1) * WORDS, 0);
        Arrays.fill(begins, page * WORDS, (page + 1) * WORDS, 0);
        pageOf[at] = page;
        pages[datagram]++;
        return page;
    }

    private void releasePages(int datagram) {
        for (int i = datagram * PAGES_EACH; pages[datagram] > 0; i++) {
            if (pageOf[i] != NONE) {
                freePages[freePageCount++] = pageOf[i];
                pageOf[i] = NONE;
                pages[datagram]--;
            }
        }
    }

    /** The word that has the bit of a block of 8 octets, or {@link #NONE} if its page is not there. */
    private int wordOf(int datagram, int block) {
        int offset = block << 3;
        if (offset > LONGEST) {
            return NONE;
        }
        int page = pageOf[datagram * PAGES_EACH + offset / PAGE];
        return page == NONE ? NONE : page * WORDS + block / Long.SIZE % WORDS;
    }

    private boolean get(long[] bits, int datagram, int block) {
        int word = wordOf(datagram, block);
        return word != NONE && (bits[word] & 1L << block) != 0;
    }

    private void set(long[] bits, int datagram, int block) {
        bits[wordOf(datagram, block)] |= 1L << block;
    }

    private int count(long[] bits, int datagram, int first, int last) {
        int count = 0;
        for (int block = first; block <= last; ) {
            int next = Math.min(last + 1, (block | (Long.SIZE - 1)) + 1);
            int word = wordOf(datagram, block);
            if (word != NONE) {
                long mask = (-1L << block) & (-1L >>> -next);
                count += Long.bitCount(bits[word] & mask);
            }
            block = next;
        }
        return count;
    }

    // ------------------------------------------------------------------------------------------------ holders

    private void knowHolder(int by) {
        int known = charge.length;
        if (by < known) {
            return;
        }
        int size = Math.max(by + 1, Math.max(16, known * 2));
        charge = Arrays.copyOf(charge, size);
        ownOldest = grown(ownOldest, size);
        ownNewest = grown(ownNewest, size);
        rankBefore = grown(rankBefore, size);
        rankAfter = grown(rankAfter, size);
    }

    private static int[] grown(int[] old, int size) {
        int[] larger = Arrays.copyOf(old, size);
        Arrays.fill(larger, old.length, size, NONE);
        return larger;
    }

    /** Makes room for further pages of a holder, at the cost of anything but one datagram. */
    private void makeRoom(int by, int need, int except) {
        while (charge[by] + need > pagesPerHolder) {
            giveUp(other(ownOldest[by], ownNewer, except), DropReason.FRAGMENT_LIMIT);
        }
        while (used + need > capacity) {
            int greediest = firstWith[top];
            int victim =
                    top > PAGES_EACH ? other(ownOldest[greediest], ownNewer, except) : other(oldest, newer, except);
            giveUp(victim, DropReason.FRAGMENT_LIMIT);
        }
    }

    private static int other(int datagram, int[] next, int except) {
        return datagram == except ? next[datagram] : datagram;
    }

    /** Changes what a holder is charged, and its place in the ranking. */
    private void charge(int by, int change) {
        if (change == 0) {
            return;
        }
        used += change;
        int old = charge[by];
        int now = old + change;
        charge[by] = now;
        if (old > 0) {
            if (rankBefore[by] == NONE) {
                firstWith[old] = rankAfter[by];
            } else {
                rankAfter[rankBefore[by]] = rankAfter[by];
            }
            if (rankAfter[by] != NONE) {
                rankBefore[rankAfter[by]] = rankBefore[by];
            }
        }
        if (now > 0) {
            rankBefore[by] = NONE;
            rankAfter[by] = firstWith[now];
            if (firstWith[now] != NONE) {
                rankBefore[firstWith[now]] = by;
            }
            firstWith[now] = by;
            top = Math.max(top, now);
        }
        while (top > 0 && firstWith[top] == NONE) {
            top--;
        }
    }
}
