package io.sharedip.testing;

import io.sharedip.PortClaimException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.driver.GatewayDriver;
import io.sharedip.uplink.FlowUplink;
import io.sharedip.uplink.HostDatagrams;
import io.sharedip.uplink.HostEcho;
import io.sharedip.uplink.HostListener;
import io.sharedip.uplink.HostStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A host in memory: sockets whose other end is the test. Nothing happens by itself; what a peer does, the test does through the methods
 * of {@link Stream}, {@link Datagrams}, {@link Echo} and {@link Listener}. One thread only.
 */
public final class MemoryHost implements FlowUplink {

    private final ManualDriver driver = new ManualDriver();
    private final List<Stream> streams = new ArrayList<>();
    private final Map<Integer, Datagrams> datagrams = new TreeMap<>();
    private final Map<Integer, Listener> listeners = new TreeMap<>();
    private final List<Echo> echoes = new ArrayList<>();
    private final Set<Integer> taken = new HashSet<>();
    private List<Integer> addresses = List.of();
    private @Nullable String echoMissing;
    private int streamRoom = 65_536;
    private int descriptors = Integer.MAX_VALUE;
    private @Nullable FlowHost host;
    private int flushes;
    private boolean closed;

    /** Makes a host with nothing but loopback. */
    public MemoryHost() {}

    private static int bits(String address) {
        return Ipv4Address.parse(address).bits();
    }

    private static String text(int address) {
        return new Ipv4Address(address).toString();
    }

    /** Gives the host addresses. @param dotted all of them, without loopback @return this */
    public MemoryHost withAddresses(String... dotted) {
        addresses = List.of(dotted).stream().map(MemoryHost::bits).toList();
        return this;
    }

    /** Gives ports away. @param ports that programs of the host hold, for TCP and UDP @return this */
    public MemoryHost withBusyPorts(Integer... ports) {
        taken.addAll(List.of(ports));
        return this;
    }

    /** Forbids pings. @param why for the message @return this */
    public MemoryHost withoutEcho(String why) {
        echoMissing = why;
        return this;
    }

    /** Sets how much each stream takes before the peer has read it. @param octets 1 or more @return this */
    public MemoryHost withStreamRoom(int octets) {
        streamRoom = octets;
        return this;
    }

    /** Bounds the sockets that are open at a time. @param most of all kinds @return this */
    public MemoryHost withDescriptors(int most) {
        descriptors = most;
        return this;
    }

    private boolean isExhausted() {
        if (descriptors == Integer.MAX_VALUE) {
            return false;
        }
        long open = streams.stream().filter(stream -> stream.end == End.OPEN).count();
        return open + datagrams.size() + listeners.size() + echoes.size() >= descriptors;
    }

    /** The gateway's side. @return as given to {@link #open} */
    public FlowHost gateway() {
        if (host == null) {
            throw new IllegalStateException("not open");
        }
        return host;
    }

    /** The connections that were ever opened, accepted ones included. @return in order */
    public List<Stream> streams() {
        return streams;
    }

    /** The connection that was opened last. @return of those that were ever opened */
    public Stream stream() {
        if (streams.isEmpty()) {
            throw new AssertionError("no connection was opened");
        }
        return streams.get(streams.size() - 1);
    }

    /**
     * Makes a connection that no socket has, for a service of the gateway that is asked by TCP.
     *
     * @param handler the gateway's end
     * @return the service's end, connected; not among {@link #streams}
     */
    public Stream serve(HostStream.Handler handler) {
        Stream stream = new Stream("service", 0);
        stream.connected = true;
        stream.handler = handler;
        return stream;
    }

    /** The open UDP sockets. @return by port */
    public Map<Integer, Datagrams> datagrams() {
        return datagrams;
    }

    /** An open UDP socket. @param port of it @return the socket */
    public Datagrams datagrams(int port) {
        Datagrams socket = datagrams.get(port);
        if (socket == null) {
            throw new AssertionError("no UDP socket on port " + port + ", only on " + datagrams.keySet());
        }
        return socket;
    }

