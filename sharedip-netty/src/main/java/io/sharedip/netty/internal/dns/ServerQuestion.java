package io.sharedip.netty.internal.dns;

import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put8;
import static io.sharedip.packet.Octets.u16;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.sharedip.address.Endpoint;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One question to one server: by UDP from a socket of its own, whose port the system chooses at random and which hears of that server
 * alone; by TCP if the answer did not fit or did not come in the question's own case. An answer counts only if it bears the question's
 * id, which is drawn at random, and repeats the question in its random case (RFC 5452; draft-vixie-dnsext-dns0x20).
 *
 * <p>Event loop's thread only. The owner hears once.
 */
final class ServerQuestion {

    /** Hears what has come of a question. */
    interface Owner {

        /** The server has answered; what it says may still be a failure. */
        void answered(Response response);

        /** The server does not know EDNS. */
        void ednsRefused();

        /** The server has not answered in time, or with nonsense. */
        void failed();
    }

    /** Wrong answers after which a socket is given up: somebody guesses. */
    private static final int MOST_WRONG = 32;

    private static final int RECEIVE = 4096;
    private static final int OPT_LENGTH = 11;
    private static final int DNSSEC_OK = 0x8000;

    private final EventLoop loop;
    private final Endpoint server;
    private final Owner owner;
    private final byte[] message;
    private final int questionLength;
    private final boolean edns;
    private final long timeoutMillis;
    private @Nullable Channel channel;
    private int attempt;
    private int wrong;
    private boolean done;

    /**
     * Makes a question.
     *
     * @param question the section, in any case
     * @param edns whether to say what length is taken
     */
    ServerQuestion(
            EventLoop loop,
            Endpoint server,
            byte[] question,
            boolean edns,
            boolean dnssecOk,
            boolean checkingDisabled,
            long timeoutMillis,
            Random random,
            Owner owner) {
        this.loop = loop;
        this.server = server;
        this.owner = owner;
        this.edns = edns;
        this.timeoutMillis = timeoutMillis;
        questionLength = question.length;
        message = new byte[Query.HEADER + question.length + (edns ? OPT_LENGTH : 0)];
        put16(message, 0, random.nextInt(0x10000));
        put16(message, 2, Query.RECURSION_DESIRED | Query.AUTHENTIC | (checkingDisabled ? Query.CHECKING_DISABLED : 0));
        put16(message, 4, 1);
        System.arraycopy(question, 0, message, Query.HEADER, question.length);
        for (int at = Query.HEADER; message[at] != 0; at += 1 + message[at]) {
            for (int i = at + 1; i <= at + message[at]; i++) {
                message[i] = inRandomCase(message[i], random);
            }
        }
        if (edns) {
            int at = Query.HEADER + question.length;
            put8(message, at, 0);
            put16(message, at + 1, DnsType.OPT);
            put16(message, at + 3, ResponseWriter.UDP_SIZE);
            put32(message, at + 5, dnssecOk ? DNSSEC_OK : 0);
            put16(message, at + 9, 0);
            put16(message, 10, 1);
        }
    }

    private static byte inRandomCase(byte octet, Random random) {
        boolean letter = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
        return letter && random.nextBoolean() ? (byte) (octet ^ 0x20) : octet;
    }

