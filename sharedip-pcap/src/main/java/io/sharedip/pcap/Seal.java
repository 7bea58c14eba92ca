package io.sharedip.pcap;

import io.sharedip.LinkException;
import io.sharedip.internal.host.HostSockets;
import io.sharedip.pcap.NftTable.NftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shuts the host's network stack out of a card, both ways, while captures and injections go on.
 *
 * <p>What comes in is dropped by the packet filter's <em>ingress</em> hook, which lies behind the point where captures take their
 * copy and before ARP, IP, bridges and VLANs. What the host would send is dropped by the <em>egress</em> hook, unless it bears the
 * mark of this link's own injections; so the guest hears no ARP question, no router solicitation and no multicast of the host.
 *
 * <p>Of the two ways to hook in there, nft was chosen over tc: an nft table can be owned by a process and vanishes with it
 * ({@link NftTable}), while a tc filter outlives {@code kill -9}; and tc's {@code matchall} and {@code drop} are kernel modules
 * that small kernels lack. Where the egress hook is missing (before Linux 5.16), IPv6 is switched off on the card instead
 * and back on at the end; that is the only thing that may be left behind by {@code kill -9}.
 */
final class Seal implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Seal.class);

    private final NftTable table;
    private final int mark;
    private final @Nullable Path ipv6Switch;

    private Seal(NftTable table, int mark, @Nullable Path ipv6Switch) {
        this.table = table;
        this.mark = mark;
        this.ipv6Switch = ipv6Switch;
    }

    /**
     * Seals a card.
     *
     * @param link for messages
     * @param card that exists
     * @throws LinkException if it cannot be done, with the cure
     */
    static Seal of(String link, String card) {
        String name = tableName(card);
        NftTable table = null;
        try {
            table = NftTable.create("netdev", name);
            table.run(chain(name, "ingress", card));
            // 31 bits that nobody else sets by chance, never 0
            int mark = ThreadLocalRandom.current().nextInt(1 << 24, Integer.MAX_VALUE);
            try {
                table.run(chain(name, "egress", card)
                        + String.format(Locale.ROOT, "; add rule netdev %s egress meta mark 0x%x accept", name, mark));
                return new Seal(table, mark, null);
            } catch (NftException e) {
                LOG.info(
                        "{}: the host's own frames cannot be held back ({}); switching IPv6 off instead",
                        link,
                        e.problem());
                return new Seal(table, 0, ipv6Off(card));
            }
        } catch (NftException e) {
            if (table != null) {
                table.close();
            }
            throw new LinkException(link, "cannot be sealed against the host's kernel: " + e.problem(), e.cure(), e);
        }
    }

    private static String chain(String table, String hook, String card) {
        return "add chain netdev " + table + " " + hook + " { type filter hook " + hook + " device \"" + card
                + "\" priority -500; policy drop; }";
    }

    /** A name that nft takes without quotes. */
    static String tableName(String card) {
        StringBuilder s = new StringBuilder("sharedip_seal_");
        for (int i = 0; i < card.length(); i++) {
            char c = card.charAt(i);
            boolean plain = c < 0x80 && Character.isLetterOrDigit(c);
            s.append(plain ? String.valueOf(c) : String.format(Locale.ROOT, "_%02x", (int) c));
        }
        return s.toString();
    }

    private static @Nullable Path ipv6Off(String card) {
        Path setting = Path.of("/proc/sys/net/ipv6/conf", card, "disable_ipv6");
        try {
            if (!Files.exists(setting) || HostSockets.readSetting(setting).equals("1")) {
                return null;
            }
            Files.writeString(setting, "1");
            return setting;
        } catch (IOException e) {
            LOG.warn("{}: IPv6 cannot be switched off: {}", card, e.getMessage());
            return null;
        }
    }

    /** The mark that frames must bear to leave on the card, 0 if none is needed. */
    int mark() {
        return mark;
    }

    boolean isAlive() {
        return table.isAlive();
    }

    void onBroken(Runnable action) {
        table.onEnd(action);
    }

    /** Opens the card to the host again. */
    @Override
    public void close() {
        table.close();
        if (ipv6Switch != null) {
            try {
                if (Files.exists(ipv6Switch)) {
                    Files.writeString(ipv6Switch, "0");
                }
            } catch (IOException e) {
                LOG.warn("{}: IPv6 cannot be switched on again: {}", ipv6Switch, e.getMessage());
            }
        }
    }
}