    /** The only UDP socket. @return the socket */
    public Datagrams onlyDatagrams() {
        if (datagrams.size() != 1) {
            throw new AssertionError("UDP sockets on ports " + datagrams.keySet());
        }
        return datagrams.values().iterator().next();
    }

    /** The open sockets for pings. @return in order */
    public List<Echo> echoes() {
        return echoes;
    }

    /** The open listeners. @return by port */
    public Map<Integer, Listener> listeners() {
        return listeners;
    }

    /** An open listener. @param port of it @return the listener */
    public Listener listener(int port) {
        Listener listener = listeners.get(port);
        if (listener == null) {
            throw new AssertionError("no listener on port " + port + ", only on " + listeners.keySet());
        }
        return listener;
    }

    /** How often a batch has ended. @return since the start */
    public int flushes() {
        return flushes;
    }

    /** Whether the gateway has closed the uplink. @return true once closed */
    public boolean isClosed() {
        return closed;
    }

    private PortClaimException busy(String ports) {
        return new PortClaimException(ports, "is held by a program of the host", "choose another port", null);
    }

    @Override
    public String kind() {
        return "memory";
    }

    @Override
    public GatewayDriver driver() {
        return driver;
    }

    @Override
    public void open(FlowHost gateway) {
        host = gateway;
    }

    @Override
    public HostStream connect(int peer, int port, int localPort, HostStream.Handler handler) {
        Stream stream = new Stream(text(peer) + ":" + port, localPort);
        stream.handler = handler;
        streams.add(stream);
        return stream;
    }

    @Override
    public HostListener listen(Optional<Ipv4Address> address, int port, HostListener.Acceptor acceptor) {
        if (taken.contains(port) || listeners.containsKey(port)) {
            throw busy("tcp " + port);
        }
        Listener listener = new Listener(address.map(Ipv4Address::toString).orElse("*"), port, acceptor);
        listeners.put(port, listener);
        return listener;
    }

    @Override
    public HostDatagrams bind(Optional<Ipv4Address> address, int port, HostDatagrams.Handler handler) {
        if (taken.contains(port) || datagrams.containsKey(port)) {
            throw busy("udp " + port);
        }
        Datagrams socket = new Datagrams(address.map(Ipv4Address::toString).orElse("*"), port, handler);
        datagrams.put(port, socket);
        return socket;
    }

    @Override
    public @Nullable HostDatagrams tryBind(int port, HostDatagrams.Handler handler) {
        return isExhausted() || taken.contains(port) || datagrams.containsKey(port)
                ? null
                : bind(Optional.empty(), port, handler);
    }

    @Override
    public @Nullable HostEcho openEcho(HostEcho.Handler handler) {
        if (echoMissing != null || isExhausted()) {
            return null;
        }
        Echo echo = new Echo(handler);
        echoes.add(echo);
        return echo;
    }

    @Override
    public Optional<String> echoUnavailable() {
        return Optional.ofNullable(echoMissing);
    }

    @Override
    public List<Integer> hostAddresses() {
        return addresses;
    }

    @Override
    public boolean isHostAddress(int address) {
        return addresses.contains(address);
    }

    @Override
    public void flush() {
        flushes++;
    }

    @Override
    public void close() {
        closed = true;
    }

    /** What became of a connection. */
    public enum End {
        /** Nothing yet. */
        OPEN,
        /** Closed after everything written. */
        CLOSED,
        /** Reset. */
        RESET,
        /** Neither: it has failed. */
        BROKEN
    }

    /** A connection of the host. */
    public final class Stream implements HostStream {

        private final String peer;
        private final int localPort;
        private HostStream.@Nullable Handler handler;
        private final ByteArrayOutputStream written = new ByteArrayOutputStream();
        private int unread;
        private int requested;
        private boolean connected;
        private boolean shutDown;
        private boolean starved;
        private End end = End.OPEN;

