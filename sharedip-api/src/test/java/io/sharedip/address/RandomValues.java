package io.sharedip.address;

import io.sharedip.GuestId;
import java.util.Random;

/** Random values with a preference for the edges of their ranges. Prints its seed, so that a failure can be repeated. */
public final class RandomValues {

    private static final String NAME_FIRST = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789";
    private static final String NAME_REST = NAME_FIRST + "._-";
    private static final String[] KEYWORDS = {"any", "from", "to", "port", "host", "outside", "guest", "log", "tcp"};

    public final Random random;

    public RandomValues(long seed) {
        System.out.println("seed: " + seed);
        this.random = new Random(seed);
    }

    public boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    public <T> T oneOf(T[] values) {
        return values[random.nextInt(values.length)];
    }

    public Ipv4Address ipv4() {
        return switch (random.nextInt(8)) {
            case 0 -> Ipv4Address.UNSPECIFIED;
            case 1 -> Ipv4Address.BROADCAST;
            case 2 -> Ipv4Address.of(10, random.nextInt(3), 0, random.nextInt(3));
            default -> Ipv4Address.ofBits(random.nextInt());
        };
    }

    public Ipv4Address ipv4Host() {
        return Ipv4Address.of(1 + random.nextInt(223), random.nextInt(256), random.nextInt(256), random.nextInt(256));
    }

    public Ipv6Address ipv6() {
        if (oneIn(20)) {
            return new Ipv6Address(0, 0xffff_0000_0000L | random.nextInt() & 0xffff_ffffL);
        }
        long[] halves = new long[2];
        for (int i = 0; i < 8; i++) {
            int group = oneIn(2) ? 0 : oneIn(3) ? random.nextInt(16) : random.nextInt(0x10000);
            halves[i / 4] = halves[i / 4] << 16 | group;
        }
        return new Ipv6Address(halves[0], halves[1]);
    }

    public IpAddress ip() {
        return oneIn(3) ? ipv6() : ipv4();
    }

    public IpPrefix prefix() {
        return prefixOf(ip());
    }

    public IpPrefix ipv4Prefix() {
        return prefixOf(ipv4());
    }

    public IpPrefix prefixOf(IpAddress address) {
        return IpPrefix.containing(address, random.nextInt(address.bitLength() + 1));
    }

    public MacAddress mac() {
        return new MacAddress(random.nextLong() >>> 16);
    }

    public int port() {
        return switch (random.nextInt(6)) {
            case 0 -> 1;
            case 1 -> PortRange.MAX_PORT;
            default -> 1 + random.nextInt(PortRange.MAX_PORT);
        };
    }

    public PortRange ports() {
        int a = port();
        int b = oneIn(2) ? a : port();
        return PortRange.of(Math.min(a, b), Math.max(a, b));
    }

    public IpProtocol protocol() {
        return switch (random.nextInt(5)) {
            case 0 -> IpProtocol.TCP;
            case 1 -> IpProtocol.UDP;
            case 2 -> IpProtocol.ICMP;
            default -> new IpProtocol(random.nextInt(256));
        };
    }

    public GuestId guest() {
        if (oneIn(5)) {
            return GuestId.of(oneOf(KEYWORDS));
        }
        StringBuilder s = new StringBuilder();
        s.append(NAME_FIRST.charAt(random.nextInt(NAME_FIRST.length())));
        for (int more = oneIn(10) ? 62 : random.nextInt(8); more > 0; more--) {
            s.append(NAME_REST.charAt(random.nextInt(NAME_REST.length())));
        }
        return GuestId.of(s.toString());
    }
}
