package io.sharedip.nat.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.GuestId;
import io.sharedip.link.InProcessLink;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The guests by number, and the walk over them that each turn of the engine makes. */
class GuestDirectoryTest {

    private static final int ADDRESS = 0x0a000002;

    private final GuestDirectory guests = new GuestDirectory();

    private Attachment add(String name) {
        Attachment guest = new Attachment(
                new Nobody(),
                InProcessLink.named(name),
                guests.nextNumber(),
                GuestId.of(name),
                0x525400000001L,
                new int[] {ADDRESS});
        guests.put(guest);
        return guest;
    }

    private List<Attachment> walk() {
        List<Attachment> seen = new ArrayList<>();
        for (int i = 0; i < guests.count(); i++) {
            seen.add(guests.at(i));
        }
        return seen;
    }

    @Test
    void a_walk_meets_those_that_are_there_however_many_there_have_been() {
        Attachment first = add("first");
        for (int i = 0; i < 1000; i++) {
            guests.remove(add("passing"));
        }
        Attachment last = add("last");
        assertThat(last.number()).isEqualTo(1002);
        assertThat(walk()).containsExactly(first, last);
        assertThat(guests.all()).containsExactly(first, last);
        assertThat(guests.get(1002)).isSameAs(last);
        assertThat(guests.find(GuestId.of("passing"))).isNull();
        assertThat(guests.isOnlyOwner(last, ADDRESS)).isFalse();
        guests.remove(first);
        assertThat(walk()).containsExactly(last);
        assertThat(guests.isOnlyOwner(last, ADDRESS)).isTrue();
        guests.remove(last);
        assertThat(walk()).isEmpty();
        assertThat(guests.anyOwns(ADDRESS)).isFalse();
    }
}
