package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.uring.IoUringIoHandler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A network namespace that threads of this very process enter: whatever they open is in it, and so is whatever threads they start. Removed
 * by {@link #close}. Needs the rights of root over namespaces.
 */
final class Namespace implements AutoCloseable {

    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static final int CLONE_NEWNET = 0x40000000;

    static {
        Native.register(Namespace.class, NativeLibrary.getInstance(Platform.C_LIBRARY_NAME));
    }

    private final String name = "sipu" + ProcessHandle.current().pid() + "n" + NUMBER.incrementAndGet();

    private static native int setns(int fd, int type);

    private static native int open(String path, int flags);

    private static native int close(int fd);

    Namespace() {
        must("ip", "netns", "add", name);
        ip("link set lo up");
        shell("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 0 > /proc/sys/net/ipv4/icmp_ratelimit");
    }

    private static String must(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor())
                    .as(String.join(" ", command) + " (the lab needs root): " + said)
                    .isZero();
            return said;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Runs {@code ip} in the namespace. */
    void ip(String arguments) {
        must(("ip -n " + name + " " + arguments).split(" "));
    }

    void shell(String script) {
        must("ip", "netns", "exec", name, "sh", "-ec", script);
    }

    /** What a command in the namespace says. */
    String says(String script) {
        return must("ip", "netns", "exec", name, "sh", "-ec", script);
    }

    /** Lays a cable to another namespace and gives both ends addresses, which have the prefix length. */
    void cable(String card, String address, Namespace other, String otherCard, String otherAddress) {
        ip("link add name " + card + " type veth peer name " + otherCard + " netns " + other.name);
        ip("address add " + address + " dev " + card);
        other.ip("address add " + otherAddress + " dev " + otherCard);
        ip("link set " + card + " up");
        other.ip("link set " + otherCard + " up");
    }

    private void enter() {
        int fd = open("/run/netns/" + name, 0);
        assertThat(fd).isNotNegative();
        try {
            assertThat(setns(fd, CLONE_NEWNET)).isZero();
        } finally {
            close(fd);
        }
    }

    private Thread thread(Runnable task) {
        Thread thread = new Thread(
                () -> {
                    enter();
                    task.run();
                },
                name);
        thread.setDaemon(true);
        return thread;
    }

    /** Does something on a thread in the namespace and waits for it. */
    <T> T call(Callable<T> action) {
        CompletableFuture<T> result = new CompletableFuture<>();
        thread(() -> {
                    try {
                        result.complete(action.call());
                    } catch (Throwable e) {
                        result.completeExceptionally(e);
                    }
                })
                .start();
        return result.join();
    }

    /** An uplink whose sockets are in the namespace. */
    UplinkRig uplink(SocketTransport transport) {
        IoHandlerFactory handlers = switch (transport) {
            case EPOLL -> EpollIoHandler.newFactory();
            case IO_URING -> IoUringIoHandler.newFactory();
            case NIO -> NioIoHandler.newFactory();
            case AUTO -> fail("choose one");
        };
        MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, this::thread, handlers);
        return new UplinkRig(SocketUplink.create().withEventLoop(group), group);
    }

    @Override
    public void close() {
        must("ip", "netns", "delete", name);
    }
}
