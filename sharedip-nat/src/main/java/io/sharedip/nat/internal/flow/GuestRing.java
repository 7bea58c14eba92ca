package io.sharedip.nat.internal.flow;

import java.util.Arrays;

/** A set of guests that takes turns. A guest joins, leaves and is found in constant time. */
final class GuestRing {

    private static final int NONE = -1;

    private int[] members = new int[8];
    private int[] placePlusOne = new int[8];
    private int size;
    private int turn;

    boolean isEmpty() {
        return size == 0;
    }

    void add(int guest) {
        if (guest >= placePlusOne.length) {
            placePlusOne = Arrays.copyOf(placePlusOne, Math.max(guest + 1, placePlusOne.length * 2));
        }
        if (size == members.length) {
            members = Arrays.copyOf(members, size * 2);
        }
        members[size++] = guest;
        placePlusOne[guest] = size;
    }

    void remove(int guest) {
        int place = placePlusOne[guest] - 1;
        int last = members[--size];
        members[place] = last;
        placePlusOne[last] = place + 1;
        placePlusOne[guest] = 0;
    }

    /** Whose turn it is, or -1 if there is nobody. */
    int next() {
        if (size == 0) {
            return NONE;
        }
        turn = turn + 1 < size ? turn + 1 : 0;
        return members[turn];
    }
}
