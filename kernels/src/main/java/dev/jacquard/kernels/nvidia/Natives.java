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
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.JCudaVersion;
import jcuda.LibUtils;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcudnn.JCudnn;

/**
 * Loads JCuda's native libraries: of the driver, of cuBLAS, of cuDNN. Left to itself JCuda loads {@code <java.io.tmpdir>/libJCudaDriver-...so} if there is one, whoever made it and
 * however much of it is written, which crashes the second of two processes that start at once. Here each process has a folder of its own (mode 0700) for the moment of loading; it
 * is deleted at once, as the mapping outlives the name.
 */
final class Natives {
    private static final Object LOCK = new Object();
    private static final Pattern REASON = Pattern.compile("UnsatisfiedLinkError: (\\S+: .+)");

    /** What became of each: empty if it is loaded, else why not. */
    private static final Map<Native, Optional<DriverException>> TRIED = new EnumMap<>(Native.class);

    /** The libraries. Exceptions are switched off: errors come as numbers; to do so also runs the class's initializer, which loads. */
    enum Native {
        DRIVER("JCudaDriver", "jcuda", () -> JCudaDriver.setExceptionsEnabled(false)),
        CUBLAS("JCublas2", "jcublas", () -> JCublas2.setExceptionsEnabled(false)),
        CUDNN("JCudnn", "jcudnn", () -> JCudnn.setExceptionsEnabled(false));

        private final String type;
        private final String artifact;
        private final Runnable initialize;

        Native(String type, String artifact, Runnable initialize) {
            this.type = type;
            this.artifact = artifact;
            this.initialize = initialize;
        }

        /** {@code libJCudaDriver-12.6.0-linux-x86_64.so}: the name of the file and of the class path's resource in {@code /lib}. */
        String file() {
            return LibUtils.createLibraryFileName(LibUtils.createPlatformLibraryName(type + "-" + JCudaVersion.get()));
        }

        private String jar() {
            return artifact + "-natives-" + JCudaVersion.get() + "-linux-x86_64.jar";
        }
    }

    private Natives() {}

    /** Loads the driver's unless it is. {@code libcuda.so.1} must have been loaded before. @throws DriverException of kind UNAVAILABLE, the same at each call */
    static void load() {
        load(Native.DRIVER, UnaryOperator.identity());
    }

    /**
     * Loads one unless it is. What it depends on must have been loaded before, by path: then the system's loader does not search for it.
     *
     * @param patch of its content
     * @throws DriverException of kind UNAVAILABLE, the same at each call
     */
    static void load(Native library, UnaryOperator<byte[]> patch) {
        synchronized (LOCK) {
            Optional<DriverException> known = TRIED.get(library);
            if (known == null) {
                try {
                    extractAndLoad(library, patch);
                    TRIED.put(library, Optional.empty());
                } catch (DriverException e) {
                    // A class whose initializer has failed stays so for the life of the process.
                    TRIED.put(library, Optional.of(e));
                    throw e;
                }
            } else if (known.isPresent()) {
                throw new DriverException(known.get().kind(), known.get().getMessage(), known.get());
            }
        }
    }

    private static void extractAndLoad(Native library, UnaryOperator<byte[]> patch) {
        String file = library.file();
        byte[] content = content(library, patch);
        if (onLibraryPath(file, content)) {
            initialize(library);
            return;
        }
        if (content == null) {
            throw new DriverException(Kind.UNAVAILABLE, "JCuda's " + file + " is neither on the class path nor on java.library.path: add " + library.jar());
        }
        Path folder = null;
        try {
            folder = Files.createTempDirectory("jacquard-natives-");
            Files.write(folder.resolve(file), content);
            String before = System.setProperty("java.io.tmpdir", folder.toString());
            try {
                initialize(library);
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
    private static byte[] content(Native library, UnaryOperator<byte[]> patch) {
        String file = library.file();
        try (InputStream in = LibUtils.class.getResourceAsStream("/lib/" + file)) {
            byte[] all = in == null ? null : in.readAllBytes();
            String problem = all == null ? null : Elf.problem(MemorySegment.ofArray(all));
            if (problem != null) {
                throw new DriverException(Kind.UNAVAILABLE, "JCuda's " + file + " on the class path " + problem + ": get " + library.jar() + " again");
            }
            return all == null ? null : patch.apply(all);
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

    private static void initialize(Native library) {
        try {
            library.initialize.run();
        } catch (LinkageError e) {
            throw new DriverException(Kind.UNAVAILABLE, "JCuda's native library" + (library == Native.DRIVER ? "" : " " + library.type) + " does not load: " + reason(e), e);
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
