package io.sharedip.netty.internal.dns;

import static io.sharedip.packet.Octets.u16;

import io.netty.channel.EventLoop;
import io.sharedip.dns.DnsSettings;
import java.security.SecureRandom;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** From the octets of a question to those of its answer. Event loop's thread only. */
public final class NameService {

    /** How often what has become of questions. Read by any thread, each for itself. */
    public static final class Counts {
        /** Questions that were read. */
        public volatile long questions;
        /** Answered by what the gateway itself knows, or refused by what it is. */
        public volatile long own;
        /** Answered by saying that a blocked name does not exist. */
        public volatile long blocked;
        /** Answered from the cache. */
        public volatile long cached;
        /** Answered with a failure of all servers. */
        public volatile long failures;
        /** Not readable. */
        public volatile long malformed;
    }

    private final DnsSettings settings;
    private final Policy policy;
    private final Resolver resolver;
    private final Counts counts = new Counts();

    /**
     * Makes a service.
     *
     * @param loop for sockets and timers
     * @param settings what is said
     * @param notice hears what is worth knowing
     */
    public NameService(EventLoop loop, DnsSettings settings, Consumer<String> notice) {
        LongSupplier clock = System::nanoTime;
        this.settings = settings;
        this.resolver = new Resolver(loop, settings, new SecureRandom(), clock);
        this.policy = new Policy(settings, new HostServers(settings.resolvConf(), clock, notice)::get);
    }

    /**
     * The counts.
     *
     * @return live
     */
    public Counts counts() {
        return counts;
    }

    /**
     * Answers.
     *
     * @param message of a client
     * @param asking who asks
     * @param byTcp whether the answer may have any length
     * @param answer hears once, now or later: the octets of a response, or null if there is none to give
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    public void ask(byte[] message, Asking asking, boolean byTcp, Consumer<byte @Nullable []> answer) {
        if (message.length < Query.HEADER || (u16(message, 2) & Query.RESPONSE) != 0) {
            counts.malformed++;
            answer.accept(null);
            return;
        }
        Query query;
        try {
            query = Query.parse(message);
        } catch (MalformedMessageException e) {
            counts.malformed++;
            answer.accept(ResponseWriter.formatError(u16(message, 0)));
            return;
        }
        counts.questions++;
        int most = byTcp ? ResponseWriter.TCP_SIZE : Math.min(query.udpSize(), ResponseWriter.UDP_SIZE);
        if ((query.flags() & Query.OPCODE) != 0) {
            counts.own++;
            answer.accept(write(query, Answer.of(Answer.NOT_IMPLEMENTED), 0, most));
            return;
        }
        if (query.version() != 0) {
            counts.own++;
            answer.accept(write(query, Answer.of(Answer.BAD_VERSION), 0, most));
            return;
        }
        Policy.Decision decision = policy.decide(query, asking);
        Answer own = decision.answer();
        if (own != null) {
            if (decision.isBlock()) {
                counts.blocked++;
            } else {
                counts.own++;
            }
            answer.accept(write(query, own, 0, most));
            return;
        }
        resolver.ask(query, decision.name(), decision.servers(), (found, age, cached) -> {
            if (cached) {
                counts.cached++;
            } else if (found.code() == Answer.SERVER_FAILURE) {
                counts.failures++;
            }
            Answer whole = decision.aliases().isEmpty() ? found : found.behind(decision.aliases());
            answer.accept(write(query, whole, age, most));
        });
    }

    private byte[] write(Query query, Answer answer, long age, int most) {
        long leastTtl = answer.authoritative() ? 0 : settings.minTtl().toSeconds();
        return ResponseWriter.write(
                query, answer, age, most, leastTtl, settings.maxTtl().toSeconds());
    }

    /**
     * Counts what is kept.
     *
     * @return answers in the cache
     */
    public int cached() {
        return resolver.cached();
    }

    /** Gives up what is being asked; nobody hears of it. */
    public void close() {
        resolver.close();
    }
}
