package io.sharedip.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The header views on known frames, and every field of every view on random ones. */
class HeaderViewsTest {

    private static Frame frame(String hex) {
        return Frame.of(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    @Test
    void a_tcp_syn_is_read_field_by_field() {
        Frame frame = frame("020000000001 525400000001 0800"
                + "4500003c beef4000 4006 1234 0a000002 c6336407"
                + "ee4a01bb fffffff0 00000000 a002faf0 abcd 0000"
                + "020405b40402080a0000a1b20000000001030307");
        EthernetView ethernet = new EthernetView().wrap(frame, 0);
        assertThat(ethernet.destination()).isEqualTo(0x020000000001L);
        assertThat(ethernet.source()).isEqualTo(0x525400000001L);
        assertThat(ethernet.type()).isEqualTo(EthernetView.TYPE_IPV4);
        Ipv4View ip = new Ipv4View().wrap(frame, 14);
        assertThat(ip.versionAndLength()).isEqualTo(0x45);
        assertThat(ip.totalLength()).isEqualTo(60);
        assertThat(ip.identification()).isEqualTo(0xbeef);
        assertThat(ip.flagsAndOffset()).isEqualTo(Ipv4View.DONT_FRAGMENT);
        assertThat(ip.ttl()).isEqualTo(64);
        assertThat(ip.protocol()).isEqualTo(6);
        assertThat(ip.checksum()).isEqualTo(0x1234);
        assertThat(ip.source()).isEqualTo(0x0a000002);
        assertThat(ip.destination()).isEqualTo(0xc6336407);
        TcpView tcp = new TcpView().wrap(frame, 34);
        assertThat(tcp.sourcePort()).isEqualTo(0xee4a);
        assertThat(tcp.destinationPort()).isEqualTo(443);
        assertThat(tcp.flags()).isEqualTo(TcpView.SYN);
        assertThat(tcp.window()).isEqualTo(0xfaf0);
        assertThat(tcp.checksum()).isEqualTo(0xabcd);
    }

    @Test
    void an_arp_request_and_an_icmp_echo_are_read_field_by_field() {
        ArpView arp = new ArpView().wrap(frame("0001 0800 06 04 0001 525400000003 c000020a 000000000000 c0000201"), 0);
        assertThat(arp.hardwareType()).isEqualTo(1);
        assertThat(arp.protocolType()).isEqualTo(0x0800);
        assertThat(arp.hardwareLength()).isEqualTo(6);
        assertThat(arp.protocolLength()).isEqualTo(4);
        assertThat(arp.operation()).isEqualTo(ArpView.REQUEST);
        assertThat(arp.senderMac()).isEqualTo(0x525400000003L);
        assertThat(arp.senderAddress()).isEqualTo(0xc000020a);
        assertThat(arp.targetMac()).isZero();
        assertThat(arp.targetAddress()).isEqualTo(0xc0000201);
        IcmpView icmp = new IcmpView().wrap(frame("0800 f7fe 0001 0002"), 0);
        assertThat(icmp.type()).isEqualTo(IcmpView.ECHO_REQUEST);
        assertThat(icmp.code()).isZero();
        assertThat(icmp.checksum()).isEqualTo(0xf7fe);
        assertThat(icmp.identifier()).isEqualTo(1);
        assertThat(icmp.sequence()).isEqualTo(2);
        UdpView udp = new UdpView().wrap(frame("ee4a 0035 0009 1234 00"), 0);
        assertThat(udp.sourcePort()).isEqualTo(0xee4a);
        assertThat(udp.destinationPort()).isEqualTo(53);
        assertThat(udp.datagramLength()).isEqualTo(9);
        assertThat(udp.checksum()).isEqualTo(0x1234);
    }

    /** Pairs of a getter and its setter. */
    private static List<Method[]> fields(Class<?> view) {
        List<Method[]> fields = new ArrayList<>();
        for (Method setter : view.getDeclaredMethods()) {
            if (Modifier.isPublic(setter.getModifiers())
                    && setter.getParameterCount() == 1
                    && setter.getReturnType() == view) {
                try {
                    fields.add(new Method[] {view.getMethod(setter.getName()), setter});
                } catch (NoSuchMethodException e) {
                    throw new AssertionError(e);
                }
            }
        }
        return fields;
    }

    @ParameterizedTest
    @ValueSource(
            classes = {EthernetView.class, ArpView.class, Ipv4View.class, TcpView.class, UdpView.class, IcmpView.class})
    void each_field_reads_what_was_written_and_touches_nothing_outside_the_header(Class<?> type) throws Exception {
        Random random = new Random(3);
        int length = type.getField("MIN_LENGTH").getInt(null);
        Object view = type.getConstructor().newInstance();
        assertThat(fields(type)).isNotEmpty();
        for (Method[] field : fields(type)) {
            for (int i = 0; i < 200; i++) {
                byte[] before = new byte[100];
                random.nextBytes(before);
                byte[] after = before.clone();
                Frame frame = new Frame().wrap(after, 10, 80);
                type.getMethod("wrap", Frame.class, int.class).invoke(view, frame, 7);
                boolean isLong = field[1].getParameterTypes()[0] == long.class;
                Object got = field[0].invoke(view);
                // what a field says can be written back without changing anything
                assertThat(field[1].invoke(view, got)).isSameAs(view);
                assertThat(after).isEqualTo(before);
                field[1].invoke(view, isLong ? (Object) random.nextLong() : (Object) random.nextInt());
                field[1].invoke(view, got);
                assertThat(after).isEqualTo(before);
                field[1].invoke(view, isLong ? (Object) random.nextLong() : (Object) random.nextInt());
                assertThat(Arrays.copyOf(after, 17)).isEqualTo(Arrays.copyOf(before, 17));
                assertThat(Arrays.copyOfRange(after, 17 + length, 100))
                        .isEqualTo(Arrays.copyOfRange(before, 17 + length, 100));
            }
        }
    }

    @Test
    void a_header_past_the_end_of_its_frame_is_refused() {
        Ipv4View ip = new Ipv4View().wrap(new Frame().wrap(new byte[100], 0, 30), 14);
        assertThat(ip.source()).isZero();
        assertThatThrownBy(ip::destination).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
