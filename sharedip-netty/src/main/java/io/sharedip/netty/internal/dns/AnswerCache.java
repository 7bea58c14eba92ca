package io.sharedip.netty.internal.dns;

import io.sharedip.address.Endpoint;
import io.sharedip.dns.DomainName;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers by question, bounded in number and memory; the one that has not been asked for longest goes first. */
final class AnswerCache {

    /**
     * A question as servers are asked it.
     *
     * @param name that is asked for
     * @param type that is asked for
     * @param dnssecOk whether signatures are wanted
     * @param checkingDisabled whether what cannot be validated is wanted too
     * @param servers that are asked
     */
    record Key(DomainName name, int type, boolean dnssecOk, boolean checkingDisabled, List<Endpoint> servers) {}

    /**
     * An answer with its age.
     *
     * @param answer as it was received
     * @param receivedNanos when that was
     * @param expiresNanos when it is to be forgotten
     */
    record Entry(Answer answer, long receivedNanos, long expiresNanos) {

        long ageSeconds(long nowNanos) {
            return (nowNanos - receivedNanos) / 1_000_000_000L;
        }
    }

    private final int mostEntries;
    private final int mostOctets;
    private final LinkedHashMap<Key, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private int octets;

    AnswerCache(int mostEntries, int mostOctets) {
        this.mostEntries = mostEntries;
        this.mostOctets = mostOctets;
    }

    @Nullable
    Entry get(Key key, long nowNanos) {
        Entry entry = entries.get(key);
        if (entry != null && entry.expiresNanos() - nowNanos <= 0) {
            remove(key);
            return null;
        }
        return entry;
    }

    void put(Key key, Answer answer, long nowNanos, long seconds) {
        remove(key);
        int weight = weight(key, answer);
        if (seconds <= 0 || mostEntries == 0 || weight > mostOctets) {
            return;
        }
        entries.put(key, new Entry(answer, nowNanos, nowNanos + seconds * 1_000_000_000L));
        octets += weight;
        Iterator<Map.Entry<Key, Entry>> eldest = entries.entrySet().iterator();
        while (octets > mostOctets || entries.size() > mostEntries) {
            Map.Entry<Key, Entry> victim = eldest.next();
            octets -= weight(victim.getKey(), victim.getValue().answer());
            eldest.remove();
        }
    }

    private void remove(Key key) {
        Entry entry = entries.remove(key);
        if (entry != null) {
            octets -= weight(key, entry.answer());
        }
    }

    private static int weight(Key key, Answer answer) {
        return 128 + key.name().length() + answer.weight();
    }

    void clear() {
        entries.clear();
        octets = 0;
    }

    int size() {
        return entries.size();
    }

    int octets() {
        return octets;
    }
}
