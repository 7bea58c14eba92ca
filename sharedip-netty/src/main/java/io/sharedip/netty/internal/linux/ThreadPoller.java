package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import io.netty.channel.EventLoop;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;

/**
 * Watches with one thread for all sockets, which waits in an epoll of its own and hands what is ready to the event loop; each descriptor
 * is watched again once the loop has read from it.
 */
final class ThreadPoller implements Poller {

    private static final int EVENTS = 64;
    private static final long STOP = 0;
    /** The structure has no gap between its two members on x86-64, where it once had to suit 32-bit programs. */
    private static final int EVENT_SIZE = System.getProperty("os.arch", "").matches("amd64|x86_64") ? 12 : 16;

    private static final int DATA_AT = EVENT_SIZE - 8;

    private final EventLoop loop;
    private final int epoll;
    private final int stop;
    private final Map<Long, Watched> watched = new ConcurrentHashMap<>();
    private final Memory change = new Memory(16);
    private long lastId = STOP;
    private boolean closed;
    /** The thread has ended, and the descriptors are closed and may be somebody else's by now. */
    private boolean ended;

    ThreadPoller(EventLoop loop) throws ErrnoException {
        this.loop = loop;
        this.epoll = LibC.epoll_create1(LibC.EPOLL_CLOEXEC);
        if (epoll < 0) {
            throw new ErrnoException("epoll_create1", LibC.errno());
        }
        this.stop = LibC.eventfd(0, LibC.SOCK_FLAGS);
        if (stop < 0 || control(LibC.EPOLL_CTL_ADD, stop, LibC.EPOLLIN, STOP) != 0) {
            int errno = LibC.errno();
            LibC.close(epoll);
            throw new ErrnoException("eventfd", errno);
        }
        Thread thread = new Thread(this::run, "sharedip-poll");
        thread.setDaemon(true);
        thread.start();
    }

    private synchronized int control(int operation, int fd, int events, long id) {
        if (ended) {
            return -1;
        }
        change.setInt(0, events);
        change.setLong(DATA_AT, id);
        return LibC.epoll_ctl(epoll, operation, fd, LibC.address(change));
    }

    private void run() {
        try (Memory events = new Memory((long) EVENTS * EVENT_SIZE)) {
            while (true) {
                int count = LibC.epoll_wait(epoll, LibC.address(events), EVENTS, -1);
                if (count < 0 && LibC.errno() != LibC.EINTR) {
                    return;
                }
                for (int i = 0; i < count; i++) {
                    long id = events.getLong((long) i * EVENT_SIZE + DATA_AT);
                    if (id == STOP) {
                        return;
                    }
                    Watched socket = watched.get(id);
                    if (socket != null) {
                        loop.execute(socket);
                    }
                }
            }
        } catch (RejectedExecutionException e) {
            // the loop has ended, and with it all sockets
        } finally {
            end();
        }
    }

    private synchronized void end() {
        ended = true;
        LibC.close(epoll);
        LibC.close(stop);
    }

    @Override
    public Watch watch(int fd, Runnable ready) throws ErrnoException {
        Watched socket = new Watched(++lastId, fd, ready);
        watched.put(socket.id, socket);
        if (control(LibC.EPOLL_CTL_ADD, fd, LibC.EPOLLIN | LibC.EPOLLONESHOT, socket.id) != 0) {
            watched.remove(socket.id);
            throw new ErrnoException("epoll_ctl", LibC.errno());
        }
        return socket;
    }

    @Override
    public synchronized void close() {
        if (!closed && !ended) {
            closed = true;
            change.setLong(0, 1);
            LibC.write(stop, LibC.address(change), 8);
        }
    }

    private final class Watched implements Watch, Runnable {

        private final long id;
        private final int fd;
        private final Runnable ready;

        private Watched(long id, int fd, Runnable ready) {
            this.id = id;
            this.fd = fd;
            this.ready = ready;
        }

        @Override
        public void run() {
            if (watched.containsKey(id)) {
                ready.run();
                if (watched.containsKey(id)) {
                    control(LibC.EPOLL_CTL_MOD, fd, LibC.EPOLLIN | LibC.EPOLLONESHOT, id);
                }
            }
        }

        @Override
        public void end() {
            watched.remove(id);
            control(LibC.EPOLL_CTL_DEL, fd, 0, id);
        }
    }
}
