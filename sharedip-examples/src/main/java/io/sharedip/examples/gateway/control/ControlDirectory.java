package io.sharedip.examples.gateway.control;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Sees to it that the directory of the control socket is its owner's alone. */
final class ControlDirectory {

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    private ControlDirectory() {}

    /** Makes the directory if it is missing, with parents that anybody may enter, and refuses it if others may enter it. */
    static void prepare(Path directory) throws ControlException {
        try {
            create(directory);
            check(directory);
        } catch (IOException e) {
            throw new ControlException(
                    "the control socket's directory " + directory + " cannot be made or read: " + e
                            + "; name a socket elsewhere with --control",
                    e);
        }
    }

    private static void create(Path directory) throws IOException {
        if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Path parent = directory.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        try {
            Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        } catch (FileAlreadyExistsException e) {
            // Somebody was faster; whether it is good is checked next.
            return;
        }
    }

    private static void check(Path directory) throws IOException, ControlException {
        PosixFileAttributes found =
                Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        String subject = "the control socket's directory " + directory + " ";
        if (!found.isDirectory()) {
            throw new ControlException(subject + "is not a directory; name the directory itself, not a link to it");
        }
        Object uid = Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (!(uid instanceof Number owner) || owner.longValue() != ControlPath.uid()) {
            throw new ControlException(
                    subject + "belongs to another user; name a socket in a directory of your own with --control");
        }
        if (!OWNER_ONLY.containsAll(found.permissions())) {
            throw new ControlException(subject + "can be entered by other users; run: chmod 700 " + directory);
        }
    }
}
