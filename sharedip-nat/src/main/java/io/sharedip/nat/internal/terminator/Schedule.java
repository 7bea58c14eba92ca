package io.sharedip.nat.internal.terminator;

import io.sharedip.nat.internal.engine.HostSide;
import io.sharedip.nat.internal.engine.Inlet;
import io.sharedip.nat.internal.tcp.TcpEndpoint;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Who may send next, and whose time has come. Connections with output wait in a queue of their guest's; guests take turns, and so do the
 * connections of each, so that nobody waits for a busy neighbour longer than for its turn. A guest whose link takes nothing is passed
 * over, and what it would get stays in the host's sockets. Deadlines are a heap; a connection stands in it for a time no later than its
 * own, and is queued again when it comes up too early.
 *
 * <p>Both are bounded in what they do in one turn; what is left is done in the next.
 */
final class Schedule {

    /** Frames in one turn. */
    static final int FRAMES = 512;

    private static final int FRAMES_OF_ONE = 8;
    private static final int DEADLINES = 256;
    private static final Connection[] NOBODY = {};

    /** What one guest's connections have to send. */
    private static final class Queue {
        private final int guest;
        private final ArrayDeque<Connection> ready = new ArrayDeque<>();
        private boolean inTurn;

        Queue(int guest) {
            this.guest = guest;
        }
    }

    private final Inlet inlet;
    private @Nullable Queue[] byGuest = new Queue[16];
    private final ArrayDeque<Queue> turns = new ArrayDeque<>();
    private @Nullable Connection[] heap = NOBODY;
    private int size;
    private boolean more;

    Schedule(Inlet inlet) {
        this.inlet = inlet;
    }

    // ------------------------------------------------------------------------------------------------ output

    /** A connection has, or may have, something to send. */
    void ready(Connection connection) {
        if (connection.queued || !connection.endpoint().hasOutput()) {
            return;
        }
        connection.queued = true;
        Queue queue = queueOf(connection.guest);
        queue.ready.add(connection);
        if (!queue.inTurn) {
            queue.inTurn = true;
            turns.add(queue);
        }
    }

    private Queue queueOf(int guest) {
        if (guest >= byGuest.length) {
            byGuest = Arrays.copyOf(byGuest, Math.max(guest + 1, 2 * byGuest.length));
        }
        Queue queue = byGuest[guest];
        if (queue == null) {
            queue = new Queue(guest);
            byGuest[guest] = queue;
        }
        return queue;
    }

    /** Looks at a connection that something has happened to. */
    void touched(Connection connection) {
        ready(connection);
        if (!connection.queued) {
            settle(connection);
        }
    }

    /** Lets connections send whose time has come or who have something. @return how many frames there were */
    int run(long nowNanos) {
        more = !expire(nowNanos);
        int frames = 0;
        int blocked = 0;
        while (blocked < turns.size()) {
            if (frames >= FRAMES) {
                more = true;
                break;
            }
            Queue queue = turns.remove();
            int sent = serve(queue, nowNanos);
            if (queue.ready.isEmpty()) {
                queue.inTurn = false;
                continue;
            }
            turns.add(queue);
            frames += sent;
            blocked = sent == 0 ? blocked + 1 : 0;
        }
        return frames;
    }

    private int serve(Queue queue, long nowNanos) {
        int sent = 0;
        while (!queue.ready.isEmpty() && inlet.isWritable(queue.guest)) {
            Connection connection = queue.ready.remove();
            connection.queued = false;
            int limit = sent + FRAMES_OF_ONE;
            while (sent < limit && inlet.isWritable(queue.guest) && connection.emit(nowNanos)) {
                sent++;
            }
            ready(connection);
            if (!connection.queued) {
                settle(connection);
            }
            if (sent > 0) {
                break;
            }
        }
        return sent;
    }

    // ------------------------------------------------------------------------------------------------ deadlines

    private void settle(Connection connection) {
        TcpEndpoint endpoint = connection.endpoint();
        if (!endpoint.hasDeadline()) {
            return;
        }
        long due = endpoint.deadline();
        if (connection.isScheduled()) {
            if (due - connection.due < 0) {
                connection.due = due;
                up(connection.place);
            }
            return;
        }
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, Math.max(64, 2 * size));
        }
        connection.due = due;
        put(connection, size++);
        up(connection.place);
    }

    /** Looks at those whose time has come. @return false if there were too many for one turn */
    private boolean expire(long nowNanos) {
        for (int i = 0; i < DEADLINES; i++) {
            Connection first = size == 0 ? null : heap[0];
            if (first == null || first.due - nowNanos > 0) {
                return true;
            }
            takeOut(first);
            first.endpoint().onTimer(nowNanos, inlet.isWritable(first.guest));
            touched(first);
            if (first.queued) {
                // what it sends may take long to get away, and time goes on
                settle(first);
            }
        }
        return false;
    }

    /** A connection has ended. */
    void forget(Connection connection) {
        takeOut(connection);
        if (connection.queued) {
            connection.queued = false;
            queueOf(connection.guest).ready.remove(connection);
        }
    }

    private void takeOut(Connection connection) {
        int at = connection.place;
        if (at < 0) {
            return;
        }
        connection.place = -1;
        Connection last = heap[--size];
        heap[size] = null;
        if (last != null && last != connection) {
            put(last, at);
            up(at);
            down(last.place);
        }
    }

    private void put(Connection connection, int at) {
        heap[at] = connection;
        connection.place = at;
    }

    private void up(int from) {
        Connection moving = heap[from];
        int at = from;
        while (moving != null && at > 0) {
            Connection above = heap[(at - 1) / 2];
            if (above == null || moving.due - above.due >= 0) {
                break;
            }
            put(above, at);
            at = (at - 1) / 2;
            put(moving, at);
        }
    }

    private void down(int from) {
        Connection moving = heap[from];
        int at = from;
        while (moving != null) {
            int child = 2 * at + 1;
            Connection below = child < size ? heap[child] : null;
            Connection other = child + 1 < size ? heap[child + 1] : null;
            if (below != null && other != null && other.due - below.due < 0) {
                below = other;
                child++;
            }
            if (below == null || below.due - moving.due >= 0) {
                return;
            }
            put(below, at);
            at = child;
            put(moving, at);
        }
    }

    /** How long {@link #run} may wait, as {@link HostSide#untilDue} says. */
    long untilDue(long nowNanos) {
        if (more) {
            return 0;
        }
        Connection first = size == 0 ? null : heap[0];
        return first == null ? HostSide.NEVER : Math.max(0, first.due - nowNanos);
    }
}
