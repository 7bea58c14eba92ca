package io.sharedip.netty.internal.dns;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.dns.DomainName;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerCacheTest {

    private static final long SECOND = 1_000_000_000L;

    private static AnswerCache.Key key(String name) {
        return new AnswerCache.Key(DomainName.parse(name), DnsType.A, false, false, List.of());
    }

    private static Answer answer(int octets) {
        ResourceRecord record = new ResourceRecord(DomainName.parse("x"), DnsType.A, 60, new byte[octets]);
        return new Answer(0, false, false, List.of(record), List.of(), 60);
    }

    @Test
    void the_answer_that_was_asked_for_longest_ago_makes_room() {
        AnswerCache cache = new AnswerCache(2, 1 << 20);
        cache.put(key("a"), answer(4), 0, 60);
        cache.put(key("b"), answer(4), 0, 60);
        assertThat(cache.get(key("a"), 0)).isNotNull();
        cache.put(key("c"), answer(4), 0, 60);
        assertThat(cache.get(key("b"), 0)).isNull();
        assertThat(cache.get(key("a"), 0)).isNotNull();
        assertThat(cache.size()).isEqualTo(2);
    }

    @Test
    void memory_is_bounded_and_given_back() {
        AnswerCache cache = new AnswerCache(1_000_000, 10_000);
        for (int i = 0; i < 1000; i++) {
            cache.put(key("n" + i), answer(500), 0, 60);
            assertThat(cache.octets()).isLessThanOrEqualTo(10_000);
        }
        assertThat(cache.size()).isBetween(5, 20);
        cache.put(key("large"), answer(20_000), 0, 60);
        assertThat(cache.get(key("large"), 0)).isNull();
        for (int i = 0; i < 1000; i++) {
            cache.get(key("n" + i), 61 * SECOND);
        }
        assertThat(cache.size()).isZero();
        assertThat(cache.octets()).isZero();
    }

    @Test
    void an_answer_is_forgotten_when_its_time_is_over_also_across_the_clocks_wrap_around() {
        AnswerCache cache = new AnswerCache(10, 1 << 20);
        long now = Long.MAX_VALUE - 30 * SECOND;
        cache.put(key("a"), answer(4), now, 60);
        assertThat(cache.get(key("a"), now + 59 * SECOND)).isNotNull();
        assertThat(cache.get(key("a"), now + 60 * SECOND)).isNull();
        cache.put(key("b"), answer(4), now, 0);
        assertThat(cache.get(key("b"), now)).isNull();
    }
}
