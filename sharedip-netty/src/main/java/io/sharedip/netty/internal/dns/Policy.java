package io.sharedip.netty.internal.dns;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpAddress;
import io.sharedip.address.Ipv4Address;
import io.sharedip.dns.DnsRecord;
import io.sharedip.dns.DnsRoute;
import io.sharedip.dns.DnsSettings;
import io.sharedip.dns.DnsView;
import io.sharedip.dns.DomainName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What the gateway says itself, and where it sends the rest. Immutable but for the servers of the host, which it asks for each time. */
final class Policy {

    /**
     * What is to be done about a question.
     *
     * @param answer given at once, or null
     * @param aliases what leads to the name that is to be asked for
     * @param name to be asked for
     * @param servers to be asked
     * @param isBlock whether the answer is that a blocked name does not exist
     */
    record Decision(
            @Nullable Answer answer,
            List<ResourceRecord> aliases,
            DomainName name,
            List<Endpoint> servers,
            boolean isBlock) {

        static Decision answer(Answer answer) {
            return new Decision(answer, List.of(), DomainName.ROOT, List.of(), false);
        }

        static Decision block(Answer answer) {
            return new Decision(answer, List.of(), DomainName.ROOT, List.of(), true);
        }
    }

    /** A view made for lookups. */
    private static final class Compiled {
        private final Map<DomainName, List<DnsRecord>> answers = new HashMap<>();
        private final Map<DomainName, List<DnsRecord>> answersBelow = new HashMap<>();
        private final Set<DomainName> blocked = new HashSet<>();
        private final Set<DomainName> blockedBelow = new HashSet<>();
        private final Map<DomainName, List<Endpoint>> routes = new HashMap<>();

        Compiled(DnsView view) {
            for (DnsRecord record : view.answers()) {
                boolean wild = isWild(record.name());
                (wild ? answersBelow : answers)
                        .computeIfAbsent(wild ? record.name().parent() : record.name(), n -> new ArrayList<>())
                        .add(record);
            }
            for (DomainName name : view.blocked()) {
                if (isWild(name)) {
                    blockedBelow.add(name.parent());
                } else {
                    blocked.add(name);
                }
            }
            for (DnsRoute route : view.routes()) {
                routes.put(route.domain(), route.servers());
            }
        }

        private static boolean isWild(DomainName name) {
            byte[] wire = name.toWire();
            return wire[0] == 1 && wire[1] == '*';
        }

        @Nullable
        List<DnsRecord> answers(DomainName name) {
            List<DnsRecord> own = answers.get(name);
            for (DomainName above = name; own == null && !above.isRoot(); ) {
                above = above.parent();
                own = answersBelow.get(above);
            }
            return own;
        }

        boolean blocks(DomainName name) {
            if (blocked.contains(name)) {
                return true;
            }
            for (DomainName above = name; !above.isRoot(); ) {
                above = above.parent();
                if (blockedBelow.contains(above)) {
                    return true;
                }
            }
            return false;
        }

        @Nullable
        DnsRoute route(DomainName name) {
            for (DomainName domain = name; ; domain = domain.parent()) {
                List<Endpoint> servers = routes.get(domain);
                if (servers != null) {
                    return new DnsRoute(domain, servers);
                }
                if (domain.isRoot()) {
                    return null;
                }
            }
        }
    }

    private static final long OWN_TTL = 300;
    /** Guests' addresses may change. */
    private static final long GUEST_TTL = 10;

    private static final int MOST_ALIASES = 8;
    private static final int MOST_NAMES = 16;

    private static final DomainName LOCALHOST = DomainName.parse("localhost");
    private static final DomainName INVALID = DomainName.parse("invalid");
    private static final DomainName ONION = DomainName.parse("onion");
    private static final DomainName LOCAL = DomainName.parse("local");
    private static final DomainName REVERSE = DomainName.parse("in-addr.arpa");
    private static final DomainName REVERSE_LOOPBACK = DomainName.parse("127.in-addr.arpa");
    private static final byte[] LOOPBACK_V6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

