package dev.jacquard.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What Linux says of the processor. */
final class Processor {
    private static final String UNKNOWN = "unknown model";

    private Processor() {}

    /** Its name, and those of its extensions that kernels are written for. */
    static String description() {
        List<String> all = info();
        String flags = value(all, "flags").map(f -> " " + f + " ").orElse("");
        List<String> known = Stream.of("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16").filter(f -> flags.contains(" " + f + " ")).toList();
        return value(all, "model name").orElse(UNKNOWN) + (known.isEmpty() ? "" : " (" + String.join(" ", known) + ")");
    }

    /** Number of processors and their name: {@code 2 vCPU AMD EPYC}. */
    static String count() {
        return Runtime.getRuntime().availableProcessors() + " vCPU " + value(info(), "model name").orElse(UNKNOWN);
    }

    private static List<String> info() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of();
        }
    }

    private static Optional<String> value(List<String> lines, String key) {
        return lines.stream().filter(l -> l.startsWith(key)).map(l -> l.substring(l.indexOf(':') + 1).strip()).findFirst();
    }
}
