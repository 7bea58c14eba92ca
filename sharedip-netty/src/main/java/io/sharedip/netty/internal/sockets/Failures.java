package io.sharedip.netty.internal.sockets;

import io.sharedip.uplink.HostStream.Failure;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What became of a connection, out of what the JDK or Netty throws. Both lose the error number on the way to an exception: Netty writes it
 * into most messages, the JDK writes the C library's text. Where even that is missing, the exception's class decides.
 */
final class Failures {

    static final int EPERM = 1;
    static final int EACCES = 13;
    static final int EADDRINUSE = 98;
    static final int EADDRNOTAVAIL = 99;
    static final int ENETUNREACH = 101;
    static final int EHOSTUNREACH = 113;

    private static final int UNKNOWN = 0;
    private static final int EINVAL = 22;
    private static final int ENOMEM = 12;
    static final int ENFILE = 23;
    static final int EMFILE = 24;
    private static final int EPIPE = 32;
    private static final int ENETDOWN = 100;
    private static final int ECONNRESET = 104;
    private static final int ENOBUFS = 105;
    private static final int ETIMEDOUT = 110;
    private static final int ECONNREFUSED = 111;
    private static final int EHOSTDOWN = 112;

    private static final Pattern NUMBER = Pattern.compile("error\\(-(\\d+)\\)");

    private static final Map<String, Integer> TEXTS = Map.ofEntries(
            Map.entry("operation not permitted", EPERM),
            Map.entry("permission denied", EACCES),
            Map.entry("invalid argument", EINVAL),
            Map.entry("cannot allocate memory", ENOMEM),
            Map.entry("too many open files in system", ENFILE),
            Map.entry("too many open files", EMFILE),
            Map.entry("broken pipe", EPIPE),
            Map.entry("address already in use", EADDRINUSE),
            Map.entry("cannot assign requested address", EADDRNOTAVAIL),
            Map.entry("network is down", ENETDOWN),
            Map.entry("network is unreachable", ENETUNREACH),
            Map.entry("connection reset", ECONNRESET),
            Map.entry("no buffer space available", ENOBUFS),
            Map.entry("timed out", ETIMEDOUT),
            Map.entry("connection refused", ECONNREFUSED),
            Map.entry("host is down", EHOSTDOWN),
            Map.entry("no route to host", EHOSTUNREACH));

    private Failures() {}

    /**
     * Loads this class and what it uses. When no descriptor is left to open a class file with, it is too late for that, and for good.
     */
    static void load() {
        of(new SocketException("Too many open files"));
        PortProblems.load();
    }

    /** What a failed attempt to connect, or a broken connection, is to the gateway. */
    static Failure of(@Nullable Throwable cause) {
        return of(errno(cause));
    }

    static Failure of(int errno) {
        return switch (errno) {
            case ECONNREFUSED -> Failure.REFUSED;
            case ECONNRESET, EPIPE -> Failure.RESET;
            case EHOSTUNREACH, EHOSTDOWN -> Failure.HOST_UNREACHABLE;
            // a blackhole route says EINVAL, which a connection is told for no other reason
            case ENETUNREACH, ENETDOWN, EINVAL -> Failure.NETWORK_UNREACHABLE;
            case EACCES, EPERM -> Failure.PROHIBITED;
            case ETIMEDOUT -> Failure.TIMED_OUT;
            case EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL, EADDRINUSE -> Failure.NO_RESOURCES;
            default -> Failure.OTHER;
        };
    }

    /** Whether an own port that was asked for stands in the way, perhaps: one that is privileged is refused as a prohibited peer is. */
    static boolean mayBeAboutLocalPort(@Nullable Throwable cause) {
        int errno = errno(cause);
        return errno == EADDRINUSE || errno == EADDRNOTAVAIL || errno == EACCES;
    }

    static boolean isOutOfDescriptors(@Nullable Throwable cause) {
        int errno = errno(cause);
        return errno == EMFILE || errno == ENFILE;
    }

    /**
     * What a failed attempt to connect is. Netty's own transports say "no route" for an unreachable network as well as for an unreachable
     * host; the JDK, asked about the same peer, tells them apart without sending anything.
     */
    static Failure ofConnect(@Nullable Throwable cause, InetSocketAddress peer) {
        int errno = errno(cause);
        if (errno == EHOSTUNREACH
                && !String.valueOf(cause).toLowerCase(Locale.ROOT).contains("no route to host")) {
            try (DatagramChannel probe = DatagramChannel.open(StandardProtocolFamily.INET)) {
                probe.connect(peer);
            } catch (IOException | RuntimeException e) {
                return of(e);
            }
        }
        return of(errno);
    }

    /** The error number of Linux; 0 if there is no telling. */
    static int errno(@Nullable Throwable thrown) {
        Throwable cause = thrown;
        for (int depth = 0; cause != null && depth < 5; depth++) {
            int errno = ofOne(cause);
            if (errno != UNKNOWN) {
                return errno;
            }
            cause = cause.getCause();
        }
        return UNKNOWN;
    }

    private static int ofOne(Throwable cause) {
        String message = cause.getMessage();
        if (message != null) {
            Matcher number = NUMBER.matcher(message);
            if (number.find()) {
                return Integer.parseInt(number.group(1));
            }
            String text = message.toLowerCase(Locale.ROOT);
            int longest = 0;
            int errno = UNKNOWN;
            for (Map.Entry<String, Integer> known : TEXTS.entrySet()) {
                if (known.getKey().length() > longest && text.contains(known.getKey())) {
                    longest = known.getKey().length();
                    errno = known.getValue();
                }
            }
            if (errno != UNKNOWN) {
                return errno;
            }
        }
        if (cause instanceof NoRouteToHostException) {
            return EHOSTUNREACH;
        }
        if (cause instanceof BindException) {
            return EADDRINUSE;
        }
        if (cause instanceof ConnectException && cause.getCause() == null) {
            return ECONNREFUSED;
        }
        return UNKNOWN;
    }
}
