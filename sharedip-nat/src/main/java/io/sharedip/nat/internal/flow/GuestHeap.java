package io.sharedip.nat.internal.flow;

import java.util.Arrays;

/** How much each guest holds, and who of some of them holds most: a binary heap, whose counts change by little at a time. */
final class GuestHeap {

    private static final int NONE = -1;

    private int[] held = new int[8];
    private int[] placePlusOne = new int[8];
    private int[] heap = new int[8];
    private int size;

    private void makePlace(int guest) {
        if (guest >= held.length) {
            int room = Math.max(guest + 1, held.length * 2);
            held = Arrays.copyOf(held, room);
            placePlusOne = Arrays.copyOf(placePlusOne, room);
        }
    }

    int held(int guest) {
        return guest < held.length ? held[guest] : 0;
    }

    void count(int guest, int change) {
        makePlace(guest);
        held[guest] += change;
        settle(guest);
    }

    /** Lets a guest compete; one that does already stays. */
    void add(int guest) {
        makePlace(guest);
        if (placePlusOne[guest] != 0) {
            return;
        }
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        place(guest, size++);
        settle(guest);
    }

    /** Takes a guest out of the competition; what it holds is still counted. */
    void remove(int guest) {
        int at = placePlusOne[guest] - 1;
        placePlusOne[guest] = 0;
        int last = heap[--size];
        if (last != guest) {
            place(last, at);
            settle(last);
        }
    }

    /** Who holds most of those that compete, or -1 if nobody does. */
    int greatest() {
        return size == 0 ? NONE : heap[0];
    }

    private void place(int guest, int at) {
        heap[at] = guest;
        placePlusOne[guest] = at + 1;
    }

    private void settle(int guest) {
        int at = placePlusOne[guest] - 1;
        if (at < 0) {
            return;
        }
        int mine = held[guest];
        for (int parent = (at - 1) / 2; at > 0 && held[heap[parent]] < mine; parent = (at - 1) / 2) {
            place(heap[parent], at);
            at = parent;
        }
        for (int child = 2 * at + 1; child < size; child = 2 * at + 1) {
            if (child + 1 < size && held[heap[child + 1]] > held[heap[child]]) {
                child++;
            }
            if (held[heap[child]] <= mine) {
                break;
            }
            place(heap[child], at);
            at = child;
        }
        place(guest, at);
    }
}