        private Stream(String peer, int localPort) {
            this.peer = peer;
            this.localPort = localPort;
        }

        private HostStream.Handler handler() {
            if (handler == null || end != End.OPEN) {
                throw new AssertionError("the connection to " + peer + " has ended: " + end);
            }
            return handler;
        }

        /** Who was called, or who has called. @return {@code address:port} */
        public String peer() {
            return peer;
        }

        /** The local port that was asked for. @return 0 if none */
        public int wantedPort() {
            return localPort;
        }

        /** What became of it. @return from the gateway's side */
        public End end() {
            return end;
        }

        /** Whether the connection was ever established. @return true once it was */
        public boolean isConnected() {
            return connected;
        }

        /** Whether the gateway has sent FIN. @return true once it has */
        public boolean isShutDown() {
            return shutDown;
        }

        /** How many octets the gateway would take now. @return 0 or more */
        public int requested() {
            return requested;
        }

        /** The connection is established. */
        public void establish() {
            connected = true;
            handler().connected(localPort == 0 ? 40_000 : localPort);
        }

        /** The connection fails, or breaks. @param failure how */
        public void fail(HostStream.Failure failure) {
            HostStream.Handler last = handler();
            handler = null;
            end = End.BROKEN;
            last.failed(failure);
        }

        /** The peer sends, as much as was asked for. @param text ASCII @return how many octets went */
        public int send(String text) {
            return send(text.getBytes(StandardCharsets.US_ASCII));
        }

        /** The peer sends, as much as was asked for. @param octets any @return how many went */
        public int send(byte[] octets) {
            int length = Math.min(octets.length, requested);
            requested -= length;
            if (length > 0) {
                handler().received(ByteBuffer.wrap(octets, 0, length));
            }
            return length;
        }

        /** The peer sends FIN. */
        public void finish() {
            handler().endOfInput();
        }

        /** The peer reads everything that the gateway has written. @return ASCII */
        public String read() {
            return new String(readOctets(), StandardCharsets.US_ASCII);
        }

        /** The peer reads everything that the gateway has written. @return the octets */
        public byte[] readOctets() {
            byte[] all = written.toByteArray();
            written.reset();
            unread = 0;
            if (starved && end == End.OPEN && handler != null) {
                starved = false;
                handler.writable();
            }
            return all;
        }

        @Override
        public int write(byte[] octets, int offset, int length) {
            int taking = Math.min(length, room());
            written.write(octets, offset, taking);
            unread += taking;
            starved |= taking < length || room() < streamRoom / 2;
            return taking;
        }

        @Override
        public int room() {
            return connected && !shutDown && end == End.OPEN ? streamRoom - unread : 0;
        }

        @Override
        public int capacity() {
            return streamRoom;
        }

        @Override
        public void shutdownOutput() {
            shutDown = true;
        }

        @Override
        public void request(int octets) {
            requested += octets;
        }

        @Override
        public void reset() {
            if (end == End.OPEN) {
                end = End.RESET;
            }
        }

        @Override
        public void close() {
            if (end == End.OPEN) {
                end = End.CLOSED;
            }
        }
    }

    /** A listening socket of the host. */
    public final class Listener implements HostListener {

        private final String address;
        private final int port;
        private final Acceptor acceptor;

        private Listener(String address, int port, Acceptor acceptor) {
            this.address = address;
            this.port = port;
            this.acceptor = acceptor;
        }

        /** The address that is listened on. @return dotted, or {@code *} */
        public String address() {
            return address;
        }

        /** Somebody connects. @param client dotted @param clientPort of the client @return the connection, reset if it was not taken */
        public Stream connect(String client, int clientPort) {
            Stream stream = new Stream(client + ":" + clientPort, port);
            stream.connected = true;
            streams.add(stream);
            stream.handler = acceptor.accepted(stream, bits(client), clientPort);
            if (stream.handler == null) {
                stream.end = End.RESET;
            }
            return stream;
        }

