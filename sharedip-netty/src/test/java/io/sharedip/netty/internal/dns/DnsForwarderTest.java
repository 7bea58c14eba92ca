package io.sharedip.netty.internal.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sharedip.GuestId;
import io.sharedip.dns.DnsSettings;
import io.sharedip.dns.DnsView;
import io.sharedip.dns.DomainName;
import io.sharedip.netty.DnsForwarder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xbill.DNS.DClass;
import org.xbill.DNS.EDNSOption;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Header;
import org.xbill.DNS.Message;
import org.xbill.DNS.NSIDOption;
import org.xbill.DNS.Name;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Opcode;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;

/** The forwarder against servers and questions that dnsjava makes and reads. */
class DnsForwarderTest {

    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
    }

    private <T extends AutoCloseable> T opened(T closeable) {
        open.add(0, closeable);
        return closeable;
    }

    private DnsRig rig(DnsSettings.Builder settings) {
        return opened(new DnsRig(settings.build()));
    }

    /** A forwarder that asks some servers. */
    private DnsRig asking(FakeServer... servers) {
        return rig(settings(servers));
    }

    private static DnsSettings.Builder settings(FakeServer... servers) {
        List<String> places = new ArrayList<>();
        for (FakeServer server : servers) {
            places.add(server.place());
        }
        return DnsSettings.builder()
                .timeout(Duration.ofMillis(400))
                .common(DnsView.EMPTY.withRoutes(". -> " + String.join(", ", places)));
    }

    private FakeServer server(FakeServer.Answering answering) {
        return opened(FakeServer.answering(answering));
    }

    private static Message question(String name, int type) {
        try {
            return Message.newQuery(Record.newRecord(Name.fromString(name + "."), type, DClass.IN));
        } catch (TextParseException e) {
            throw new AssertionError(e);
        }
    }

    private static Message withEdns(Message question, int size) {
        question.addRecord(new OPTRecord(size, 0, 0), Section.ADDITIONAL);
        return question;
    }

    /** An answer to a question, without records. */
    private static Message reply(Message question, int code) {
        Message reply = new Message(question.getHeader().getID());
        reply.getHeader().setFlag(Flags.QR);
        reply.getHeader().setFlag(Flags.RA);
        reply.getHeader().setRcode(code);
        reply.addRecord(question.getQuestion(), Section.QUESTION);
        return reply;
    }

    private static Record record(String owner, int type, long ttl, String data) throws IOException {
        return Record.fromString(Name.fromString(owner + "."), type, DClass.IN, ttl, data, Name.root);
    }

    private static FakeServer.Answering address(String address) {
        return question -> {
            Message reply = reply(question, Rcode.NOERROR);
            Record asked = question.getQuestion();
            reply.addRecord(
                    Record.fromString(asked.getName(), Type.A, DClass.IN, 300, address, Name.root), Section.ANSWER);
            return reply;
        };
    }

    private static List<String> answers(Message message) {
        return message.getSection(Section.ANSWER).stream()
                .map(r -> Type.string(r.getType()) + " " + r.rdataToString())
                .toList();
    }

    private static int code(Message message) {
        return message.getRcode();
    }

    // ------------------------------------------------------------------------------------------------ forwarding

    @Test
    void a_question_is_forwarded_and_its_answer_kept_whatever_its_case() {
        FakeServer server = server(address("198.51.100.5"));
        DnsRig rig = asking(server);

        Message first = rig.ask("web", question("www.example.org", Type.A));
        Message second = rig.ask("db", question("WWW.Example.ORG", Type.A));

        assertThat(answers(first)).containsExactly("A 198.51.100.5");
        assertThat(answers(second)).containsExactly("A 198.51.100.5");
        assertThat(second.getQuestion().getName()).hasToString("WWW.Example.ORG.");
        assertThat(first.getHeader().getFlag(Flags.RA)).isTrue();
        assertThat(first.getHeader().getFlag(Flags.AA)).isFalse();
        assertThat(server.byUdp()).hasSize(1);
    }

    @Test
    void rfc5452_each_question_has_an_id_and_a_case_of_its_own() {
        FakeServer server = server(address("198.51.100.5"));
        DnsRig rig = asking(server);
        for (int i = 0; i < 8; i++) {
            rig.ask("web", question("a-name-with-many-letters-" + i + ".example.org", Type.A));
        }
        List<Integer> ids = server.byUdp().stream()
                .map(q -> q.getHeader().getID())
                .distinct()
                .toList();
        assertThat(ids).hasSizeGreaterThanOrEqualTo(7);
        assertThat(server.byUdp())
                .allSatisfy(
                        q -> assertThat(q.getQuestion().getName().toString()).matches(".*[A-Z].*"));
    }

    @Test
    void rfc2308_that_a_name_does_not_exist_is_kept_if_a_soa_says_how_long() {
        FakeServer server = server(question -> {
            Message reply = reply(question, Rcode.NXDOMAIN);
            if (question.getQuestion()
                    .getName()
                    .toString()
                    .toLowerCase(Locale.ROOT)
                    .startsWith("kept")) {
                reply.addRecord(
                        record("example.org", Type.SOA, 3600, "ns.example.org. h.example.org. 1 7200 900 86400 60"),
                        Section.AUTHORITY);
            }
            return reply;
        });
        DnsRig rig = asking(server);
        for (int i = 0; i < 2; i++) {
            Message kept = rig.ask("web", question("kept.example.org", Type.A));
            assertThat(code(kept)).isEqualTo(Rcode.NXDOMAIN);
            assertThat(kept.getSection(Section.AUTHORITY).get(0).getTTL()).isLessThanOrEqualTo(60);
            assertThat(code(rig.ask("web", question("other.example.org", Type.A))))
                    .isEqualTo(Rcode.NXDOMAIN);
        }
        assertThat(server.byUdp()).hasSize(3);
    }

    @Test
    void an_answer_with_ttl_0_is_not_kept() {
        FakeServer server = server(question -> {
            Message reply = reply(question, Rcode.NOERROR);
            reply.addRecord(
                    Record.fromString(question.getQuestion().getName(), Type.A, DClass.IN, 0, "192.0.2.5", Name.root),
                    Section.ANSWER);
            return reply;
        });
        DnsRig rig = asking(server);
        rig.ask("web", question("now.example.org", Type.A));
        rig.ask("web", question("now.example.org", Type.A));
        assertThat(server.byUdp()).hasSize(2);
    }

    @Test
    void names_within_the_data_of_records_arrive_whole() {
        FakeServer server = server(question -> {
            Message reply = reply(question, Rcode.NOERROR);
            Name owner = question.getQuestion().getName();
            int type = question.getQuestion().getType();
            String data = type == Type.MX
                    ? "10 mail.example.org."
                    : type == Type.SRV ? "1 2 443 host.example.org." : "ns.example.org. h.example.org. 1 2 3 4 5";
            reply.addRecord(Record.fromString(owner, type, DClass.IN, 60, data, Name.root), Section.ANSWER);
            return reply;
        });
        DnsRig rig = asking(server);
        assertThat(answers(rig.ask("web", question("example.org", Type.MX))))
                .containsExactly("MX 10 mail.example.org.");
        assertThat(answers(rig.ask("web", question("example.org", Type.SRV))))
                .containsExactly("SRV 1 2 443 host.example.org.");
        assertThat(answers(rig.ask("web", question("example.org", Type.SOA))))
                .containsExactly("SOA ns.example.org. h.example.org. 1 2 3 4 5");
    }

    @Test
    void what_does_not_answer_the_question_is_left_out_and_not_kept() {
        FakeServer server = server(question -> {
            Message reply = reply(question, Rcode.NOERROR);
            if (question.getQuestion()
                    .getName()
                    .toString()
                    .toLowerCase(Locale.ROOT)
                    .startsWith("www")) {
                reply.addRecord(record("www.example.org", Type.CNAME, 60, "web.example.net."), Section.ANSWER);
                reply.addRecord(record("web.example.net", Type.A, 60, "198.51.100.5"), Section.ANSWER);
                reply.addRecord(record("bank.example.com", Type.A, 60, "203.0.113.66"), Section.ANSWER);
                reply.addRecord(record("com", Type.NS, 60, "evil.example.net."), Section.AUTHORITY);
                reply.addRecord(record("bank.example.com", Type.A, 60, "203.0.113.66"), Section.ADDITIONAL);
            } else {
                reply.addRecord(
                        Record.fromString(
                                question.getQuestion().getName(), Type.A, DClass.IN, 60, "192.0.2.80", Name.root),
                        Section.ANSWER);
            }
            return reply;
        });
        DnsRig rig = asking(server);

        Message answer = rig.ask("web", question("www.example.org", Type.A));

        assertThat(answers(answer)).containsExactly("CNAME web.example.net.", "A 198.51.100.5");
        assertThat(answer.getSection(Section.AUTHORITY)).isEmpty();
        assertThat(answer.getSection(Section.ADDITIONAL)).isEmpty();
        assertThat(answers(rig.ask("web", question("bank.example.com", Type.A))))
                .containsExactly("A 192.0.2.80");
    }

    @Test
    void forged_answers_are_waited_past() {
        FakeServer server = opened(new FakeServer((question, byTcp) -> {
            Message right = address("198.51.100.5").answer(question);
            Message wrongId = address("203.0.113.66").answer(question);
            wrongId.getHeader().setID(question.getHeader().getID() ^ 1);
            Message wrongName = reply(question("evil.example.org", Type.A), Rcode.NOERROR);
            wrongName.getHeader().setID(question.getHeader().getID());
            wrongName.addRecord(record("www.example.org", Type.A, 60, "203.0.113.66"), Section.ANSWER);
            Message wrongType = reply(question("www.example.org", Type.AAAA), Rcode.NXDOMAIN);
            wrongType.getHeader().setID(question.getHeader().getID());
            return List.of(new byte[3], wrongId.toWire(), wrongName.toWire(), wrongType.toWire(), right.toWire());
        }));
        assertThat(answers(asking(server).ask("web", question("www.example.org", Type.A))))
                .containsExactly("A 198.51.100.5");
    }

    @Test
    void a_server_that_does_not_keep_the_case_is_asked_by_tcp() {
        FakeServer server = server(question -> {
            Message lower =
                    question(question.getQuestion().getName().toString(true).toLowerCase(Locale.ROOT), Type.A);
            lower.getHeader().setID(question.getHeader().getID());
            return address("198.51.100.5").answer(lower);
        });
        assertThat(answers(asking(server).ask("web", question("www.a-long-name.example.org", Type.A))))
                .containsExactly("A 198.51.100.5");
        assertThat(server.byTcp()).hasSize(1);
    }

    @Test
    void a_truncated_answer_is_fetched_by_tcp() {
        FakeServer server = opened(new FakeServer((question, byTcp) -> {
            Message reply = byTcp ? address("198.51.100.5").answer(question) : reply(question, Rcode.NOERROR);
            if (!byTcp) {
                reply.getHeader().setFlag(Flags.TC);
            }
            return List.of(reply.toWire());
        }));
        Message answer = asking(server).ask("web", question("www.example.org", Type.A));
        assertThat(answers(answer)).containsExactly("A 198.51.100.5");
        assertThat(answer.getHeader().getFlag(Flags.TC)).isFalse();
    }

    private static FakeServer.Answering manyAddresses(int count) {
        return question -> {
            Message reply = reply(question, Rcode.NOERROR);
            for (int i = 0; i < count; i++) {
                reply.addRecord(
                        Record.fromString(
                                question.getQuestion().getName(), Type.A, DClass.IN, 60, "10.1.0." + i, Name.root),
                        Section.ANSWER);
            }
            return reply;
        };
    }

    @Test
    void rfc6891_a_guest_gets_by_udp_what_it_takes_and_by_tcp_everything() {
        FakeServer server = opened(new FakeServer((question, byTcp) -> {
            Message reply = manyAddresses(100).answer(question);
            return List.of(byTcp ? reply.toWire() : reply.toWire(512));
        }));
        DnsRig rig = asking(server);

        Message plain = rig.ask("web", question("many.example.org", Type.A));
        assertThat(plain.getHeader().getFlag(Flags.TC)).isTrue();
        assertThat(answers(plain)).isEmpty();
        assertThat(plain.getOPT()).isNull();

        Message edns = rig.ask("web", withEdns(question("many.example.org", Type.A), 4096));
        assertThat(edns.getHeader().getFlag(Flags.TC))
                .as("1,600 octets are more than 1,232")
                .isTrue();
        assertThat(edns.getOPT().getPayloadSize()).isEqualTo(1232);

        DnsRig.Stream stream = rig.new Stream("web");
        stream.request(100_000);
        stream.write(framed(question("many.example.org", Type.A)));
        assertThat(answers(stream.take())).hasSize(100);
    }

    @Test
    void sixty_addresses_fit_for_a_guest_with_edns_and_not_without() {
        DnsRig rig = asking(server(manyAddresses(60)));
        assertThat(answers(rig.ask("web", withEdns(question("many.example.org", Type.A), 1232))))
                .hasSize(60);
        assertThat(answers(rig.ask("web", question("many.example.org", Type.A))))
                .isEmpty();
    }

    @Test
    void a_server_without_edns_is_asked_again_without() {
        FakeServer server = server(question -> question.getOPT() != null
                ? reply(question, Rcode.FORMERR)
                : address("198.51.100.5").answer(question));
        assertThat(answers(asking(server).ask("web", question("www.example.org", Type.A))))
                .containsExactly("A 198.51.100.5");
        assertThat(server.byUdp()).hasSize(2);
    }

    @Test
    void a_guests_own_options_go_no_further() {
        FakeServer server = server(address("198.51.100.5"));
        Message question = question("www.example.org", Type.A);
        question.addRecord(
                new OPTRecord(1232, 0, 0, 0, List.<EDNSOption>of(new NSIDOption(new byte[] {1}))), Section.ADDITIONAL);
        Message answer = asking(server).ask("web", question);
        assertThat(server.byUdp().get(0).getOPT().getOptions()).isEmpty();
        assertThat(answer.getOPT().getOptions()).isEmpty();
    }

    @Test
    void the_next_server_is_asked_when_one_fails_or_is_not_there() throws IOException {
        FakeServer failing = server(question -> reply(question, Rcode.SERVFAIL));
        FakeServer good = server(address("198.51.100.5"));
        String closed;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = "127.0.0.1:" + free.getLocalPort();
        }
        DnsRig rig = rig(DnsSettings.builder()
                .common(DnsView.EMPTY.withRoutes(". -> " + failing.place() + ", " + closed + ", " + good.place())));
        assertThat(answers(rig.ask("web", question("www.example.org", Type.A)))).containsExactly("A 198.51.100.5");
        assertThat(answers(rig.ask("web", question("mail.example.org", Type.A))))
                .containsExactly("A 198.51.100.5");
        assertThat(failing.byUdp())
                .as("the good one is asked first from then on")
                .hasSize(1);
    }

    @Test
    void a_server_that_is_silent_is_given_up_and_the_guest_told() {
        FakeServer silent = opened(new FakeServer((question, byTcp) -> List.of()));
        DnsRig rig = rig(settings(silent).timeout(Duration.ofMillis(100)));
        assertThat(code(rig.ask("web", question("www.example.org", Type.A)))).isEqualTo(Rcode.SERVFAIL);
        assertThat(silent.byUdp()).hasSize(4);
        assertThat(rig.forwarder().stats().failures()).isEqualTo(1);
    }

    @Test
    void guests_that_ask_the_same_at_once_share_one_question() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch mayAnswer = new CountDownLatch(1);
        FakeServer server = server(question -> {
            asked.countDown();
            try {
                assertThat(mayAnswer.await(10, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return address("198.51.100.5").answer(question);
        });
        DnsRig rig = rig(settings(server).timeout(Duration.ofSeconds(10)));
        rig.send("web", question("www.example.org", Type.A).toWire());
        assertThat(asked.await(10, TimeUnit.SECONDS)).isTrue();
        rig.send("db", question("www.example.org", Type.A).toWire());
        rig.send("mail", question("local-marker.invalid", Type.A).toWire());
        rig.receive("mail");
        mayAnswer.countDown();
        assertThat(answers(new Message(rig.receive("web")))).containsExactly("A 198.51.100.5");
        assertThat(answers(new Message(rig.receive("db")))).containsExactly("A 198.51.100.5");
        assertThat(server.byUdp()).hasSize(1);
    }

    @Test
    void a_question_that_comes_back_from_the_server_is_refused() {
        AtomicReference<DnsRig> rig = new AtomicReference<>();
        List<Integer> codes = new ArrayList<>();
        FakeServer loop = server(question -> {
            // a guest that forwards to the gateway what the gateway forwards to it
            Message back = rig.get().ask("loop", question);
            codes.add(code(back));
            return reply(question, code(back));
        });
        rig.set(rig(settings(loop).timeout(Duration.ofSeconds(10))));
        assertThat(code(rig.get().ask("web", question("round.and.round.example.org", Type.A))))
                .isEqualTo(Rcode.SERVFAIL);
        assertThat(codes).hasSize(4).containsOnly(Rcode.REFUSED);
    }

    // ------------------------------------------------------------------------------------------------ what it says
    // itself

    @Test
    void a_guests_own_view_comes_before_the_common_one() {
        FakeServer common = server(address("198.51.100.1"));
        FakeServer corp = server(address("198.51.100.2"));
        DnsRig rig = rig(DnsSettings.builder()
                .common(DnsView.EMPTY
                        .withAnswers("intra.example A 192.0.2.1", "*.wild.example A 192.0.2.2")
                        .withBlocked("ads.example", "*.ads.example", "blocked.example")
                        .withRoutes(". -> " + common.place()))
                .view(
                        GuestId.of("web"),
                        DnsView.EMPTY
                                .withAnswers("blocked.example A 192.0.2.7", "intra.example AAAA 2001:db8::1")
                                .withBlocked("secret.example")
                                .withRoutes("corp.example -> " + corp.place())));

        assertThat(answers(rig.ask("db", question("intra.example", Type.A)))).containsExactly("A 192.0.2.1");
        assertThat(answers(rig.ask("web", question("intra.example", Type.AAAA))))
                .containsExactly("AAAA 2001:db8:0:0:0:0:0:1");
        assertThat(answers(rig.ask("web", question("intra.example", Type.A)))).isEmpty();
        assertThat(answers(rig.ask("db", question("a.b.wild.example", Type.A)))).containsExactly("A 192.0.2.2");
        assertThat(code(rig.ask("db", question("x.y.ADS.example", Type.A)))).isEqualTo(Rcode.NXDOMAIN);
        assertThat(code(rig.ask("db", question("blocked.example", Type.A)))).isEqualTo(Rcode.NXDOMAIN);
        assertThat(answers(rig.ask("db", question("sub.blocked.example", Type.A))))
                .containsExactly("A 198.51.100.1");
        assertThat(answers(rig.ask("web", question("blocked.example", Type.A)))).containsExactly("A 192.0.2.7");
        assertThat(code(rig.ask("web", question("secret.example", Type.A)))).isEqualTo(Rcode.NXDOMAIN);
        assertThat(answers(rig.ask("db", question("secret.example", Type.A)))).containsExactly("A 198.51.100.1");
        assertThat(answers(rig.ask("web", question("git.corp.example", Type.A))))
                .containsExactly("A 198.51.100.2");
        assertThat(answers(rig.ask("db", question("git.corp.example", Type.A)))).containsExactly("A 198.51.100.1");
    }

    @Test
    void an_alias_of_the_gateways_own_leads_on_to_servers() {
        FakeServer server = server(address("198.51.100.5"));
        DnsRig rig = rig(DnsSettings.builder()
                .common(DnsView.EMPTY
                        .withAnswers("short.example CNAME next.example", "next.example CNAME www.example.org")
                        .withRoutes(". -> " + server.place())));
        assertThat(answers(rig.ask("web", question("short.example", Type.A))))
                .containsExactly("CNAME next.example.", "CNAME www.example.org.", "A 198.51.100.5");
        assertThat(answers(rig.ask("web", question("short.example", Type.CNAME))))
                .containsExactly("CNAME next.example.");
    }

    @Test
    void aliases_in_a_circle_end() {
        DnsRig rig = rig(DnsSettings.builder()
                .common(DnsView.EMPTY.withAnswers("a.example CNAME b.example", "b.example CNAME a.example")));
        assertThat(code(rig.ask("web", question("a.example", Type.A)))).isEqualTo(Rcode.SERVFAIL);
    }

    @Test
    void guests_are_known_by_their_names_and_addresses() {
        DnsRig rig = rig(DnsSettings.builder()
                        .domain(DomainName.parse("guests.internal"))
                        .resolvConf(Path.of("/nonexistent/resolv.conf")))
                .guest("web", "192.0.2.10")
                .guest("db", "192.0.2.10")
                .guest("own", "10.77.0.4");
        assertThat(answers(rig.ask("web", question("own.guests.internal", Type.A))))
                .containsExactly("A 10.77.0.4");
        assertThat(answers(rig.ask("own", question("DB.Guests.Internal", Type.A))))
                .containsExactly("A 192.0.2.10");
        assertThat(answers(rig.ask("web", question("db.guests.internal", Type.A))))
                .as("a guest cannot call its own address and reach another")
                .containsExactly("A " + DnsRig.ALIAS);
        assertThat(answers(rig.ask("web", question("web.guests.internal", Type.A))))
                .containsExactly("A 192.0.2.10");
        assertThat(code(rig.ask("web", question("nobody.guests.internal", Type.A))))
                .isEqualTo(Rcode.NXDOMAIN);
        Message none = rig.ask("web", question("own.guests.internal", Type.AAAA));
        assertThat(code(none)).isEqualTo(Rcode.NOERROR);
        assertThat(answers(none)).isEmpty();
        assertThat(answers(rig.ask("web", question("4.0.77.10.in-addr.arpa", Type.PTR))))
                .containsExactly("PTR own.guests.internal.");
        assertThat(answers(rig.ask("own", question("10.2.0.192.in-addr.arpa", Type.PTR))))
                .containsExactlyInAnyOrder("PTR web.guests.internal.", "PTR db.guests.internal.");
    }

    @ParameterizedTest
    @CsvSource({
        "localhost, A, 0, A 127.0.0.1",
        "a.localhost, AAAA, 0, AAAA 0:0:0:0:0:0:0:1",
        "localhost, MX, 0, ''",
        "1.0.0.127.in-addr.arpa, PTR, 0, PTR localhost.",
        "9.0.0.127.in-addr.arpa, PTR, 3, ''",
        "x.invalid, A, 3, ''",
        "x.onion, A, 3, ''",
        "printer.local, A, 5, ''",
        "example.org, AXFR, 5, ''"
    })
    void rfc6761_special_names_go_to_no_server(String name, String type, int code, String answer) {
        FakeServer server = server(address("198.51.100.5"));
        Message said = asking(server).ask("web", question(name, Type.value(type)));
        assertThat(code(said)).isEqualTo(code);
        assertThat(String.join("", answers(said))).isEqualTo(answer);
        assertThat(server.byUdp()).isEmpty();
    }

    // ------------------------------------------------------------------------------------------------ hostile and odd
    // questions

    @Test
    void hostile22_what_cannot_be_read_is_told_or_ignored() throws IOException {
        FakeServer server = server(address("198.51.100.5"));
        DnsRig rig = asking(server);
        Message two = question("a.example", Type.A);
        two.addRecord(Record.newRecord(Name.fromString("b.example."), Type.A, DClass.IN), Section.QUESTION);
        assertThat(code(rig.ask("web", two))).isEqualTo(Rcode.FORMERR);

        Message update = question("a.example", Type.A);
        update.getHeader().setOpcode(Opcode.UPDATE);
        assertThat(code(rig.ask("web", update))).isEqualTo(Rcode.NOTIMP);

        Message future = question("a.example", Type.A);
        future.addRecord(new OPTRecord(1232, 0, 1), Section.ADDITIONAL);
        assertThat(code(rig.ask("web", future))).isEqualTo(Rcode.BADVERS);

        Message chaos = Message.newQuery(Record.newRecord(Name.fromString("version.bind."), Type.TXT, DClass.CH));
        assertThat(code(rig.ask("web", chaos))).isEqualTo(Rcode.REFUSED);

        Message response = question("a.example", Type.A);
        response.getHeader().setFlag(Flags.QR);
        rig.send("web", response.toWire());
        rig.send("web", new byte[11]);
        rig.send("web", new byte[5000]);
        // only the one that comes after them is answered
        Message last = question("last.example", Type.A);
        assertThat(rig.ask("web", last).getHeader().getID())
                .isEqualTo(last.getHeader().getID());
        assertThat(rig.hasReply("web")).isFalse();
        assertThat(server.byUdp()).hasSize(1);
        assertThat(new Header(last.getHeader().toWire()).getID())
                .isEqualTo(last.getHeader().getID());
    }

    @Test
    void hostile22_one_guests_flood_is_bounded_and_leaves_others_alone() {
        DnsRig rig = rig(DnsSettings.builder().queriesPerSecond(1));
        for (int i = 0; i < 50; i++) {
            rig.send("web", question("x.invalid", Type.A).toWire());
        }
        assertThat(rig.forwarder().stats().limited()).isGreaterThanOrEqualTo(40);
        assertThat(code(rig.ask("db", question("x.invalid", Type.A)))).isEqualTo(Rcode.NXDOMAIN);
    }

    @Test
    void what_has_become_of_questions_and_messages_is_counted_each_in_one_place() {
        FakeServer server = server(address("198.51.100.5"));
        DnsRig rig = rig(DnsSettings.builder()
                .common(DnsView.EMPTY
                        .withRoutes(". -> " + server.place())
                        .withAnswers("own.example A 192.0.2.7")
                        .withBlocked("ads.example")));
        assertThat(rig.forwarder().counters().values()).containsOnly(0L);
        rig.ask("web", question("www.example.org", Type.A));
        rig.ask("web", question("www.example.org", Type.A));
        rig.ask("db", question("www.example.org", Type.A));
        rig.ask("web", question("own.example", Type.A));
        rig.ask("web", question("ads.example", Type.A));
        rig.send("web", new byte[11]);
        rig.send("web", new byte[5000]);
        rig.takesReplies = false;
        rig.send("web", question("own.example", Type.A).toWire());
        await().until(() -> rig.forwarder().stats().dropped() == 1);
        DnsForwarder.Stats expected = new DnsForwarder.Stats(6, 2, 1, 2, 0, 2, 0, 1);
        assertThat(rig.forwarder().stats()).isEqualTo(expected);
        assertThat(rig.forwarder().counters())
                .containsExactly(
                        Map.entry("questions", 6L),
                        Map.entry("own", 2L),
                        Map.entry("blocked", 1L),
                        Map.entry("cached", 2L),
                        Map.entry("failures", 0L),
                        Map.entry("malformed", 2L),
                        Map.entry("limited", 0L),
                        Map.entry("dropped", 1L));
        rig.run(() -> {
            rig.forwarder().close();
            return null;
        });
        assertThat(rig.forwarder().stats()).isEqualTo(expected);
    }

    // ------------------------------------------------------------------------------------------------ TCP

    private static byte[] framed(Message message) {
        byte[] wire = message.toWire();
        byte[] framed = new byte[2 + wire.length];
        framed[0] = (byte) (wire.length >>> 8);
        framed[1] = (byte) wire.length;
        System.arraycopy(wire, 0, framed, 2, wire.length);
        return framed;
    }

    @Test
    void rfc7766_questions_come_one_after_the_other_in_any_pieces() {
        DnsRig rig = asking(server(address("198.51.100.5")));
        DnsRig.Stream stream = rig.new Stream("web");
        stream.request(1 << 20);
        byte[] one = framed(question("one.example.org", Type.A));
        byte[] two = framed(question("two.example.org", Type.A));
        for (byte octet : one) {
            assertThat(stream.write(new byte[] {octet})).isEqualTo(1);
        }
        stream.write(two);
        List<String> names = List.of(
                stream.take().getQuestion().getName().toString(),
                stream.take().getQuestion().getName().toString());
        assertThat(names).containsExactlyInAnyOrder("one.example.org.", "two.example.org.");
        rig.run(() -> {
            stream.end().shutdownOutput();
            return null;
        });
        assertThat(stream.takeEnd()).isEqualTo("end");
    }

    @Test
    void a_guest_that_does_not_read_is_not_read_from() {
        DnsRig rig = rig(DnsSettings.builder().queriesPerSecond(10_000));
        DnsRig.Stream stream = rig.new Stream("web");
        byte[] question = framed(question("x.invalid", Type.A));
        int written = 0;
        for (int i = 0; i < 1000; i++) {
            written += stream.write(question);
        }
        assertThat(written).isLessThan(8192);
        stream.request(1 << 20);
        for (int i = 0; i < 16; i++) {
            assertThat(code(stream.take())).isEqualTo(Rcode.NXDOMAIN);
        }
        assertThat(stream.takeEnd()).isEqualTo("writable");
    }

    @Test
    void hostile22_a_message_of_a_length_that_none_has_resets_the_connection() {
        DnsRig rig = rig(DnsSettings.builder());
        DnsRig.Stream tooLong = rig.new Stream("web");
        tooLong.write(new byte[] {(byte) 0xff, (byte) 0xff});
        assertThat(tooLong.takeEnd()).isEqualTo("RESET");
        DnsRig.Stream tooShort = rig.new Stream("web");
        tooShort.write(new byte[] {0, 3, 1, 2, 3});
        assertThat(tooShort.takeEnd()).isEqualTo("RESET");
    }

    @Test
    void a_guest_has_eight_connections_at_most() {
        DnsRig rig = rig(DnsSettings.builder());
        List<DnsRig.Stream> streams = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            streams.add(rig.new Stream("web"));
        }
        assertThat(streams.get(7).isRefused()).isFalse();
        assertThat(streams.get(8).isRefused()).isTrue();
        assertThat(rig.new Stream("db").isRefused()).isFalse();
        rig.run(() -> {
            streams.get(0).end().close();
            return null;
        });
        assertThat(rig.new Stream("web").isRefused()).isFalse();
    }

    // ------------------------------------------------------------------------------------------------ the host's
    // servers

    @Test
    void the_hosts_file_is_read_again_when_it_has_changed(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("resolv.conf");
        List<String> notices = new ArrayList<>();
        long[] now = {0};
        HostServers servers = new HostServers(file, () -> now[0], notices::add);
        assertThat(servers.get()).isEmpty();
        assertThat(notices).hasSize(1);

        Files.writeString(
                file, "# comment\nsearch x\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\n");
        assertThat(servers.get()).as("looked at a moment ago").isEmpty();
        now[0] += 1_000_000_000L;
        assertThat(servers.get()).extracting(Object::toString).containsExactly("192.0.2.53:53", "[2001:db8::53]:53");

        Files.writeString(file, "nameserver 192.0.2.54\n");
        Files.setLastModifiedTime(file, FileTime.fromMillis(1));
        now[0] += 1_000_000_000L;
        assertThat(servers.get()).extracting(Object::toString).containsExactly("192.0.2.54:53");

        Files.delete(file);
        now[0] += 1_000_000_000L;
        assertThat(servers.get()).as("while it is being replaced").hasSize(1);
    }
}
