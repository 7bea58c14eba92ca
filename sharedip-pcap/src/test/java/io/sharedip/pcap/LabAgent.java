package io.sharedip.pcap;

import io.sharedip.SharedIpException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * The program that lab tests run inside a network namespace: one link or one set of claims, told what to do by lines on its
 * standard input and telling what happens by lines on its standard output.
 *
 * <p>{@code link uplink|guest CARD} or {@code claims sockets|firewall ADDRESS}.
 */
final class LabAgent {

    private static final BlockingQueue<String> COMMANDS = new LinkedBlockingQueue<>();

    private LabAgent() {}

    public static void main(String[] args) throws Exception {
        Thread input = new Thread(LabAgent::readCommands);
        input.setDaemon(true);
        input.start();
        try {
            if (args[0].equals("link")) {
                new LinkAgent(args[1].equals("guest") ? PcapLink.guest(args[2]) : PcapLink.uplink(args[2])).run();
            } else {
                claims(
                        args[1].equals("sockets") ? LinuxPortClaims.sockets() : LinuxPortClaims.firewall(),
                        Ipv4Address.parse(args[2]));
            }
        } catch (SharedIpException e) {
            say("ERROR " + e.getMessage());
        }
        System.exit(0);
    }

    private static void readCommands() {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                COMMANDS.add(line);
            }
        } catch (java.io.IOException e) {
            // the test is gone
        }
        COMMANDS.add("quit");
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static void claims(LinuxPortClaims claims, Ipv4Address address) throws InterruptedException {
        claims.open(address);
        say("OPEN");
        while (true) {
            String[] words = COMMANDS.take().split(" ");
            long start = System.nanoTime();
            try {
                switch (words[0]) {
                    case "claim" ->
                        say("CLAIMED "
                                + claims.claim(IpProtocol.parse(words[1]), PortRange.parse(words[2])).stream()
                                        .map(PortRange::toString)
                                        .collect(Collectors.joining(","))
                                + " in " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start) + " ms");
                    case "claimAll" -> {
                        claims.claimAll(IpProtocol.parse(words[1]), PortRange.parse(words[2]));
                        say("CLAIMED all");
                    }
                    case "claimProtocol" -> {
                        claims.claimProtocol(IpProtocol.parse(words[1]));
                        say("CLAIMED protocol " + words[1]);
                    }
                    case "release" -> {
                        claims.release(IpProtocol.parse(words[1]), PortRange.parse(words[2]));
                        say("RELEASED");
                    }
                    case "move" -> {
                        claims.move(Ipv4Address.parse(words[1]));
                        say("MOVED");
                    }
                    case "conflicts" -> say("CONFLICTS " + claims.conflicts());
                    case "child" ->
                        say("CHILD " + new ProcessBuilder("sleep", "30").start().pid());
                    default -> {
                        claims.close();
                        say("CLOSED");
                        return;
                    }
                }
            } catch (SharedIpException e) {
                say("ERROR " + e.getMessage());
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    /** Drives one link, answering ARP and echo requests for one address when told to. */
    private static final class LinkAgent implements LinkHost {

        private static final HexFormat HEX = HexFormat.of();

        private final PcapLink link;
        private int respondTo;
        private boolean print = true;

        LinkAgent(PcapLink link) {
            this.link = link;
        }

        void run() throws InterruptedException {
            link.open(this);
            say("OPEN mtu=" + link.mtu() + " mac=" + link.macAddress().orElseThrow());
            while (true) {
                int count = link.poll(this::onFrames, 64);
                link.flush();
                String command = count > 0 ? COMMANDS.poll() : COMMANDS.poll(1, TimeUnit.MILLISECONDS);
                if (command == null) {
                    continue;
                }
                String[] words = command.split(" ");
                switch (words[0]) {
                    case "send" -> say("SENT " + link.send(Frame.of(HEX.parseHex(words[1]))));
                    case "flood" -> flood(Integer.parseInt(words[1]));
                    case "respond" -> respondTo = Ipv4Address.parse(words[1]).bits();
                    case "quiet" -> print = false;
                    case "stats" ->
                        say("STATS super=" + link.superFrames() + " partial=" + link.partialChecksums() + " overruns="
                                + link.overruns());
                    default -> {
                        long start = System.nanoTime();
                        link.close();
                        say("CLOSED " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
                        return;
                    }
                }
            }
        }

        private void flood(int frames) {
            byte[] frame = new byte[256];
            frame[0] = 2;
            frame[6] = 2;
            frame[12] = (byte) 0x88;
            frame[13] = (byte) 0xb5;
            long start = System.nanoTime();
            int sent = 0;
            for (int i = 0; i < frames; i++) {
                sent += link.send(Frame.of(frame)) ? 1 : 0;
            }
            say("FLOODED " + sent + " in " + (System.nanoTime() - start) / frames + " ns each");
        }

        private void onFrames(Frame[] frames, int count) {
            for (Frame frame : List.of(frames).subList(0, count)) {
                if (print) {
                    say("F " + frame.checksumState() + " " + frame.length() + " " + HEX.formatHex(frame.toByteArray()));
                }
                if (respondTo != 0) {
                    respond(frame);
                }
            }
        }

        private void respond(Frame frame) {
            long mac = link.macAddress().orElseThrow().bits();
            if (frame.u16(12) == 0x0806 && frame.u16(20) == 1 && frame.i32(38) == respondTo) {
                long asker = frame.u48(22);
                int askerAddress = frame.i32(28);
                frame.put48(0, asker);
                frame.put48(6, mac);
                frame.put16(20, 2);
                frame.put48(22, mac);
                frame.put32(28, respondTo);
                frame.put48(32, asker);
                frame.put32(38, askerAddress);
                link.send(frame);
            } else if (frame.u16(12) == 0x0800
                    && frame.i32(30) == respondTo
                    && frame.u8(23) == 1
                    && frame.u8(34) == 8) {
                long asker = frame.u48(6);
                int askerAddress = frame.i32(26);
                frame.put48(0, asker);
                frame.put48(6, mac);
                frame.put32(26, respondTo);
                frame.put32(30, askerAddress);
                frame.put8(34, 0);
                int checksum = frame.u16(36) + 0x0800;
                frame.put16(36, (checksum & 0xffff) + (checksum >>> 16));
                link.send(frame);
            }
        }

        @Override
        public void wakeup() {}

        @Override
        public boolean onDriverThread() {
            return false;
        }

        @Override
        public void deliver(Frame[] frames, int count) {
            throw new IllegalStateException("not the driver's thread");
        }

        @Override
        public void up() {
            say("UP");
        }

        @Override
        public void down(String reason) {
            say("DOWN " + reason);
        }

        @Override
        public void notice(String message) {
            say("NOTICE " + message);
        }
    }
}
