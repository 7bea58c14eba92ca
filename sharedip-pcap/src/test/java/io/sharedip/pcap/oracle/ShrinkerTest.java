package io.sharedip.pcap.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShrinkerTest {

    @Test
    void only_what_is_needed_to_fail_is_left_in_its_order() {
        List<Integer> numbers = IntStream.range(0, 200).boxed().toList();
        assertThat(Shrinker.shrink(numbers, part -> part.containsAll(List.of(3, 77, 199))))
                .containsExactly(3, 77, 199);
    }

    @Test
    void a_list_that_fails_only_as_a_whole_stays_whole() {
        List<Integer> numbers = List.of(1, 2, 3, 4, 5);
        assertThat(Shrinker.shrink(numbers, part -> part.size() == 5)).isEqualTo(numbers);
    }

    @Test
    void what_fails_by_any_item_shrinks_to_one() {
        assertThat(Shrinker.shrink(List.of(1, 2, 3, 4, 5), part -> true)).hasSize(1);
    }
}
