// Joins a network namespace to a socket that speaks QEMU's stream: frames of a tap device made here go over a unix socket, each behind its
// length as a 4-octet big-endian number, and the other way round. As much as there is in one go each way. Or to one that takes a frame as a
// packet, as BESS does.
// usage: relay TAP SOCKET [packets]
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ROOM = 1 << 19, LONGEST = 65536 + 64, HEADER = 4, FRAMES = 64 };

static char out[ROOM], in[ROOM];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) fail("tap");
    return fd;
}

static int joined(const char *path, int type) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0), buffer = 1 << 20;
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (fd < 0 || connect(fd, (void *)&address, sizeof address) < 0) fail(path);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

// Takes frames from one to the other until there are none; those that find no room are lost, as with a card.
static void copy(int from, int to) {
    for (int i = 0; i < FRAMES; i++) {
        ssize_t length = read(from, in, LONGEST);
        if (length < 0 && errno == EAGAIN) return;
        if (length <= 0) exit(0);
        if (write(to, in, length) < 0 && errno != EAGAIN && errno != EINVAL && errno != EIO && errno != EMSGSIZE) exit(0);
    }
}

static void packets(int card, int peer) {
    for (;;) {
        struct pollfd fds[] = {{card, POLLIN, 0}, {peer, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) fail("poll");
        if (fds[0].revents) copy(card, peer);
        if (fds[1].revents) copy(peer, card);
    }
}

int main(int count, char **args) {
    if (count != 3 && count != 4) return 2;
    int card = tap(args[1]), peer = joined(args[2], count == 4 ? SOCK_SEQPACKET : SOCK_STREAM);
    if (count == 4) packets(card, peer);
    size_t from = 0, to = 0, got = 0;
    for (;;) {
        struct pollfd fds[] = {{card, from == to ? POLLIN : 0, 0}, {peer, POLLIN | (from < to ? POLLOUT : 0), 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) fail("poll");
        if (from == to && fds[0].revents) {
            from = to = 0;
            for (int i = 0; i < FRAMES && to + HEADER + LONGEST <= ROOM; i++) {
                ssize_t length = read(card, out + to + HEADER, LONGEST);
                if (length <= 0) break;
                unsigned header = htonl(length);
                memcpy(out + to, &header, HEADER);
                to += HEADER + length;
            }
        }
        if (from < to) {
            ssize_t sent = write(peer, out + from, to - from);
            if (sent > 0) from += sent;
            else if (sent < 0 && errno != EAGAIN) return 0;
        }
        if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) {
            ssize_t more = read(peer, in + got, ROOM - got);
            if (more == 0 || (more < 0 && errno != EAGAIN)) return 0;
            if (more > 0) got += more;
            size_t at = 0;
            while (got - at >= HEADER) {
                unsigned length;
                memcpy(&length, in + at, HEADER);
                length = ntohl(length);
                if (length > ROOM - HEADER) return 1;
                if (got - at < HEADER + length) break;
                if (write(card, in + at + HEADER, length) < 0 && errno != EINVAL && errno != EIO && errno != EAGAIN) fail("tap");
                at += HEADER + length;
            }
            memmove(in, in + at, got -= at);
        }
    }
}
