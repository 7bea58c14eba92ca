package io.sharedip.netty;

import io.sharedip.SyntaxException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The two ends of a datagram link as they were written. Immutable. */
sealed interface DatagramAddress {

    String ARROW = "->";

    /** The way it was written. */
    String text();

    /**
     * UDP.
     *
     * @param remote the monitor; null if that is who sends first
     * @param anybody whether the one who sends first may be on another machine
     */
    record Udp(String text, HostAndPort local, @Nullable HostAndPort remote, boolean anybody)
            implements DatagramAddress {

        static final String SETTING = "udp";

        private static final String ANY = "any";
        private static final String FORMS =
                "write HOST:PORT, HOST:PORT->HOST:PORT or HOST:PORT->any, such as 127.0.0.1:5001->127.0.0.1:5002";

        static Udp parse(String text) {
            int arrow = text.indexOf(ARROW);
            HostAndPort local = HostAndPort.parse(
                    SETTING, text, skip(text, 0), back(text, arrow < 0 ? text.length() : arrow), "", FORMS);
            if (arrow < 0) {
                return new Udp(text, local, null, false);
            }
            int from = skip(text, arrow + ARROW.length());
            int to = back(text, text.length());
            if (text.substring(from, Math.max(from, to)).equals(ANY)) {
                return new Udp(text, local, null, true);
            }
            HostAndPort remote = HostAndPort.parse(SETTING, text, from, Math.max(from, to), "", FORMS);
            if (remote.port() == 0) {
                throw new SyntaxException(
                        SETTING,
                        text,
                        to - 1,
                        "has port 0 for the monitor",
                        "name the port that the monitor receives on");
            }
            return new Udp(text, local, remote, false);
        }
    }

    /**
     * A unix socket.
     *
     * @param remote the monitor's socket; null if that is the one which sends first
     */
    record Unix(String text, Path local, @Nullable Path remote) implements DatagramAddress {

        static final String SETTING = "unix-datagram";

        private static final String FORMS =
                "write PATH or PATH->PATH, such as /run/vm1.sock or /run/gateway1.sock->/run/vm1.sock";

        static Unix parse(String text) {
            int arrow = text.indexOf(ARROW);
            int start = skip(text, 0);
            int end = back(text, arrow < 0 ? text.length() : arrow);
            Path local = UnixSocketFile.parse(SETTING, text, start, Math.max(start, end), FORMS);
            if (arrow < 0) {
                return new Unix(text, local, null);
            }
            int from = skip(text, arrow + ARROW.length());
            Path remote = UnixSocketFile.parse(SETTING, text, from, Math.max(from, back(text, text.length())), FORMS);
            if (remote.equals(local)) {
                throw new SyntaxException(
                        SETTING, text, from, "names one path twice", "give the monitor's socket a path of its own");
            }
            return new Unix(text, local, remote);
        }
    }

    private static int skip(String text, int at) {
        int i = at;
        while (i < text.length() && text.charAt(i) == ' ') {
            i++;
        }
        return i;
    }

    private static int back(String text, int at) {
        int i = at;
        while (i > 0 && text.charAt(i - 1) == ' ') {
            i--;
        }
        return i;
    }
}
