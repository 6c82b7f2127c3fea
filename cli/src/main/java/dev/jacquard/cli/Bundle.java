package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.EngineBugException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** Makes a folder with everything that Jacquard needs to run: a Java linked from the one that runs now, the jars of the class path, a start script. */
final class Bundle {
    /** What the engine and its libraries use of the JDK; java.desktop is there to decode images. */
    private static final String MODULES = "java.base,java.desktop,java.logging,java.management,jdk.management,jdk.incubator.vector,jdk.unsupported,jdk.jfr";

    /** Of the JVM that runs Jacquard: what the launcher of the checkout gives it too. */
    static final String FLAGS = "--add-exports=java.base/jdk.internal.module=ALL-UNNAMED -XX:+UnlockExperimentalVMOptions -XX:+EnableVectorSupport"
            + " --enable-native-access=ALL-UNNAMED -Djava.awt.headless=true -XX:MaxRAMPercentage=40";

    private Bundle() {}

    /**
     * What was made.
     *
     * @param folder to run from
     * @param folderBytes sum of its files
     * @param archive the same packed, null if none was asked for
     * @param archiveBytes of the archive
     */
    record Result(Path folder, long folderBytes, Path archive, long archiveBytes) {}

    /**
     * Makes a bundle.
     *
     * @param classPath jars and folders of classes
     * @param folder to make; must not exist
     * @param format tar.xz, tar.gz, none, or empty for the smallest that this machine can make
     */
    static Result make(List<Path> classPath, Path folder, String format) {
        String ending = format.isEmpty() ? hasXz() ? "tar.xz" : "tar.gz" : format;
        if (!Set.of("tar.xz", "tar.gz", "none").contains(ending)) {
            throw new CallerException("--format", "no such format", format, "tar.xz, tar.gz or none", "choose one of these");
        }
        Path jlink = Path.of(System.getProperty("java.home"), "bin", "jlink");
        if (!Files.isExecutable(jlink) || !System.getProperty("os.name").equals("Linux")) {
            throw new CallerException("bundle", "needs a JDK on Linux to take a Java from", "no " + jlink, "a JDK 25 with jlink",
                    "run ./jacquard bundle in a checkout, not in a bundle");
        }
        if (Files.exists(folder)) {
            throw new CallerException("--out", "exists already", folder.toString(), "a folder to make", "remove it, or name another");
        }
        try {
            Files.createDirectories(folder.resolve("lib"));
            link(jlink, folder.resolve("jre"));
            Jars.copy(classPath, folder.resolve("lib"));
            Path script = folder.resolve("jacquard");
            Files.writeString(script, script());
            Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
            Path archive = ending.equals("none") ? null : archive(folder, ending);
            return new Result(folder, bytes(folder), archive, archive == null ? 0 : Files.size(archive));
        } catch (IOException e) {
            throw new CallerException("bundle", "cannot be written", e.toString(), "a folder that takes it", "name another with --out", e);
        }
    }

    /** The start script. */
    static String script() throws IOException {
        try (InputStream in = Bundle.class.getResourceAsStream("bundle.sh")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("@FLAGS@", FLAGS);
        }
    }

    private static void link(Path jlink, Path jre) throws IOException {
        // Not compressed: xz makes more of it than zip inside of xz, and the start is faster.
        run(List.of(jlink.toString(), "--add-modules", MODULES, "--strip-debug", "--no-man-pages", "--no-header-files", "--compress", "zip-0", "--output", jre.toString()));
    }

    private static void run(List<String> command) throws IOException {
        ProcessBuilder b = new ProcessBuilder(command).redirectErrorStream(true);
        b.environment().remove("JDK_JAVA_OPTIONS");
        Process p = b.start();
        p.getOutputStream().close();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = await(p);
        if (code != 0) {
            throw new EngineBugException("bundle", command.getFirst() + " failed with code " + code, said.strip(), "success", "report this");
        }
    }

    private static int await(Process p) throws IOException {
        try {
            return p.waitFor();
        } catch (InterruptedException e) {
            p.destroy();
            Thread.currentThread().interrupt();
            throw new java.io.InterruptedIOException("interrupted");
        }
    }

    private static boolean hasXz() {
        try {
            Process p = new ProcessBuilder("xz", "--version").redirectErrorStream(true).start();
            p.getInputStream().readAllBytes();
            return await(p) == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static Path archive(Path folder, String ending) throws IOException {
        Path file = folder.resolveSibling(folder.getFileName() + "." + ending);
        if (ending.equals("tar.gz")) {
            try (OutputStream out = new GZIPOutputStream(new BufferedOutputStream(Files.newOutputStream(file)), 1 << 16)) {
                tar(folder, out);
            }
            return file;
        }
        Process xz = new ProcessBuilder("xz", "-6", "-T0", "-c").redirectOutput(file.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (OutputStream out = new BufferedOutputStream(xz.getOutputStream())) {
            tar(folder, out);
        }
        if (await(xz) != 0) {
            throw new IOException("xz failed");
        }
        return file;
    }

    /** In order of names and without owners and times, so that equal folders give equal archives. */
    private static void tar(Path folder, OutputStream out) throws IOException {
        Path base = folder.toAbsolutePath().getParent();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            for (Path f : files(folder.toAbsolutePath())) {
                String name = base.relativize(f).toString();
                TarArchiveEntry e = Files.isSymbolicLink(f) ? new TarArchiveEntry(name, TarArchiveEntry.LF_SYMLINK) : new TarArchiveEntry(Files.isDirectory(f) ? name + "/" : name);
                e.setModTime(0);
                e.setMode(mode(f));
                if (Files.isSymbolicLink(f)) {
                    e.setLinkName(Files.readSymbolicLink(f).toString());
                } else if (Files.isRegularFile(f)) {
                    e.setSize(Files.size(f));
                }
                tar.putArchiveEntry(e);
                if (Files.isRegularFile(f, LinkOption.NOFOLLOW_LINKS)) {
                    Files.copy(f, tar);
                }
                tar.closeArchiveEntry();
            }
        }
    }

    private static int mode(Path f) throws IOException {
        boolean runs = Files.isDirectory(f) || Files.getPosixFilePermissions(f, LinkOption.NOFOLLOW_LINKS).contains(PosixFilePermission.OWNER_EXECUTE);
        return runs ? 0755 : 0644;
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return new ArrayList<>(all.sorted().toList());
        }
    }

    private static long bytes(Path folder) throws IOException {
        return files(folder).stream().filter(f -> Files.isRegularFile(f, LinkOption.NOFOLLOW_LINKS)).mapToLong(f -> {
            try {
                return Files.size(f);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }).sum();
    }
}
