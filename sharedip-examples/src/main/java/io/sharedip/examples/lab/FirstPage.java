package io.sharedip.examples.lab;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Asks a web server for its page over one new connection after another, until it has come once. Run as a program on a lab machine:
 * {@code FirstPage ADDRESS PORT FILE}. It says {@code waiting}, begins when the file appears, and ends with {@code at MILLIS} of the
 * system's clock and the page.
 */
public final class FirstPage {
    /** A lost SYN is sent again after a whole second, so an attempt is given up before that. */
    private static final int CONNECT_MILLIS = 400;

    private static final int READ_MILLIS = 5000;
    private static final int PAUSE_MILLIS = 5;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final byte[] QUESTION = "GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private FirstPage() {}

    /**
     * Runs the program.
     *
     * @param args address and port of the server, and the file to wait for
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] args) throws InterruptedException {
        InetSocketAddress server = new InetSocketAddress(args[0], Integer.parseInt(args[1]));
        Path go = Path.of(args[2]);
        System.out.println("waiting");
        Waiting.require(go.toString(), PATIENCE, () -> Files.exists(go));
        while (true) {
            try {
                String page = fetch(server);
                System.out.println("at " + System.currentTimeMillis() + "\n" + page);
                return;
            } catch (IOException e) {
                TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
            }
        }
    }

    private static String fetch(InetSocketAddress server) throws IOException {
        try (Socket connection = new Socket()) {
            connection.setSoTimeout(READ_MILLIS);
            connection.connect(server, CONNECT_MILLIS);
            connection.getOutputStream().write(QUESTION);
            String answer = new String(connection.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            int end = answer.indexOf("\r\n\r\n");
            if (end < 0) {
                throw new IOException("no page: " + answer);
            }
            return answer.substring(end).strip();
        }
    }
}
