package io.sharedip.examples.embed;

import io.sharedip.Guest;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.filter.FilterChain;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.NatGateway;
import io.sharedip.netty.SocketUplink;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeoutException;

/**
 * An emulator and its network in one process: a guest that is nothing but Java asks a server of the host something over UDP. Neither
 * root nor a native library is needed.
 *
 * <pre>{@code
 * socat UDP-LISTEN:5000,fork EXEC:cat &
 * java -cp sharedip-gateway.jar io.sharedip.examples.embed.AskFromMemory 5000 'anybody there?'
 * }</pre>
 */
public final class AskFromMemory {

    private static final String ADDRESS = "192.0.2.10";
    private static final String ROUTER = "192.0.2.1";
    private static final String MAC = "52:54:00:00:00:01";

    private AskFromMemory() {}

    /**
     * Runs the example.
     *
     * @param args a UDP port of this machine, and the question
     * @throws Exception if there is no answer
     */
    public static void main(String[] args) throws Exception {
        System.out.println(ask(Integer.parseInt(args[0]), args[1]));
    }

    static String ask(int port, String question) throws InterruptedException, TimeoutException {
        InProcessLink card = InProcessLink.named("emulator");
        try (NatGateway gateway = NatGateway.builder()
                .address(ADDRESS)
                .router(ROUTER)
                .uplink(SocketUplink.create())
                .guest(Guest.of("emulator", MAC, ADDRESS, card))
                // This machine is closed to its guests unless a rule opens it. The router's address stands for it.
                .rules(FilterChain.parse("accept udp from guest emulator to host port " + port))
                .start()) {
            EmulatedGuest guest = new EmulatedGuest(card, MacAddress.parse(MAC), gateway.address());
            Ipv4Address host = Ipv4Address.parse(ROUTER);
            byte[] answer = guest.ask(host, host, port, question.getBytes(StandardCharsets.UTF_8));
            return new String(answer, StandardCharsets.UTF_8);
        }
    }
}
