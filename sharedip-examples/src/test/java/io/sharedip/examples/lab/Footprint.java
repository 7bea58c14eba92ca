package io.sharedip.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a Java process takes of its machine.
 *
 * @param files open file descriptors, sockets among them
 * @param heap octets of objects that are alive after a collection
 * @param resident octets of memory of all kinds
 */
record Footprint(long files, long heap, long resident) {

    private static final long KIB = 1024;

    static Footprint of(LabMachine machine, long pid) {
        List<String> objects = machine.run(jcmd(), Long.toString(pid), "GC.class_histogram")
                .orThrow()
                .lines();
        String total = objects.get(objects.size() - 1).strip();
        try (Stream<Path> files = Files.list(process(pid).resolve("fd"))) {
            return new Footprint(files.count(), word(total, 2), resident(pid));
        } catch (IOException e) {
            throw new LabException("cannot look at process " + pid, e);
        }
    }

    /** Octets of memory of all kinds, without the collection that would change them. */
    static long resident(long pid) {
        try (Stream<String> status = Files.lines(process(pid).resolve("status"))) {
            return KIB
                    * word(
                            status.filter(line -> line.startsWith("VmRSS:"))
                                    .findFirst()
                                    .orElseThrow(),
                            1);
        } catch (IOException e) {
            throw new LabException("cannot look at process " + pid, e);
        }
    }

    private static Path process(long pid) {
        return Path.of("/proc", Long.toString(pid));
    }

    private static String jcmd() {
        return Path.of(GatewayProcess.java()).resolveSibling("jcmd").toString();
    }

    private static long word(String line, int index) {
        return Long.parseLong(Arrays.asList(line.split("\\s+", -1)).get(index));
    }
}
