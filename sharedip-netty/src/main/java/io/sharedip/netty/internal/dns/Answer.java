package io.sharedip.netty.internal.dns;

import java.util.ArrayList;
import java.util.List;

/**
 * What a question is answered with, whoever asked it.
 *
 * @param code of the response (RFC 1035 section 4.1.1)
 * @param authoritative whether the gateway speaks for itself
 * @param authentic whether the server says that it has validated the data (RFC 4035)
 * @param answers of the answer section
 * @param authorities of the authority section: what proves that there is nothing
 * @param ttl for how long it may be kept, in seconds; 0 for not at all
 */
record Answer(
        int code,
        boolean authoritative,
        boolean authentic,
        List<ResourceRecord> answers,
        List<ResourceRecord> authorities,
        long ttl) {

    static final int NO_ERROR = 0;
    static final int FORMAT_ERROR = 1;
    static final int SERVER_FAILURE = 2;
    static final int NAME_ERROR = 3;
    static final int NOT_IMPLEMENTED = 4;
    static final int REFUSED = 5;
    static final int BAD_VERSION = 16;

    Answer {
        answers = List.copyOf(answers);
        authorities = List.copyOf(authorities);
    }

    /** An answer without records. */
    static Answer of(int code) {
        return new Answer(code, false, false, List.of(), List.of(), 0);
    }

    /** An answer of the gateway's own. */
    static Answer own(int code, List<ResourceRecord> answers) {
        return new Answer(code, true, false, answers, List.of(), 0);
    }

    /** This, with what leads to its name before it. */
    Answer behind(List<ResourceRecord> aliases) {
        List<ResourceRecord> all = new ArrayList<>(aliases);
        all.addAll(answers);
        return new Answer(code, false, false, all, authorities, 0);
    }

    /** What it takes in memory, about. */
    int weight() {
        int weight = 128;
        for (ResourceRecord answer : answers) {
            weight += answer.weight();
        }
        for (ResourceRecord authority : authorities) {
            weight += authority.weight();
        }
        return weight;
    }
}
