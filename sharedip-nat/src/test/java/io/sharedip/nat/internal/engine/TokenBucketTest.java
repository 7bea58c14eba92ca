package io.sharedip.nat.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenBucketTest {

    private static final long MILLI = 1_000_000L;

    private static int take(TokenBucket bucket, int tries, long now) {
        int taken = 0;
        for (int i = 0; i < tries; i++) {
            taken += bucket.take(now) ? 1 : 0;
        }
        return taken;
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - 5, Long.MIN_VALUE, -1})
    void a_burst_then_a_steady_rate_then_a_burst_again_after_a_rest(long start) {
        TokenBucket bucket = new TokenBucket(200, 100);
        assertThat(take(bucket, 500, start)).isEqualTo(100);
        int taken = 0;
        for (int ms = 1; ms <= 1000; ms++) {
            taken += take(bucket, 10, start + ms * MILLI);
        }
        assertThat(taken).isBetween(199, 201);
        assertThat(take(bucket, 500, start + 10_000 * MILLI)).isEqualTo(100);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - 5})
    void one_a_second_means_one_a_second(long start) {
        TokenBucket bucket = new TokenBucket(1, 1);
        assertThat(take(bucket, 5, start)).isEqualTo(1);
        assertThat(take(bucket, 5, start + 999 * MILLI)).isZero();
        assertThat(take(bucket, 5, start + 1000 * MILLI)).isEqualTo(1);
    }
}
