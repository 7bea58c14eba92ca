package io.sharedip.netty.internal.dns;

import io.sharedip.dns.DomainName;
import java.io.IOException;
import org.xbill.DNS.Message;

/**
 * Octets as a guest's question and as a server's answer: each is read or refused with a {@link MalformedMessageException}, and what is
 * read can be written again within the length that was asked for, in a form that another reader understands.
 */
final class MessageInput {

    private static final Query QUESTION = question();

    private final byte[] octets;

    MessageInput(byte[] octets) {
        this.octets = octets;
    }

    private static Query question() {
        try {
            return Query.parse(new byte[] {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1});
        } catch (MalformedMessageException e) {
            throw new AssertionError(e);
        }
    }

    /** Reads it both ways. @return whether one of them was accepted */
    boolean run() {
        boolean question = asQuestion();
        return asAnswer() || question;
    }

    private boolean asQuestion() {
        Query query;
        try {
            query = Query.parse(octets);
        } catch (MalformedMessageException e) {
            return false;
        }
        read(ResponseWriter.write(query, Answer.of(Answer.NAME_ERROR), 0, query.udpSize(), 0, 60), query.udpSize());
        return true;
    }

    private boolean asAnswer() {
        Response response;
        try {
            response = Response.parse(octets);
        } catch (MalformedMessageException e) {
            return false;
        }
        for (int type : new int[] {DnsType.A, DnsType.MX, DnsType.SOA, DnsType.ANY}) {
            Answer answer = response.answerTo(DomainName.parse("a"), type);
            if (answer != null) {
                for (int most : new int[] {512, ResponseWriter.UDP_SIZE, ResponseWriter.TCP_SIZE}) {
                    read(ResponseWriter.write(QUESTION, answer, 1, most, 0, 86_400), most);
                }
            }
        }
        return true;
    }

    private static void read(byte[] written, int most) {
        if (written.length > most) {
            throw new AssertionError(written.length + " octets, " + most + " were asked for");
        }
        if (written.length < Query.HEADER) {
            throw new AssertionError("no header");
        }
        try {
            new Message(written);
        } catch (IOException e) {
            if (!isOfRecordData(e)) {
                throw new AssertionError("cannot be read again", e);
            }
        }
    }

    /** Data of records is passed on as it is, whatever it means. */
    private static boolean isOfRecordData(IOException e) {
        for (StackTraceElement element : e.getStackTrace()) {
            if (element.getMethodName().equals("rrFromWire")) {
                return true;
            }
        }
        return String.valueOf(e.getMessage()).contains("invalid record length");
    }
}
