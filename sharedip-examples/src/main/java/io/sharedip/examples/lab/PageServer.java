package io.sharedip.examples.lab;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;

/**
 * Answers every request for a page with an empty one, thousands in a row: {@link WebServer} has more to say, but starts a process for each
 * connection. Run as a program on a lab machine: {@code PageServer PORT}.
 */
public final class PageServer {
    private static final int NO_BODY = -1;

    private PageServer() {}

    /**
     * Serves until it is ended.
     *
     * @param args the port
     * @throws IOException if the port cannot be had
     */
    public static void main(String[] args) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(args[0])), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(HttpURLConnection.HTTP_OK, NO_BODY);
            exchange.close();
        });
        server.start();
    }
}