        @Override
        public int localPort() {
            return port;
        }

        @Override
        public void close() {
            listeners.remove(port, this);
        }
    }

    /** A datagram that was sent. @param peer {@code address:port} @param payload the octets */
    public record Datagram(String peer, byte[] payload) {

        /** The payload. @return ASCII */
        public String text() {
            return new String(payload, StandardCharsets.US_ASCII);
        }

        @Override
        public String toString() {
            return peer + " " + payload.length + " octets";
        }
    }

    /** A UDP socket of the host. */
    public final class Datagrams implements HostDatagrams {

        private final String address;
        private final int port;
        private final Handler handler;
        private final List<Datagram> sent = new ArrayList<>();
        private boolean full;

        private Datagrams(String address, int port, Handler handler) {
            this.address = address;
            this.port = port;
            this.handler = handler;
        }

        /** The address that the socket is bound to. @return dotted, or {@code *} */
        public String address() {
            return address;
        }

        /** Lets the socket have no room. @param on whether it has none */
        public void full(boolean on) {
            full = on;
        }

        /** Takes what the gateway has sent. @return in order */
        public List<Datagram> take() {
            List<Datagram> all = List.copyOf(sent);
            sent.clear();
            return all;
        }

        /** Takes what the gateway has sent. @return {@code address:port text}, in order */
        public List<String> takeTexts() {
            return take().stream().map(d -> d.peer() + " " + d.text()).collect(Collectors.toList());
        }

        /** A peer sends. @param peer dotted @param peerPort of the peer @param text ASCII */
        public void receive(String peer, int peerPort, String text) {
            receive(peer, peerPort, text.getBytes(StandardCharsets.US_ASCII));
        }

        /** A peer sends. @param peer dotted @param peerPort of the peer @param payload any */
        public void receive(String peer, int peerPort, byte[] payload) {
            handler.received(bits(peer), peerPort, ByteBuffer.wrap(payload));
        }

        /** An ICMP error comes. @param peer dotted @param peerPort it was for @param type @param code @param mtu or 0 */
        public void unreachable(String peer, int peerPort, int type, int code, int mtu) {
            handler.unreachable(bits(peer), peerPort, type, code, mtu);
        }

        @Override
        public int localPort() {
            return port;
        }

        @Override
        public boolean send(int peer, int peerPort, byte[] octets, int offset, int length) {
            if (full) {
                return false;
            }
            byte[] copy = new byte[length];
            System.arraycopy(octets, offset, copy, 0, length);
            sent.add(new Datagram(text(peer) + ":" + peerPort, copy));
            return true;
        }

        @Override
        public void close() {
            datagrams.remove(port, this);
        }
    }

    /** A socket for pings. */
    public final class Echo implements HostEcho {

        private final Handler handler;
        private final List<Datagram> sent = new ArrayList<>();

        private Echo(Handler handler) {
            this.handler = handler;
        }

        /** Takes what the gateway has sent. @return in order; the port is the sequence number */
        public List<Datagram> take() {
            List<Datagram> all = List.copyOf(sent);
            sent.clear();
            return all;
        }

        /** A reply comes. @param peer dotted @param sequence of the request @param data any */
        public void reply(String peer, int sequence, byte[] data) {
            handler.reply(bits(peer), sequence, ByteBuffer.wrap(data));
        }

        /** An ICMP error comes. @param peer dotted @param sequence or -1 @param type @param code */
        public void unreachable(String peer, int sequence, int type, int code) {
            handler.unreachable(bits(peer), sequence, type, code);
        }

        @Override
        public boolean send(int peer, int sequence, byte[] octets, int offset, int length) {
            byte[] copy = new byte[length];
            System.arraycopy(octets, offset, copy, 0, length);
            sent.add(new Datagram(text(peer) + ":" + sequence, copy));
            return true;
        }

        @Override
        public void close() {
            echoes.remove(this);
        }
    }
}
