package io.sharedip.netty.internal.dns;

import io.netty.channel.EventLoop;
import io.sharedip.address.Endpoint;
import io.sharedip.dns.DnsSettings;
import io.sharedip.dns.DomainName;
import io.sharedip.packet.Octets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Finds answers: from the cache, from a server that is being asked the same already, or from the servers in turn. Event loop's thread only.
 */
final class Resolver {

    /** Hears of one question. */
    interface Asker {

        /**
         * The answer.
         *
         * @param answer that of a failure says so
         * @param ageSeconds since it was received
         * @param cached whether it was there already
         */
        void answered(Answer answer, long ageSeconds, boolean cached);
    }

    private static final int LEAST_ATTEMPTS = 4;
    private static final int MOST_QUESTIONS = 512;
    private static final int MOST_ASKERS = 64;
    private static final int MOST_REMEMBERED = 64;

    private final EventLoop loop;
    private final DnsSettings settings;
    private final Random random;
    private final LongSupplier clock;
    private final AnswerCache cache;
    private final Map<AnswerCache.Key, Pending> pending = new HashMap<>();
    /** Which of some servers has answered last. */
    private final Map<List<Endpoint>, Integer> lastGood = new HashMap<>();

    Resolver(EventLoop loop, DnsSettings settings, Random random, LongSupplier clock) {
        this.loop = loop;
        this.settings = settings;
        this.random = random;
        this.clock = clock;
        this.cache = new AnswerCache(settings.cacheEntries(), settings.cacheOctets());
    }

    /**
     * Asks.
     *
     * @param query of the client; its name need not be the one that is asked for
     * @param name that is asked for
     * @param servers that are asked
     * @param asker hears once, now or later
     */
    void ask(Query query, DomainName name, List<Endpoint> servers, Asker asker) {
        AnswerCache.Key key =
                new AnswerCache.Key(name, query.type(), query.dnssecOk(), query.checkingDisabled(), servers);
        AnswerCache.Entry entry = cache.get(key, clock.getAsLong());
        if (entry != null) {
            asker.answered(entry.answer(), entry.ageSeconds(clock.getAsLong()), true);
            return;
        }
        Pending same = pending.get(key);
        if (same != null) {
            same.join(query, asker);
        } else if (servers.isEmpty() || pending.size() >= MOST_QUESTIONS) {
            asker.answered(Answer.of(Answer.SERVER_FAILURE), 0, false);
        } else {
            Pending begun = new Pending(key);
            begun.askers.add(asker);
            pending.put(key, begun);
            begun.next();
        }
    }

    int cached() {
        return cache.size();
    }

    int waiting() {
        return pending.size();
    }

    void close() {
        for (Pending each : List.copyOf(pending.values())) {
            each.cancel();
        }
        pending.clear();
        cache.clear();
    }

    /** A question that servers are being asked, and who waits for the answer. */
    private final class Pending implements ServerQuestion.Owner {
        private final AnswerCache.Key key;
        private final byte[] question;
        private final List<Asker> askers = new ArrayList<>();
        private final int first;
        private int attempts;
        private boolean edns = true;
        private @Nullable ServerQuestion current;

        Pending(AnswerCache.Key key) {
            this.key = key;
            int length = key.name().length();
            question = new byte[length + 4];
            System.arraycopy(key.name().toWire(), 0, question, 0, length);
            Octets.put16(question, length, key.type());
            Octets.put16(question, length + 2, DnsType.IN);
            first = lastGood.getOrDefault(key.servers(), 0);
        }

        void join(Query query, Asker asker) {
            if (current != null && current.isSame(query.question())) {
                // the server has asked us what we asked it
                asker.answered(Answer.of(Answer.REFUSED), 0, false);
            } else if (askers.size() >= MOST_ASKERS) {
                asker.answered(Answer.of(Answer.SERVER_FAILURE), 0, false);
            } else {
                askers.add(asker);
            }
        }

        private int server() {
            return (first + attempts) % key.servers().size();
        }

        void next() {
            ServerQuestion asked = new ServerQuestion(
                    loop,
                    key.servers().get(server()),
                    question,
                    edns,
                    key.dnssecOk(),
                    key.checkingDisabled(),
                    settings.timeout().toMillis(),
                    random,
                    this);
            current = asked;
            asked.start();
        }

        @Override
        public void answered(Response response) {
            Answer answer = response.answerTo(key.name(), key.type());
            if (answer == null) {
                failed();
                return;
            }
            if (lastGood.size() >= MOST_REMEMBERED) {
                lastGood.clear();
            }
            lastGood.put(key.servers(), server());
            boolean positive = answer.authorities().isEmpty() && answer.ttl() > 0;
            long least = positive ? settings.minTtl().toSeconds() : 0;
            long seconds =
                    Math.min(Math.max(answer.ttl(), least), settings.maxTtl().toSeconds());
            cache.put(key, answer, clock.getAsLong(), seconds);
            finish(answer);
        }

        @Override
        public void ednsRefused() {
            edns = false;
            next();
        }

        @Override
        public void failed() {
            attempts++;
            edns = true;
            if (attempts < Math.max(LEAST_ATTEMPTS, key.servers().size())) {
                next();
            } else {
                finish(Answer.of(Answer.SERVER_FAILURE));
            }
        }

        private void finish(Answer answer) {
            pending.remove(key);
            for (Asker asker : askers) {
                asker.answered(answer, 0, false);
            }
        }

        void cancel() {
            if (current != null) {
                current.cancel();
            }
        }
    }
}
