package io.sharedip.netty.internal.dns;

import io.sharedip.ConfigurationException;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The servers that the host itself asks: those of its {@code resolv.conf}, read again when it has changed. One thread at a time. */
final class HostServers {

    private static final long LOOK_NANOS = 1_000_000_000L;
    private static final int MOST_OCTETS = 64 << 10;
    private static final int MOST_SERVERS = 8;
    private static final int PORT = 53;

    private record State(long modified, long size, @Nullable Object key) {}

    private final Path file;
    private final LongSupplier clock;
    private final Consumer<String> notice;
    private List<Endpoint> servers = List.of();
    private @Nullable State state;
    private boolean looked;
    private long lookedNanos;

    HostServers(Path file, LongSupplier clock, Consumer<String> notice) {
        this.file = file;
        this.clock = clock;
        this.notice = notice;
    }

    /** The servers as the file names them now, or did within the last second. */
    List<Endpoint> get() {
        long now = clock.getAsLong();
        if (!looked || now - lookedNanos >= LOOK_NANOS) {
            lookedNanos = now;
            look();
            looked = true;
        }
        return servers;
    }

    private void look() {
        State seen;
        List<Endpoint> named;
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            seen = new State(attributes.lastModifiedTime().toMillis(), attributes.size(), attributes.fileKey());
            if (seen.equals(state)) {
                return;
            }
            if (attributes.size() > MOST_OCTETS) {
                throw new IOException("is longer than " + MOST_OCTETS + " octets");
            }
            named = parse(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            // a file that is being replaced is no reason to forget what it said
            if (!looked) {
                notice.accept("dns: " + file + " cannot be read (" + e + "), so there is no server to ask");
            }
            return;
        }
        boolean changed = !Objects.equals(named, servers);
        state = seen;
        servers = named;
        if (named.isEmpty()) {
            notice.accept("dns: " + file + " names no server; questions are answered with a failure until it does");
        } else if (looked && changed) {
            notice.accept("dns: " + file + " has changed; questions now go to " + named);
        }
    }

    static List<Endpoint> parse(String text) {
        List<Endpoint> servers = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            String[] words = line.strip().split("\\s+");
            if (words.length < 2 || !words[0].equals("nameserver") || servers.size() == MOST_SERVERS) {
                continue;
            }
            try {
                servers.add(new Endpoint(IpAddress.parse(words[1]), PORT));
            } catch (ConfigurationException e) {
                // an address with a zone, or a mistake: the others still serve
            }
        }
        return List.copyOf(servers);
    }
}