    private final Compiled common;
    private final Map<GuestId, Compiled> views = new HashMap<>();
    private final @Nullable DomainName domain;
    private final Supplier<List<Endpoint>> hostServers;

    Policy(DnsSettings settings, Supplier<List<Endpoint>> hostServers) {
        common = new Compiled(settings.common());
        settings.views().forEach((guest, view) -> views.put(guest, new Compiled(view)));
        domain = settings.domain().orElse(null);
        this.hostServers = hostServers;
    }

    /** Decides about a question of class IN for one name. */
    Decision decide(Query query, Asking asking) {
        if (query.kind() != DnsType.IN || query.type() == DnsType.AXFR || query.type() == DnsType.IXFR) {
            return Decision.answer(Answer.of(Answer.REFUSED));
        }
        List<ResourceRecord> aliases = new ArrayList<>();
        DomainName name = query.name();
        Compiled own = views.get(asking.guest());
        for (int step = 0; step < MOST_ALIASES; step++) {
            Answer special = special(name, query.type(), asking);
            if (special != null) {
                return Decision.answer(special.authoritative() ? own(special, aliases) : special);
            }
            List<DnsRecord> records = records(own, name);
            if (records == null) {
                return upstream(own, name, aliases);
            }
            if (isBlock(records)) {
                return Decision.block(own(Answer.own(Answer.NAME_ERROR, List.of()), aliases));
            }
            List<ResourceRecord> found = found(records, name, query.type());
            DomainName target = aliasOf(records);
            if (!found.isEmpty() || target == null) {
                return Decision.answer(own(Answer.own(Answer.NO_ERROR, found), aliases));
            }
            aliases.add(new ResourceRecord(name, DnsType.CNAME, OWN_TTL, target.toWire()));
            name = target;
        }
        return Decision.answer(Answer.of(Answer.SERVER_FAILURE));
    }

    private static Answer own(Answer answer, List<ResourceRecord> aliases) {
        List<ResourceRecord> all = new ArrayList<>(aliases);
        all.addAll(answer.answers());
        return Answer.own(answer.code(), all);
    }

    /** The records of a name, an empty list if it is blocked, null if nothing is said of it. */
    private @Nullable List<DnsRecord> records(@Nullable Compiled own, DomainName name) {
        for (Compiled view : own == null ? List.of(common) : List.of(own, common)) {
            List<DnsRecord> records = view.answers(name);
            if (records != null) {
                return records;
            }
            if (view.blocks(name)) {
                return List.of();
            }
        }
        return null;
    }

    private static boolean isBlock(List<DnsRecord> records) {
        return records.isEmpty();
    }

    private static @Nullable DomainName aliasOf(List<DnsRecord> records) {
        for (DnsRecord record : records) {
            if (record.type() == DnsRecord.Type.CNAME) {
                return record.alias();
            }
        }
        return null;
    }

    private static List<ResourceRecord> found(List<DnsRecord> records, DomainName name, int type) {
        List<ResourceRecord> found = new ArrayList<>();
        for (DnsRecord record : records) {
            if (record.type().number() == type || type == DnsType.ANY) {
                IpAddress target = record.target();
                byte[] data = record.alias().isRoot()
                        ? target.toByteArray()
                        : record.alias().toWire();
                found.add(new ResourceRecord(name, record.type().number(), OWN_TTL, data));
            }
        }
        return found;
    }

    private Decision upstream(@Nullable Compiled own, DomainName name, List<ResourceRecord> aliases) {
        DnsRoute route = own == null ? null : own.route(name);
        if (route == null) {
            route = common.route(name);
        }
        if (name.isWithin(LOCAL) && (route == null || route.domain().isRoot())) {
            // names of multicast DNS, which stays on its link (RFC 6762 section 22.1)
            return Decision.answer(Answer.of(Answer.REFUSED));
        }
        return new Decision(
                null, List.copyOf(aliases), name, route == null ? hostServers.get() : route.servers(), false);
    }

