package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which of NVIDIA's libraries this process has: each is loaded, or has a reason why it is not used. Once loaded they stay.
 *
 * @param cublas cuBLAS with JCublas2
 * @param cublasLt cuBLASLt
 * @param cudnn cuDNN with JCudnn
 */
record LoadedLibraries(Entry cublas, Entry cublasLt, Entry cudnn) {
    private static final Logger LOG = LoggerFactory.getLogger(LoadedLibraries.class);

    /**
     * One of them.
     *
     * @param name for people
     * @param library null if it is not used
     * @param reason why not; null if it is used
     */
    record Entry(String name, NativeLibrary library, DriverException reason) {
        /** A line for people. */
        @Override
        public String toString() {
            return name + ": " + (library != null ? library.version() + ", " + library.file() : "not used: " + reason.getMessage());
        }
    }

    private static final class Once {
        static LoadedLibraries loaded;
    }

    /** Loads them when first called. Never throws. @param driverVersion 1000 major + 10 minor */
    static LoadedLibraries here(int driverVersion) {
        synchronized (Once.class) {
            if (Once.loaded == null) {
                Once.loaded = load(new Libraries(), driverVersion);
                Once.loaded.all().forEach(e -> LOG.info("{}", e)); // once in a process: which are used, and of the others why not
            }
            return Once.loaded;
        }
    }

    private static LoadedLibraries load(Libraries where, int driverVersion) {
        // cuBLASLt comes first: cuBLAS and cuDNN depend on it by name, and what is loaded is not searched for.
        Entry lt = entry("cuBLASLt", () -> CublasLt.load(where, driverVersion));
        Entry blas = entry("cuBLAS", () -> Cublas.load(where, driverVersion, lt.library));
        return new LoadedLibraries(blas, lt, entry("cuDNN", () -> Cudnn.load(where, driverVersion)));
    }

    private static Entry entry(String name, Supplier<NativeLibrary> load) {
        try {
            return new Entry(name, load.get(), null);
        } catch (DriverException e) {
            return new Entry(name, null, e);
        } catch (IllegalArgumentException e) { // JCuda's native is not the one that we know how to change
            return new Entry(name, null, new DriverException(Kind.UNAVAILABLE, "JCuda's native library cannot be made to depend on it: " + e.getMessage(), e));
        }
    }

    List<Entry> all() {
        return List.of(cublas, cublasLt, cudnn);
    }

    /** {@code cublas-13.1.0 cublaslt-13.1.0 cudnn-9.19.0}, those that are used; {@code none} if none is. */
    String versions() {
        List<String> used = new ArrayList<>();
        for (Entry e : all()) {
            if (e.library != null) {
                used.add(e.name.toLowerCase(java.util.Locale.ROOT) + "-" + e.library.version());
            }
        }
        return used.isEmpty() ? "none" : String.join(" ", used);
    }
}
