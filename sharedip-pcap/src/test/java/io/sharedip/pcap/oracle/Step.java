package io.sharedip.pcap.oracle;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.HexFormat;

/**
 * One frame of a case. A frame from outside bears its conversation's <em>nominal</em> outside port, which is the guest's own port; each
 * side is given the port that it has really chosen instead.
 *
 * @param link that it comes in on
 * @param conversation number of its conversation within the case, or -1
 * @param portAt index of the outside port in a frame from outside, or -1
 * @param nominal outside port of the conversation
 * @param frame with its Ethernet header
 * @param note what it is, in words
 */
record Step(int link, int conversation, int portAt, int nominal, byte[] frame, String note) {

    /**
     * The same step with another identification if it is a fragment, so that what an earlier play of the same case has left incomplete
     * in the kernel does not meet this one.
     */
    Step salted(int salt) {
        if (frame.length < Wire.IP + 20
                || Octets.u16(frame, 12) != 0x0800
                || (Octets.u16(frame, Wire.IP + 6) & 0x3fff) == 0) {
            return this;
        }
        byte[] other = frame.clone();
        int id = Octets.u16(frame, Wire.IP + 4);
        int salted = id + salt * 40_503 & 0xffff;
        Octets.put16(other, Wire.IP + 4, salted);
        Octets.put16(
                other, Wire.IP + 10, Checksum.update(Octets.u16(frame, Wire.IP + 10), Checksum.delta16(id, salted)));
        return with(other);
    }

    /** The same step with another frame. */
    Step with(byte[] other) {
        return new Step(link, conversation, portAt, nominal, other, note);
    }

    /** The text form of one line, which {@link #parse} reads. */
    String format() {
        return link + " " + conversation + " " + portAt + " " + nominal + " "
                + HexFormat.of().formatHex(frame) + " # " + note;
    }

    static Step parse(String line) {
        int hash = line.indexOf('#');
        String[] words = (hash < 0 ? line : line.substring(0, hash)).trim().split(" ");
        return new Step(
                Integer.parseInt(words[0]),
                Integer.parseInt(words[1]),
                Integer.parseInt(words[2]),
                Integer.parseInt(words[3]),
                HexFormat.of().parseHex(words[4]),
                hash < 0 ? "" : line.substring(hash + 1).trim());
    }
}
