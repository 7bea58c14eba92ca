package io.sharedip.testing;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.Octets;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Messages of a DHCP client (RFC 2131), and what a server's answer says. */
public final class DhcpExchange {

    /** A client looks for a server. */
    public static final int DISCOVER = 1;
    /** A server's offer. */
    public static final int OFFER = 2;
    /** A client asks for an address, or for more time. */
    public static final int REQUEST = 3;
    /** A client says that its address is in use. */
    public static final int DECLINE = 4;
    /** A server grants an address. */
    public static final int ACK = 5;
    /** A server refuses an address. */
    public static final int NAK = 6;
    /** A client gives its address back. */
    public static final int RELEASE = 7;
    /** A client that has an address asks for the rest. */
    public static final int INFORM = 8;

    private static final MacAddress BROADCAST_MAC = MacAddress.parse("ff:ff:ff:ff:ff:ff");
    private static final int FIXED = 240;

    private final MacAddress mac;
    private final ByteArrayOutputStream options = new ByteArrayOutputStream();
    private final byte[] fixed = new byte[FIXED];
    private String source = "0.0.0.0";
    private String destination = "255.255.255.255";

    private DhcpExchange(MacAddress mac) {
        this.mac = mac;
    }

    /** A message. @param mac of the client @param type of the message @return a new builder */
    public static DhcpExchange message(MacAddress mac, int type) {
        DhcpExchange message = new DhcpExchange(mac);
        message.fixed[0] = 1;
        message.fixed[1] = 1;
        message.fixed[2] = 6;
        Octets.put32(message.fixed, 4, 0x5ead1234);
        Octets.put48(message.fixed, 28, mac.bits());
        Octets.put32(message.fixed, 236, 0x63825363);
        return message.option(53, type);
    }

    /** Adds an option. @param code of it @param octets its value @return this */
    public DhcpExchange option(int code, int... octets) {
        options.write(code);
        options.write(octets.length);
        for (int octet : octets) {
            options.write(octet);
        }
        return this;
    }

    /** Adds an option that holds an address. @param code of it @param address dotted @return this */
    public DhcpExchange address(int code, String address) {
        options.write(code);
        options.write(4);
        options.writeBytes(Ipv4Address.parse(address).toByteArray());
        return this;
    }

    /** Writes a field of 32 bits. @param at index in the message @param value of it @return this */
    public DhcpExchange field(int at, int value) {
        Octets.put32(fixed, at, value);
        return this;
    }

    /** Writes octets of the fixed part. @param at index in the message @param octets to be written @return this */
    public DhcpExchange octets(int at, int... octets) {
        for (int i = 0; i < octets.length; i++) {
            fixed[at + i] = (byte) octets[i];
        }
        return this;
    }

    /** Asks for an answer by broadcast. @return this */
    public DhcpExchange broadcastFlag() {
        Octets.put16(fixed, 10, 0x8000);
        return this;
    }

    /** Says the client's address, in the message and as the source of the packet. @param address dotted @return this */
    public DhcpExchange from(String address) {
        source = address;
        return field(12, Ipv4Address.parse(address).bits());
    }

    /** Sends to one server. @param address dotted @return this */
    public DhcpExchange to(String address) {
        destination = address;
        return this;
    }

    /** The message alone. @return a new array */
    public byte[] payload() {
        byte[] tail = options.toByteArray();
        byte[] all = new byte[FIXED + tail.length + 1];
        System.arraycopy(fixed, 0, all, 0, FIXED);
        System.arraycopy(tail, 0, all, FIXED, tail.length);
        all[all.length - 1] = (byte) 255;
        return all;
    }

    /** The packet, before its MAC addresses are set. @return a new builder */
    public PacketBuilder packet() {
        boolean broadcast = "255.255.255.255".equals(destination);
        return PacketBuilder.udp()
                .macs(mac, broadcast ? BROADCAST_MAC : GatewayRig.ROUTER_MAC)
                .from(source, 68)
                .to(destination, 67)
                .payload(payload());
    }

    /** The frame. @return a new array */
    public byte[] frame() {
        return packet().build();
    }

    /**
     * What a server has answered.
     *
     * @param type of the message
     * @param address given to the client, dotted
     * @param options by code, in the order in which they stand
     */
    public record Answer(int type, String address, Map<Integer, byte[]> options) {

        /** Reads the payload of a packet. @param message octets of the message @return what it says */
        public static Answer of(byte[] message) {
            if (message[0] != 2 || Octets.i32(message, 4) != 0x5ead1234 || Octets.i32(message, 236) != 0x63825363) {
                throw new AssertionError("no answer to this client");
            }
            Map<Integer, byte[]> options = new LinkedHashMap<>();
            int at = FIXED;
            while (message[at] != (byte) 255) {
                byte[] value = new byte[Octets.u8(message, at + 1)];
                System.arraycopy(message, at + 2, value, 0, value.length);
                if (options.put(Octets.u8(message, at), value) != null) {
                    throw new AssertionError("option " + Octets.u8(message, at) + " stands there twice");
                }
                at += 2 + value.length;
            }
            byte[] type = options.get(53);
            if (type == null) {
                throw new AssertionError("no message type");
            }
            return new Answer(type[0], new Ipv4Address(Octets.i32(message, 16)).toString(), options);
        }

        /** The addresses that an option holds. @param code of it @return dotted; empty if it is not there */
        public List<String> addresses(int code) {
            List<String> all = new ArrayList<>();
            byte[] value = options.getOrDefault(code, new byte[0]);
            for (int i = 0; i + 4 <= value.length; i += 4) {
                all.add(new Ipv4Address(Octets.i32(value, i)).toString());
            }
            return all;
        }

        /** The number that an option holds. @param code of it @return of 16 or 32 bits; -1 if it is not there */
        public int number(int code) {
            byte[] value = options.get(code);
            return value == null ? -1 : value.length == 2 ? Octets.u16(value, 0) : Octets.i32(value, 0);
        }

        /** The text that an option holds. @param code of it @return empty if it is not there */
        public String text(int code) {
            return new String(options.getOrDefault(code, new byte[0]), StandardCharsets.US_ASCII);
        }
    }
}
