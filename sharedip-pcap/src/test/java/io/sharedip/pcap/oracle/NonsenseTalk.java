package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.address.Ipv4Address;
import io.sharedip.packet.Octets;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Packets that belong to nothing, with headers at random and addresses that should not be there. */
final class NonsenseTalk extends Talk {

    private static final int[] PROTOCOLS = {0, 1, 2, 4, 6, 6, 17, 17, 41, 47, 50, 51, 103, 132, 136, 255};
    private int left;

    NonsenseTalk(SplittableRandom random, int conversation, int guest, int peer, int left) {
        super(random, conversation, guest, 0, peer, 0, 0);
        this.left = left;
    }

    @Override
    @Nullable
    Step next() {
        if (left-- <= 0) {
            return null;
        }
        boolean fromGuest = random.nextBoolean();
        int link = fromGuest ? guest : Net.UPLINK;
        int protocol = PROTOCOLS[random.nextInt(PROTOCOLS.length)];
        int source = chance(85) ? fromGuest ? Net.guestAddress(guest) : peer : address();
        int destination = chance(70) ? fromGuest ? peer : Net.SHARED : address();
        if (chance(3)) {
            destination = source;
        }
        byte[] transport = switch (random.nextInt(4)) {
            case 0 -> data(random.nextInt(60));
            case 1 ->
                Wire.tcp(
                        port(),
                        port(),
                        random.nextInt(),
                        random.nextInt(),
                        random.nextInt(256),
                        random.nextInt(65536),
                        new byte[0],
                        data(random.nextInt(10)));
            case 2 -> Wire.udp(port(), port(), data(random.nextInt(30)));
            default ->
                Wire.icmp(
                        chance(50) ? 8 : random.nextInt(20),
                        chance(80) ? 0 : random.nextInt(256),
                        random.nextInt(),
                        data(random.nextInt(40)));
        };
        byte[] frame = Wire.frame(link, source, destination, protocol, random.nextInt(1 << 16), transport);
        String note = "nonsense: protocol " + protocol;
        if (chance(40)) {
            int field = random.nextInt(8);
            switch (field) {
                case 0 -> frame[IP] = (byte) random.nextInt(256);
                case 1 -> Octets.put16(frame, IP + 2, random.nextInt(1 << 16));
                case 2 -> Octets.put16(frame, IP + 6, random.nextInt(1 << 16));
                case 3 -> frame[IP + 8] = (byte) random.nextInt(3);
                case 4 -> frame[IP + 1] = (byte) random.nextInt(256);
                case 5 -> frame = Mutation.withOptions(random, frame);
                case 6 -> frame[12 + random.nextInt(2)] = (byte) random.nextInt(256);
                default -> frame[6] = (byte) random.nextInt(256);
            }
            note += ", field " + field + " at random";
            if (chance(85)) {
                Wire.fixIp(frame, IP);
            }
        }
        return new Step(link, conversation, -1, 0, frame, note);
    }

    private int port() {
        return switch (random.nextInt(5)) {
            case 0 -> random.nextInt(1 << 16);
            case 1 -> Net.Forward.values()[random.nextInt(Net.Forward.values().length)].outsidePort;
            case 2 -> random.nextInt(4);
            default -> random.nextInt(Net.FIRST_POOL_PORT, 1 << 16);
        };
    }

    private int address() {
        return switch (random.nextInt(12)) {
            case 0 -> Net.SHARED;
            case 1 -> Net.ALIAS;
            case 2 -> Net.guestAddress(random.nextInt(1, Net.GUESTS + 1));
            case 3 -> 0x7f000001;
            case 4 -> 0;
            case 5 -> -1;
            case 6 -> Ipv4Address.parse("224.0.0.1").bits() + random.nextInt(1000);
            case 7 -> Ipv4Address.parse("240.0.0.1").bits() + random.nextInt(1000);
            case 8 -> Ipv4Address.parse("192.0.2.255").bits();
            case 9 -> Ipv4Address.parse(Net.ROUTER_TEXT).bits();
            case 10 -> peer ^ 1;
            default -> Net.guestAddress(guest);
        };
    }
}
