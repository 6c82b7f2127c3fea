package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One of NVIDIA's libraries, loaded into the process for good, with all functions that we call: a missing one would end the process at its first call through JCuda, so they are
 * looked up before.
 *
 * @param file that was loaded
 * @param major first number of its version, as it says itself
 * @param version in full: {@code 13.1.0}
 * @param symbols its functions
 */
@SuppressWarnings("restricted") // loading libraries is what this class is for
record NativeLibrary(Path file, int major, String version, SymbolLookup symbols) {
    private static final Logger LOG = LoggerFactory.getLogger(NativeLibrary.class);

    /** An unknown version: what a function gives that does not say it. */
    private static final long NONE = 0;

    /**
     * What is asked of a library.
     *
     * @param name for people: {@code cuBLAS}
     * @param files names of its file with the CUDA or library version that each is of, the best first
     * @param functions that are called
     * @param version asks the library: 10000 major + 100 minor + patch
     * @param byCuda whether the version is that of CUDA, which the driver must have
     */
    record Wanted(String name, List<Name> files, List<String> functions, ToLongFunction<SymbolLookup> version, boolean byCuda) {}

    /** @param file {@code libcublas.so.13} @param major the version that a file of this name must have */
    record Name(String file, int major) {}

    /**
     * Looks for a library and loads the first of its files that is fit.
     *
     * @param driverVersion 1000 major + 10 minor
     * @throws DriverException of kind UNAVAILABLE with all reasons
     */
    static NativeLibrary load(Libraries where, Wanted wanted, int driverVersion) {
        List<String> reasons = new ArrayList<>();
        for (Name name : wanted.files) {
            Libraries.Search search = where.find(name.file);
            search.looks().stream().map(Libraries.Look::result).filter(r -> r.contains(" is cut short") || r.contains(" is no library") || r.contains(" cannot be read"))
                    .forEach(reasons::add);
            if (search.file().isEmpty()) {
                reasons.add(name.file + " is not there");
            } else if (wanted.byCuda && name.major > driverVersion / 1000) {
                reasons.add(search.file().get() + " needs a driver for CUDA " + name.major + ", this one is for " + driverVersion / 1000 + "." + driverVersion % 1000 / 10);
            } else {
                try {
                    return open(search.file().get(), name, wanted);
                } catch (DriverException e) {
                    reasons.add(e.getMessage());
                }
            }
        }
        throw new DriverException(Kind.UNAVAILABLE, String.join("; ", reasons));
    }

    /** Loads a library for another that will look for it by name; does nothing if it is not to be had. */
    static void preload(Libraries where, String file) {
        where.find(file).file().ifPresent(path -> {
            try {
                SymbolLookup.libraryLookup(path, Arena.global());
            } catch (IllegalArgumentException | IllegalCallerException e) {
                LOG.debug("{} does not load: {}", path, e.getMessage());
            }
        });
    }

    private static NativeLibrary open(Path file, Name name, Wanted wanted) {
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException | IllegalCallerException e) {
            throw new DriverException(Kind.UNAVAILABLE, file + " does not load: " + e.getMessage(), e);
        }
        List<String> missing = wanted.functions.stream().filter(f -> symbols.find(f).isEmpty()).toList();
        if (!missing.isEmpty()) {
            throw new DriverException(Kind.UNAVAILABLE, file + " lacks " + String.join(", ", missing));
        }
        long version = wanted.version.applyAsLong(symbols);
        if (version == NONE || version / 10_000 != name.major) {
            throw new DriverException(Kind.UNAVAILABLE, file + " says that it is version " + text(version) + ", which a " + name.file
                    + " cannot be: files of several installations are mixed");
        }
        return new NativeLibrary(file, name.major, text(version), symbols);
    }

    private static String text(long version) {
        return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
    }

    /** One of the functions that were asked for. */
    MemorySegment function(String name) {
        return symbols.findOrThrow(name);
    }
}
