package io.sharedip.netty.internal.dns;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** Messages of the corpus, and sound ones with octets changed, as questions and as answers. */
class MessagePropertyTest {

    static List<Path> corpus() throws IOException, URISyntaxException {
        URL url = Objects.requireNonNull(MessagePropertyTest.class.getResource("MessageFuzzInputs/messages"));
        try (Stream<Path> files = Files.list(Path.of(url.toURI()))) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("corpus")
    void a_message_of_the_corpus_is_read_or_refused(Path file) throws IOException {
        boolean good = file.getFileName().toString().startsWith("good");
        assertThat(new MessageInput(Files.readAllBytes(file)).run() || !good).isTrue();
    }

    private static List<byte[]> sound() throws IOException {
        List<byte[]> messages = new ArrayList<>();
        Message question = Message.newQuery(Record.newRecord(Name.fromString("a."), Type.A, DClass.IN));
        question.addRecord(new OPTRecord(1232, 0, 0, Flags.DO), Section.ADDITIONAL);
        messages.add(question.toWire());
        String[][] records = {
            {"A", "192.0.2.1"},
            {"MX", "10 mail.a."},
            {"SOA", "ns.a. host.a. 1 2 3 4 5"},
            {"SRV", "1 2 3 host.a."},
            {"CNAME", "b.a."},
            {"TXT", "\"text\""}
        };
        for (String[] record : records) {
            Message answer = new Message(7);
            answer.getHeader().setFlag(Flags.QR);
            int type = Type.value(record[0]);
            Name owner = Name.fromString("a.");
            answer.addRecord(Record.newRecord(owner, type, DClass.IN), Section.QUESTION);
            answer.addRecord(Record.fromString(owner, type, DClass.IN, 60, record[1], Name.root), Section.ANSWER);
            answer.addRecord(
                    Record.fromString(owner, Type.SOA, DClass.IN, 60, "ns.a. host.a. 1 2 3 4 5", Name.root),
                    Section.AUTHORITY);
            messages.add(answer.toWire());
        }
        return messages;
    }

    @Test
    void sound_messages_are_read_and_changed_ones_harm_nothing() throws IOException {
        Random random = new Random(1035);
        List<byte[]> messages = sound();
        int accepted = 0;
        for (byte[] message : messages) {
            assertThat(new MessageInput(message).run()).isTrue();
        }
        for (int i = 0; i < 50_000; i++) {
            byte[] message = messages.get(random.nextInt(messages.size())).clone();
            for (int changes = random.nextInt(6); changes >= 0; changes--) {
                int octet = random.nextInt(4) == 0 ? 0xc0 : random.nextInt(256);
                message[random.nextInt(message.length)] = (byte) octet;
            }
            int length = random.nextInt(3) == 0 ? random.nextInt(message.length) : message.length;
            accepted += new MessageInput(Arrays.copyOf(message, length)).run() ? 1 : 0;
        }
        assertThat(accepted).isBetween(1000, 49_000);
    }

    @Test
    void compression_pointers_lead_to_the_front_only() {
        byte[] self = {0, 1, (byte) 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0, (byte) 0xc0, 12, 0, 1, 0, 1};
        byte[] forward = {0, 1, (byte) 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0, (byte) 0xc0, 16, 0, 1, 0, 1, 0};
        assertThat(new MessageInput(self).run()).isFalse();
        assertThat(new MessageInput(forward).run()).isFalse();
    }
}
