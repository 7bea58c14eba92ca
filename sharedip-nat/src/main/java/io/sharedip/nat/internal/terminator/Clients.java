package io.sharedip.nat.internal.terminator;

import java.util.Arrays;

/**
 * UDP clients that are shown under another address than their own, each by a port of its own: what a guest answers to that port goes to
 * that client. Bounded; who finds no place is not heard.
 */
final class Clients {

    /** No client, no port. */
    static final long NONE = -1;

    private static final int MOST = 2048;
    private static final int BUCKETS = 4096;
    private static final int FIRST_PORT = 1024;
    private static final int TRIES = 64;
    private static final int HASH = 0x9E3779B1;
    private static final int FREE = -1;

    /** Address of the client, then its port. */
    private final long[] clients = new long[MOST];
    /** Port of the socket, then the port that the client is shown by. */
    private final int[] shown = new int[MOST];

    private final int[] byClient = new int[BUCKETS];
    private final int[] byShown = new int[BUCKETS];
    private final int[] nextByClient = new int[MOST];
    private final int[] nextByShown = new int[MOST];
    private int free;

    Clients() {
        Arrays.fill(byClient, FREE);
        Arrays.fill(byShown, FREE);
        for (int i = 0; i < MOST; i++) {
            nextByClient[i] = i + 1 < MOST ? i + 1 : FREE;
        }
    }

    static int address(long client) {
        return (int) (client >>> 16);
    }

    static int port(long client) {
        return (int) client & 0xffff;
    }

    private static long client(int address, int port) {
        return (address & 0xffffffffL) << 16 | port;
    }

    private static int bucket(long key) {
        return ((int) (key ^ key >>> 32) * HASH) >>> 20;
    }

    private static int bucket(long client, int socket) {
        return bucket(client * 31 + socket);
    }

    /** The port that a client of a socket is shown by, or -1. */
    int find(int socket, int address, int port) {
        long client = client(address, port);
        for (int i = byClient[bucket(client, socket)]; i != FREE; i = nextByClient[i]) {
            if (clients[i] == client && shown[i] >>> 16 == socket) {
                return shown[i] & 0xffff;
            }
        }
        return (int) NONE;
    }

    /** The client of a socket that is shown by a port, or {@link #NONE}. */
    long clientAt(int socket, int port) {
        int key = socket << 16 | port;
        for (int i = byShown[bucket(key)]; i != FREE; i = nextByShown[i]) {
            if (shown[i] == key) {
                return clients[i];
            }
        }
        return NONE;
    }

    /** A port to show a new client of a socket by: its own if nobody else is shown by it. @return -1 if there is no place */
    int add(int socket, int address, int port) {
        if (free == FREE) {
            return (int) NONE;
        }
        int chosen = port;
        for (int i = 0; i < TRIES && clientAt(socket, chosen) != NONE; i++) {
            chosen = chosen == 65_535 ? FIRST_PORT : chosen + 1;
        }
        if (clientAt(socket, chosen) != NONE) {
            return (int) NONE;
        }
        int entry = free;
        free = nextByClient[entry];
        long client = client(address, port);
        clients[entry] = client;
        shown[entry] = socket << 16 | chosen;
        int bucket = bucket(client, socket);
        nextByClient[entry] = byClient[bucket];
        byClient[bucket] = entry;
        bucket = bucket(shown[entry]);
        nextByShown[entry] = byShown[bucket];
        byShown[bucket] = entry;
        return chosen;
    }

    /** Forgets the client of a socket that is shown by a port, if there is one. */
    void remove(int socket, int port) {
        int key = socket << 16 | port;
        int entry = byShown[bucket(key)];
        int before = FREE;
        while (entry != FREE && shown[entry] != key) {
            before = entry;
            entry = nextByShown[entry];
        }
        if (entry == FREE) {
            return;
        }
        if (before == FREE) {
            byShown[bucket(key)] = nextByShown[entry];
        } else {
            nextByShown[before] = nextByShown[entry];
        }
        int bucket = bucket(clients[entry], socket);
        if (byClient[bucket] == entry) {
            byClient[bucket] = nextByClient[entry];
        } else {
            int at = byClient[bucket];
            while (nextByClient[at] != entry) {
                at = nextByClient[at];
            }
            nextByClient[at] = nextByClient[entry];
        }
        nextByClient[entry] = free;
        free = entry;
    }
}
