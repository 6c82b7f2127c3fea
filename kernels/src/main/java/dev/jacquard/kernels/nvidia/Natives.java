package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.JCudaVersion;
import jcuda.LibUtils;
import jcuda.driver.JCudaDriver;

/**
 * Loads JCuda's native library. Left to itself JCuda loads {@code <java.io.tmpdir>/libJCudaDriver-...so} if there is one, whoever made it and however much of it is
 * written, which crashes the second of two processes that start at once. Here each process has a folder of its own (mode 0700) for the moment of loading; it is deleted
 * at once, as the mapping outlives the name.
 */
final class Natives {
    private static final Object LOCK = new Object();
    private static final Pattern REASON = Pattern.compile("UnsatisfiedLinkError: (\\S+: .+)");
    private static boolean loaded;
    private static DriverException failure;

    private Natives() {}

    /** Loads it unless it is. {@code libcuda.so.1} must have been loaded before. @throws DriverException of kind UNAVAILABLE, the same at each call */
    static void load() {
        synchronized (LOCK) {
            if (failure != null) {
                throw new DriverException(failure.kind(), failure.getMessage(), failure);
            }
            if (!loaded) {
                try {
                    extractAndLoad();
                    loaded = true;
                } catch (DriverException e) {
                    // A class whose initializer has failed stays so for the life of the process.
                    failure = e;
                    throw e;
                }
            }
        }
    }

    /** {@code libJCudaDriver-12.6.0-linux-x86_64.so}: the name of the file and of the class path's resource in {@code /lib}. */
    static String file() {
        return LibUtils.createLibraryFileName(LibUtils.createPlatformLibraryName("JCudaDriver-" + JCudaVersion.get()));
    }

    private static void extractAndLoad() {
        String file = file();
        byte[] content = content(file);
        if (onLibraryPath(file, content)) {
            initialize();
            return;
        }
        if (content == null) {
            throw new DriverException(Kind.UNAVAILABLE, "JCuda's " + file + " is neither on the class path nor on java.library.path: add jcuda-natives-" + JCudaVersion.get() + "-linux-x86_64.jar");
        }
        Path folder = null;
        try {
            folder = Files.createTempDirectory("jacquard-natives-");
            Files.write(folder.resolve(file), content);
            String before = System.setProperty("java.io.tmpdir", folder.toString());
            try {
                initialize();
            } finally {
                System.setProperty("java.io.tmpdir", before);
            }
        } catch (IOException e) {
            throw new DriverException(Kind.UNAVAILABLE, "JCuda's " + file + " cannot be written to " + System.getProperty("java.io.tmpdir") + " (" + e
                    + "): let -Djava.io.tmpdir name a folder that can be written to", e);
        } finally {
            delete(folder, file);
        }
    }

    /** The library as the class path has it; null where it does not. */
    private static byte[] content(String file) {
        try (InputStream in = LibUtils.class.getResourceAsStream("/lib/" + file)) {
            byte[] all = in == null ? null : in.readAllBytes();
            String problem = all == null ? null : Elf.problem(MemorySegment.ofArray(all));
            if (problem != null) {
                throw new DriverException(Kind.UNAVAILABLE, "JCuda's " + file + " on the class path " + problem + ": get jcuda-natives-" + JCudaVersion.get() + "-linux-x86_64.jar again");
            }
            return all;
        } catch (IOException e) {
            throw new DriverException(Kind.UNAVAILABLE, "JCuda's " + file + " on the class path cannot be read (" + e + "): get the jar again", e);
        }
    }

    /** Whether JCuda will find the library there, where it looks first; a bad one there must not be loaded. */
    private static boolean onLibraryPath(String file, byte[] content) {
        for (String folder : System.getProperty("java.library.path", "").split(File.pathSeparator)) {
            Path there = Path.of(folder, file);
            if (Files.exists(there)) {
                String problem = Elf.problem(there);
                if (problem == null && content != null && !same(there, content)) {
                    problem = "is another build than the one on the class path";
                }
                if (problem != null) {
                    throw new DriverException(Kind.UNAVAILABLE, there + " " + problem + ": delete it");
                }
                return true;
            }
        }
        return false;
    }

    private static boolean same(Path there, byte[] content) {
        try {
            return Arrays.equals(Files.readAllBytes(there), content);
        } catch (IOException e) {
            return false;
        }
    }

    private static void initialize() {
        try {
            // Errors come as numbers; this also runs the class's initializer, which loads.
            JCudaDriver.setExceptionsEnabled(false);
        } catch (LinkageError e) {
            throw new DriverException(Kind.UNAVAILABLE, "JCuda's native library does not load: " + reason(e), e);
        }
    }

    /** The loader's own words, out of the two stack traces in JCuda's message. */
    private static String reason(LinkageError e) {
        Matcher m = REASON.matcher(String.valueOf(e.getMessage()));
        String last = null;
        while (m.find()) {
            last = m.group(1);
        }
        if (last == null) {
            return e.toString().lines().findFirst().orElse("");
        }
        return last.contains("failed to map") ? last + "; its file system is mounted noexec: let -Djava.io.tmpdir name a folder on another one" : last;
    }

    private static void delete(Path folder, String file) {
        if (folder != null) {
            try {
                Files.deleteIfExists(folder.resolve(file));
                Files.deleteIfExists(folder);
            } catch (IOException e) {
                folder.resolve(file).toFile().deleteOnExit();
                folder.toFile().deleteOnExit();
            }
        }
    }
}
