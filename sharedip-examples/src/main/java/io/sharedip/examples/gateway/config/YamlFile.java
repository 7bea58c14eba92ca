package io.sharedip.examples.gateway.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Gets the text of a file, or the reason why not. */
final class YamlFile {

    /** Far more than any gateway needs, and little enough to be read at once. */
    static final int MOST_OCTETS = 1 << 20;

    private static final String KEY = "file";

    private YamlFile() {}

    static String read(Path path, Problems problems) throws BadConfigurationException {
        byte[] octets;
        try {
            octets = octets(path, problems);
        } catch (NoSuchFileException e) {
            throw problems.only(Spot.START, KEY, "does not exist", "check the name, or write the file");
        } catch (AccessDeniedException e) {
            throw problems.only(Spot.START, KEY, "may not be read by this user", "give the right with chmod or chown");
        } catch (IOException e) {
            throw problems.only(Spot.START, KEY, "cannot be read: " + e.getMessage(), "check the disk and the name");
        }
        return decode(octets, problems);
    }

    private static byte[] octets(Path path, Problems problems) throws IOException, BadConfigurationException {
        if (Files.isDirectory(path)) {
            throw problems.only(Spot.START, KEY, "is a directory", "name the file in it");
        }
        try (InputStream in = Files.newInputStream(path)) {
            byte[] octets = in.readNBytes(MOST_OCTETS + 1);
            if (octets.length > MOST_OCTETS) {
                throw problems.only(
                        Spot.START,
                        KEY,
                        "is larger than " + MOST_OCTETS + " octets",
                        "check that it is the gateway's file, or shorten it");
            }
            return octets;
        }
    }

    private static String decode(byte[] octets, Problems problems) throws BadConfigurationException {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        CharBuffer chars = CharBuffer.allocate(octets.length);
        CoderResult result = decoder.decode(ByteBuffer.wrap(octets), chars, true);
        String text = chars.flip().toString();
        if (result.isError()) {
            throw problems.only(
                    spotAfter(text), KEY, "has an octet here that is not UTF-8 text", "save the file as UTF-8");
        }
        return text.startsWith("\ufeff") ? text.substring(1) : text;
    }

    /** The place of the character that would follow a text. */
    static Spot spotAfter(String text) {
        int line = 1 + (int) text.chars().filter(c -> c == '\n').count();
        int begin = text.lastIndexOf('\n') + 1;
        return new Spot(line, 1 + text.codePointCount(begin, text.length()));
    }
}