    /** Names that no server is asked about (RFC 6761, RFC 7686), and those of guests. */
    private @Nullable Answer special(DomainName name, int type, Asking asking) {
        if (name.isWithin(LOCALHOST)) {
            return localhost(name, type);
        }
        if (name.isWithin(INVALID) || name.isWithin(ONION)) {
            return Answer.own(Answer.NAME_ERROR, List.of());
        }
        if (name.isWithin(REVERSE_LOOPBACK)) {
            boolean self = name.equals(DomainName.parse("1.0.0.127.in-addr.arpa"));
            List<ResourceRecord> names = self && (type == DnsType.PTR || type == DnsType.ANY)
                    ? List.of(new ResourceRecord(name, DnsType.PTR, OWN_TTL, LOCALHOST.toWire()))
                    : List.of();
            return Answer.own(self ? Answer.NO_ERROR : Answer.NAME_ERROR, names);
        }
        DomainName within = domain;
        if (within == null) {
            return null;
        }
        if (name.isWithin(within)) {
            return guestByName(within, name, type, asking);
        }
        return name.isWithin(REVERSE) && name.labels() == 6 ? guestsByAddress(within, name, type, asking) : null;
    }

    private static Answer localhost(DomainName name, int type) {
        List<ResourceRecord> records = new ArrayList<>();
        if (type == DnsType.A || type == DnsType.ANY) {
            records.add(new ResourceRecord(name, DnsType.A, OWN_TTL, new byte[] {127, 0, 0, 1}));
        }
        if (type == DnsType.AAAA || type == DnsType.ANY) {
            records.add(new ResourceRecord(name, DnsType.AAAA, OWN_TTL, LOOPBACK_V6));
        }
        return Answer.own(Answer.NO_ERROR, records);
    }

    /** A guest's name may hold dots, and is then more than one label. */
    private static @Nullable DomainName nameOf(GuestId guest, DomainName within) {
        try {
            return DomainName.parse(guest.name() + "." + within);
        } catch (ConfigurationException e) {
            return null;
        }
    }

    private static @Nullable Answer guestByName(DomainName within, DomainName name, int type, Asking asking) {
        if (name.equals(within)) {
            return Answer.own(Answer.NO_ERROR, List.of());
        }
        for (Map.Entry<GuestId, List<Ipv4Address>> guest : asking.guests().entrySet()) {
            DomainName own = nameOf(guest.getKey(), within);
            if (own != null && own.equals(name)) {
                List<ResourceRecord> records = new ArrayList<>();
                boolean itself = guest.getKey().equals(asking.guest());
                for (Ipv4Address address :
                        type == DnsType.A || type == DnsType.ANY ? guest.getValue() : List.<Ipv4Address>of()) {
                    boolean same = !itself && address.bits() == asking.guestAddress();
                    Ipv4Address shown = same ? new Ipv4Address(asking.gatewayAddress()) : address;
                    records.add(new ResourceRecord(name, DnsType.A, GUEST_TTL, shown.toByteArray()));
                }
                return Answer.own(Answer.NO_ERROR, records);
            }
        }
        return Answer.own(Answer.NAME_ERROR, List.of());
    }

    private static @Nullable Answer guestsByAddress(DomainName within, DomainName name, int type, Asking asking) {
        Ipv4Address address = addressOf(name);
        if (address == null) {
            return null;
        }
        List<ResourceRecord> names = new ArrayList<>();
        for (Map.Entry<GuestId, List<Ipv4Address>> guest : asking.guests().entrySet()) {
            DomainName own = nameOf(guest.getKey(), within);
            if (own != null && guest.getValue().contains(address) && names.size() < MOST_NAMES) {
                names.add(new ResourceRecord(name, DnsType.PTR, GUEST_TTL, own.toWire()));
            }
        }
        if (names.isEmpty()) {
            return null;
        }
        return Answer.own(Answer.NO_ERROR, type == DnsType.PTR || type == DnsType.ANY ? names : List.of());
    }

    /** The address that a name of the reverse tree stands for. */
    private static @Nullable Ipv4Address addressOf(DomainName name) {
        String[] parts = name.toString().split("\\.");
        try {
            return Ipv4Address.parse(parts[3] + "." + parts[2] + "." + parts[1] + "." + parts[0]);
        } catch (ConfigurationException e) {
            return null;
        }
    }
}
