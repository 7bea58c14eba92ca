package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.ParsedPacket;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Whole frames in and out, octet by octet. The frames were made by a program of another language that shares nothing with this
 * project, from RFC 791, 768, 9293, 792, 826 and 1071; only {@link GatewayRig} carries them here.
 */
class GoldenFramesTest {

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", "10.0.0.2")
                .guest("s", "52:54:00:00:00:03", GatewayRig.SHARED)
                .with(builder -> builder.forward("tcp 8080 -> p:80").forward("tcp 8081 -> s:81"));
    }

    private static void golden(GatewayRig rig, String on, String in, String to, String out) {
        rig.outside().takeRaw();
        (on.equals("up") ? rig.outside() : rig.station(on))
                .sendRaw(HexFormat.of().parseHex(in));
        List<byte[]> seen = (to.equals("up") ? rig.outside() : rig.station(to)).takeRaw();
        assertThat(seen).hasSize(1);
        assertThat(ParsedPacket.hex(seen.get(0))).isEqualTo(out);
    }

    @Test
    void a_dns_question_goes_out() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "p",
                    "02000000000152540000000108004500003d1c4640004011ea2d0a000002c6336407ee4900350029"
                            + "805012340100000100000000000003777777076578616d706c6503636f6d0000010001",
                    "up",
                    "02000000009902000000001008004500003d1c4640003f113325c000020ac6336407ee4900350029"
                            + "c84712340100000100000000000003777777076578616d706c6503636f6d0000010001");
        }
    }

    @Test
    void a_dns_answer_comes_in() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "p",
                    "02000000000152540000000108004500003d1c4640004011ea2d0a000002c6336407ee4900350029"
                            + "805012340100000100000000000003777777076578616d706c6503636f6d0000010001",
                    "up",
                    "02000000009902000000001008004500003d1c4640003f113325c000020ac6336407ee4900350029"
                            + "c84712340100000100000000000003777777076578616d706c6503636f6d0000010001");
            golden(
                    rig,
                    "up",
                    "02000000001002000000009908004500002b0007400039115576c6336407c000020a0035ee490017"
                            + "626a123481806f646420616e7377657221",
                    "p",
                    "52540000000102000000000108004500002b0007400038110e7fc63364070a0000020035ee490017"
                            + "1a73123481806f646420616e7377657221");
        }
    }

    @Test
    void a_syn_with_options_goes_out_and_its_answer_comes_in() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "p",
                    "02000000000152540000000108004500003cbeef4000400647900a000002c6336407ee4a01bbffff"
                            + "fff000000000a002faf087290000020405b40402080a0000a1b20000000001030307",
                    "up",
                    "02000000009902000000001008004500003cbeef40003f069087c000020ac6336407ee4a01bbffff"
                            + "fff000000000a002faf0cf200000020405b40402080a0000a1b20000000001030307");
            golden(
                    rig,
                    "up",
                    "02000000001002000000009908004500003c0000400040064e77c6336407c000020a01bbee4a0000"
                            + "004dfffffff1a012faf0cec20000020405b40402080a0000a1b20000000001030307",
                    "p",
                    "52540000000102000000000108004500003c000040003f060780c63364070a00000201bbee4a0000"
                            + "004dfffffff1a012faf086cb0000020405b40402080a0000a1b20000000001030307");
        }
    }

    @Test
    void a_ping_goes_out_and_its_answer_comes_in() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "p",
                    "02000000000152540000000108004500004400054000400106780a000002c633640708008c19ee4b"
                            + "0009000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425"
                            + "2627",
                    "up",
                    "020000000099020000000010080045000044000540003f014f6fc000020ac633640708008c19ee4b"
                            + "0009000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425"
                            + "2627");
            golden(
                    rig,
                    "up",
                    "0200000000100200000000990800450000440005400040014e6fc6336407c000020a00009419ee4b"
                            + "0009000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425"
                            + "2627",
                    "p",
                    "525400000001020000000001080045000044000540003f010778c63364070a00000200009419ee4b"
                            + "0009000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425"
                            + "2627");
        }
    }

    @Test
    void time_exceeded_comes_in_with_its_inner_packet_reverted() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "p",
                    "020000000001525400000001080045000021000340004011068d0a000002c6336407ee4c829a000d"
                            + "15db70726f6265",
                    "up",
                    "020000000099020000000010080045000021000340003f114f84c000020ac6336407ee4c829a000d"
                            + "5dd270726f6265");
            golden(
                    rig,
                    "up",
                    "02000000001002000000009908004500003d000040004001b6b4c0000201c000020a0b00e1630000"
                            + "0000450000210003400001118d84c000020ac6336407ee4c829a000d5dd270726f6265",
                    "p",
                    "52540000000102000000000108004500003d000040003f016fbdc00002010a0000020b00295b0000"
                            + "000045000021000340000111458d0a000002c6336407ee4c829a000d15db70726f6265");
        }
    }

    @Test
    void expiry_at_the_gateway_is_answered() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "p",
                    "020000000001525400000001080045000021000340000111458d0a000002c6336407ee4d829a000d"
                            + "15da70726f6265",
                    "p",
                    "525400000001020000000001080045c0003d0000400040016d00c00002fe0a0000020b00295b0000"
                            + "000045000021000340000111458d0a000002c6336407ee4d829a000d15da70726f6265");
        }
    }

    @Test
    void a_guest_with_the_shared_address_itself_only_changes_its_time_to_live() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "s",
                    "0200000000015254000000030800450000280001400040064e8ac000020ac6336407ee4e00500000"
                            + "0001000000005002faf0da0c0000",
                    "up",
                    "020000000099020000000010080045000028000140003f064f8ac000020ac6336407ee4e00500000"
                            + "0001000000005002faf0da0c0000");
        }
    }

    @Test
    void a_forwarded_call_comes_in_and_its_answer_goes_out() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "up",
                    "0200000000100200000000990800450000280001400032064abbcb007109c000020a15b31f900000"
                            + "0064000000005002faf081360000",
                    "p",
                    "52540000000102000000000108004500002800014000310603c4cb0071090a00000215b300500000"
                            + "0064000000005002faf0587f0000");
            golden(
                    rig,
                    "p",
                    "020000000001525400000001080045000028000140004006f4c30a000002cb007109005015b30000"
                            + "012c000000655012faf057420000",
                    "up",
                    "020000000099020000000010080045000028000140003f063dbbc000020acb0071091f9015b30000"
                            + "012c000000655012faf07ff90000");
        }
    }

    @Test
    void a_hairpin_by_the_alias_shows_the_alias() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "s",
                    "020000000001525400000003080045000028000140004006b5c6c000020ac00002feee4f1f910000"
                            + "0009000000005002faf021ff0000",
                    "s",
                    "525400000003020000000001080045000028000140003f06b6c6c00002fec000020aee4f00510000"
                            + "0009000000005002faf0413f0000");
        }
    }

    @Test
    void an_arp_question_of_a_guest_is_answered() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "s",
                    "ffffffffffff52540000000308060001080006040001525400000003c000020a000000000000c000" + "0201",
                    "s",
                    "52540000000302000000000108060001080006040002020000000001c0000201525400000003c000" + "020a");
        }
    }

    @Test
    void a_call_to_the_host_is_reset() {
        try (GatewayRig rig = rig()) {
            golden(
                    rig,
                    "p",
                    "0200000000015254000000010800450000280001400040066ec30a000002c000020aee5000160102"
                            + "0304000000005002faf0f6780000",
                    "p",
                    "5254000000010200000000010800450000280000400040066ec4c000020a0a0000020016ee500000"
                            + "00000102030550140000f1560000");
        }
    }
}