    /** Whether a client asks in the very case that was drawn here: then its question is this one, which has come around. */
    boolean isSame(byte[] question) {
        int cased = 0;
        int upper = 0;
        for (byte octet : question) {
            cased += (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ? 1 : 0;
            upper += octet >= 'A' && octet <= 'Z' ? 1 : 0;
        }
        return cased >= 4
                && upper > 0
                && upper < cased
                && Arrays.equals(question, 0, question.length, message, Query.HEADER, Query.HEADER + questionLength);
    }

    void start() {
        connect(new Bootstrap()
                .group(loop)
                .channel(NioDatagramChannel.class)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(RECEIVE))
                .handler(new SimpleChannelInboundHandler<DatagramPacket>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext context, DatagramPacket packet) {
                        heardByUdp(octets(packet.content()));
                    }

                    @Override
                    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                        // ICMP says that nobody listens
                        fail();
                    }
                }));
    }

    private void startTcp() {
        close();
        connect(new Bootstrap()
                .group(loop)
                .channel(NioSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) timeoutMillis)
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel made) {
                        made.pipeline()
                                .addLast(new LengthFieldBasedFrameDecoder(ResponseWriter.TCP_SIZE + 2, 0, 2, 0, 2))
                                .addLast(new SimpleChannelInboundHandler<ByteBuf>() {
                                    @Override
                                    protected void channelRead0(ChannelHandlerContext context, ByteBuf frame) {
                                        heardByTcp(octets(frame));
                                    }

                                    @Override
                                    public void channelInactive(ChannelHandlerContext context) {
                                        if (context.channel() == channel) {
                                            fail();
                                        }
                                    }

                                    @Override
                                    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                                        fail();
                                    }
                                });
                    }
                }));
    }

    private void connect(Bootstrap bootstrap) {
        int mine = ++attempt;
        var unused = loop.schedule(
                () -> {
                    if (mine == attempt) {
                        fail();
                    }
                },
                timeoutMillis,
                TimeUnit.MILLISECONDS);
        var connecting =
                bootstrap.connect(new InetSocketAddress(server.address().toInetAddress(), server.port()));
        Channel made = connecting.channel();
        channel = made;
        boolean stream = made instanceof NioSocketChannel;
        connecting.addListener((ChannelFutureListener) connected -> {
            if (done || mine != attempt) {
                var unused1 = made.close();
            } else if (!connected.isSuccess()) {
                fail();
            } else if (stream) {
                var unused2 = made.writeAndFlush(Unpooled.buffer(2 + message.length)
                        .writeShort(message.length)
                        .writeBytes(message));
            } else {
                var unused3 = made.writeAndFlush(Unpooled.wrappedBuffer(message));
            }
        });
    }

    private static byte[] octets(ByteBuf buffer) {
        byte[] octets = new byte[buffer.readableBytes()];
        buffer.readBytes(octets);
        return octets;
    }

    private void heardByUdp(byte[] answer) {
        if (done) {
            return;
        }
        if (answer.length < Query.HEADER || u16(answer, 0) != u16(message, 0)) {
            ignore();
            return;
        }
        boolean exact = repeatsQuestion(answer, true);
        if (!exact && repeatsQuestion(answer, false)) {
            startTcp();
            return;
        }
        if (!exact && !isBareError(answer)) {
            ignore();
            return;
        }
        heard(answer, false);
    }

    private void heardByTcp(byte[] answer) {
        if (done) {
            return;
        }
        boolean fits = answer.length >= Query.HEADER
                && u16(answer, 0) == u16(message, 0)
                && (repeatsQuestion(answer, false) || isBareError(answer));
        if (fits) {
            heard(answer, true);
        } else {
            fail();
        }
    }

    private void heard(byte[] answer, boolean byTcp) {
        Response response;
        try {
            response = Response.parse(answer);
        } catch (MalformedMessageException e) {
            fail();
            return;
        }
        boolean knowsNoEdns = response.code == Answer.FORMAT_ERROR || response.code == Answer.NOT_IMPLEMENTED;
        if (edns && knowsNoEdns) {
            finish();
            owner.ednsRefused();
        } else if (response.isTruncated() && !byTcp) {
            startTcp();
        } else if (response.isTruncated()) {
            fail();
        } else {
            finish();
            owner.answered(response);
        }
    }

    private void ignore() {
        wrong++;
        if (wrong > MOST_WRONG) {
            fail();
        }
    }

    private boolean repeatsQuestion(byte[] answer, boolean inItsCase) {
        if (u16(answer, 4) != 1 || answer.length < Query.HEADER + questionLength) {
            return false;
        }
        for (int i = Query.HEADER; i < Query.HEADER + questionLength; i++) {
            if (answer[i] != message[i] && (inItsCase || lower(answer[i]) != lower(message[i]))) {
                return false;
            }
        }
        return true;
    }

    private static int lower(byte octet) {
        return octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet;
    }

    /** A server that cannot read a question does not repeat it. */
    private static boolean isBareError(byte[] answer) {
        return u16(answer, 4) == 0
                && (u16(answer, 2) & Query.RESPONSE) != 0
                && (u16(answer, 2) & 0xf) != Answer.NO_ERROR
                && (u16(answer, 2) & 0xf) != Answer.NAME_ERROR;
    }

    private void fail() {
        if (!done) {
            finish();
            owner.failed();
        }
    }

    private void finish() {
        done = true;
        attempt++;
        close();
    }

    /** Gives up without a word to the owner. */
    void cancel() {
        finish();
    }

    private void close() {
        Channel open = channel;
        channel = null;
        if (open != null) {
            var unused = open.close();
        }
    }
}
