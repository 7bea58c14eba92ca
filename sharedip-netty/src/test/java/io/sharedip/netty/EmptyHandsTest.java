package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import io.sharedip.LinkException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.HostListener;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What happens when the process has no descriptor left. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(NothingLeaks.class)
class EmptyHandsTest {

    private static final int RLIMIT_NOFILE = 7;

    static {
        Native.register(EmptyHandsTest.class, NativeLibrary.getInstance(Platform.C_LIBRARY_NAME));
    }

    private static native int getrlimit(int resource, long limits);

    private static native int setrlimit(int resource, long limits);

    /** Lowers the limit to what is in use, and fills what gaps there are below it, also those that others leave for a while. */
    private static final class NoneLeft implements AutoCloseable {

        private static final Duration QUIET = Duration.ofMillis(300);

        private final Memory limits = new Memory(16);
        private final long before;
        private final List<InputStream> fillers = new ArrayList<>();

        NoneLeft() throws IOException {
            assertThat(getrlimit(RLIMIT_NOFILE, Pointer.nativeValue(limits))).isZero();
            before = limits.getLong(0);
            long used;
            try (var open = Files.list(Path.of("/proc/self/fd"))) {
                used = open.count();
            }
            limit(used + 16);
            long sinceGap = System.nanoTime();
            while (System.nanoTime() - sinceGap < QUIET.toNanos()) {
                if (fill()) {
                    sinceGap = System.nanoTime();
                } else {
                    LockSupport.parkNanos(1_000_000);
                }
            }
        }

        /** @return whether there was a gap */
        private boolean fill() {
            try {
                fillers.add(Files.newInputStream(Path.of("/dev/null")));
                return true;
            } catch (IOException full) {
                return false;
            }
        }

        private void limit(long descriptors) {
            limits.setLong(0, descriptors);
            assertThat(setrlimit(RLIMIT_NOFILE, Pointer.nativeValue(limits))).isZero();
        }

        @Override
        public void close() throws IOException {
            limit(before);
            for (InputStream filler : fillers) {
                filler.close();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_stream_fails_for_want_of_resources_and_a_port_cannot_be_spared(SocketTransport transport)
            throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            StreamEvents warm = rig.connected(server.getLocalPort());
            rig.run(() -> warm.stream.reset());
            assertThat(rig.tryBind(server.getLocalPort())).isNotNull();
            // classes cannot be loaded meanwhile
            rig.connect(1).await("failed REFUSED");
            StreamEvents stream;
            try (NoneLeft none = new NoneLeft()) {
                assertThat(none.before).isPositive();
                stream = rig.connect(server.getLocalPort());
                stream.await("failed NO_RESOURCES");
                assertThat(rig.tryBind(45_678)).isNull();
            }
            rig.connected(server.getLocalPort());
        }
    }

    /** Not with io_uring, which goes by the limit of the time when it was told to accept. */
    @ParameterizedTest
    @EnumSource(names = {"NIO", "EPOLL"})
    void what_cannot_be_accepted_waits_until_it_can(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport)) {
            List<String> accepted = new ArrayList<>();
            HostListener listener = rig.listen((stream, client, port) -> {
                accepted.add("one");
                return null;
            });
            Socket early = new Socket();
            early.bind(null);
            try (NoneLeft none = new NoneLeft()) {
                assertThat(none.before).isPositive();
                early.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), listener.localPort()));
                rig.letItHappen();
                assertThat(rig.get(accepted::size)).isZero();
            }
            UplinkRig.until(() -> rig.get(accepted::size) == 1);
            early.close();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void the_hosts_addresses_stay_what_they_are_though_nobody_can_look(SocketTransport transport) throws Exception {
        try (UplinkRig rig = UplinkRig.on(transport)) {
            assertThat(rig.uplink.hostAddresses())
                    .as("a card with an address is needed")
                    .isNotEmpty();
            int own = rig.uplink.hostAddresses().get(0);
            try (ServerSocket server = new ServerSocket(
                    0, 5, InetAddress.getByName(Ipv4Address.ofBits(own).toString()))) {
                StreamEvents stream = rig.connect(own, server.getLocalPort(), 0);
                stream.await("connected");
                UplinkRig.until(() -> true);
                try (NoneLeft none = new NoneLeft()) {
                    assertThat(none.before).isPositive();
                    UplinkRig.until(() -> rig.notices.stream().anyMatch(notice -> notice.contains("cannot be read")));
                    assertThat(rig.get(() -> rig.uplink.isHostAddress(own))).isTrue();
                    assertThat(rig.uplink.hostAddresses()).contains(own);
                }
                rig.letItHappen();
                assertThat(rig.changes).isEmpty();
                assertThat(stream.events).containsExactly("connected");
                rig.run(() -> stream.stream.reset());
            }
        }
    }

    @Test
    void an_uplink_that_cannot_see_the_hosts_addresses_does_not_open() throws IOException {
        SocketUplink uplink = SocketUplink.create().withTransport(SocketTransport.NIO);
        EventLoopDriver driver = uplink.driver();
        AtomicReference<Throwable> refusal = new AtomicReference<>();
        // classes cannot be loaded meanwhile
        assertThat(new LinkException("warm", "up", null, null)).isNotNull();
        try (UplinkRig other = UplinkRig.on(SocketTransport.NIO)) {
            try (NoneLeft none = new NoneLeft()) {
                assertThat(none.before).isPositive();
                driver.run(() -> refusal.set(catchThrowable(() -> uplink.open(other))));
            }
        }
        assertThat(refusal.get())
                .isInstanceOf(LinkException.class)
                .hasMessageContaining("addresses")
                .hasMessageContaining("ulimit -n");
        uplink.close();
        driver.stop();
    }
}
