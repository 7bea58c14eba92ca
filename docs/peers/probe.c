// Measures what lies between two network namespaces; one process is the client in one of them, its child the server in the other.
// usage: probe CLIENT-NAMESPACE SERVER-NAMESPACE SERVER-ADDRESS TEST SECONDS
//   connections  new TCP connections in a second, 16 at a time: an octet each way, the server closes, the client resets
//   datagrams    datagrams of 64 octets in a second that arrive, of those that a client sends as fast as it can
//   trips        UDP round trips one after the other: median and 99th percentile, in microseconds
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 7700, PORTS = 16, AT_ONCE = 16, BATCH = 32, SIZE = 64, MOST = 1 << 20 };

static volatile struct shared { long received; int ready; } *shared;
static struct sockaddr_in peer = {.sin_family = AF_INET};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void enter(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "/run/netns/%s", name);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) fail(path);
    close(fd);
}

static int datagrams(void) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = 8 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
    return fd;
}

static void watch(int epoll, int fd, int events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(epoll, operation, fd, &event);
}

static void serve_connections(void) {
    int epoll = epoll_create1(0), listening[PORTS], yes = 1;
    for (int i = 0; i < PORTS; i++) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT + i)};
        int fd = listening[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(fd, (void *)&any, sizeof any) || listen(fd, 4096)) fail("listen");
        watch(epoll, fd, EPOLLIN, EPOLL_CTL_ADD);
    }
    shared->ready = 1;
    for (;;) {
        struct epoll_event events[128];
        int count = epoll_wait(epoll, events, 128, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd, accepted;
            char octet;
            if (fd <= listening[PORTS - 1]) {
                while ((accepted = accept4(fd, 0, 0, SOCK_NONBLOCK)) >= 0) watch(epoll, accepted, EPOLLIN, EPOLL_CTL_ADD);
            } else if (read(fd, &octet, 1) != 1 || write(fd, &octet, 1) != 1) {
                close(fd);
            } else {
                shutdown(fd, SHUT_WR);
            }
        }
    }
}

static void serve_datagrams(int echo) {
    int fd = datagrams();
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    if (bind(fd, (void *)&any, sizeof any)) fail("bind");
    shared->ready = 1;
    char octets[BATCH][SIZE];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec pieces[BATCH];
    for (int i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){octets[i], SIZE};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (;;) {
        if (echo) {
            struct sockaddr_in from;
            socklen_t length = sizeof from;
            ssize_t got = recvfrom(fd, octets[0], SIZE, 0, (void *)&from, &length);
            if (got >= 0) sendto(fd, octets[0], got, 0, (void *)&from, length);
        } else {
            int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, 0);
            if (got > 0) shared->received += got;
        }
    }
}

static void begin(int epoll) {
    static int next;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    peer.sin_port = htons(PORT + next++ % PORTS);
    if (connect(fd, (void *)&peer, sizeof peer) && errno != EINPROGRESS) fail("connect");
    watch(epoll, fd, EPOLLOUT, EPOLL_CTL_ADD);
}

static void measure_connections(double seconds) {
    int epoll = epoll_create1(0);
    long done = 0, failed = 0;
    for (int i = 0; i < AT_ONCE; i++) begin(epoll);
    double start = now();
    while (now() < start + seconds) {
        struct epoll_event events[AT_ONCE];
        int count = epoll_wait(epoll, events, AT_ONCE, 100);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            char octet = 'x';
            if (!(events[i].events & EPOLLERR) && (events[i].events & EPOLLOUT)) {
                if (write(fd, &octet, 1) == 1) watch(epoll, fd, EPOLLIN, EPOLL_CTL_MOD);
                continue;
            }
            if (read(fd, &octet, 1) == 1) done++;
            else failed++;
            close(fd);
            begin(epoll);
        }
    }
    printf("%.0f", done / (now() - start));
    if (failed > done / 100) fprintf(stderr, "%ld of %ld connections failed\n", failed, done + failed);
}

static void measure_datagrams(double seconds) {
    int fd = datagrams();
    char octets[SIZE] = {0};
    struct iovec piece = {octets, SIZE};
    struct mmsghdr messages[BATCH] = {0};
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_iov = &piece;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    if (connect(fd, (void *)&peer, sizeof peer)) fail("connect");
    send(fd, octets, SIZE, 0);
    usleep(200000);
    long before = shared->received;
    double start = now();
    while (now() < start + seconds) sendmmsg(fd, messages, BATCH, 0);
    printf("%.0f", (shared->received - before) / (now() - start));
}

static int ascending(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

static void measure_trips(double seconds) {
    int fd = datagrams(), count = 0;
    struct timeval patience = {0, 200000};
    static double took[MOST];
    char octets[SIZE] = {0}, answer[SIZE];
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (void *)&peer, sizeof peer)) fail("connect");
    double start = now();
    for (int number = 0; now() < start + seconds && count < MOST; number++) {
        double sent = now();
        ssize_t got;
        memcpy(octets, &number, sizeof number);
        send(fd, octets, SIZE, 0);
        // one that was given up may be answered yet
        while ((got = recv(fd, answer, SIZE, 0)) == SIZE && memcmp(octets, answer, SIZE)) continue;
        if (got == SIZE) took[count++] = (now() - sent) * 1e6;
    }
    qsort(took, count, sizeof *took, ascending);
    printf("%.0f %.0f", count ? took[count / 2] : 0, count ? took[count * 99 / 100] : 0);
}

int main(int count, char **args) {
    if (count != 6) return 2;
    char test = *args[4];
    double seconds = atof(args[5]);
    shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    signal(SIGPIPE, SIG_IGN);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        enter(args[2]);
        if (test == 'c') serve_connections();
        serve_datagrams(test == 't');
    }
    enter(args[1]);
    inet_pton(AF_INET, args[3], &peer.sin_addr);
    peer.sin_port = htons(PORT);
    for (int i = 0; i < 300 && !shared->ready; i++) usleep(10000);
    if (test == 'c') measure_connections(seconds);
    else if (test == 'd') measure_datagrams(seconds);
    else measure_trips(seconds);
    printf("\n");
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    return 0;
}
