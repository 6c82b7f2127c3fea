package dev.jacquard.cli;

import dev.jacquard.data.ImageDecoder;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendProvider;
import dev.jacquard.tensor.backend.Backends;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code jacquard doctor}. */
@Command(name = "doctor", description = "Says what this machine has, which backend would be used, and why.")
final class DoctorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        line(out, "Java", Runtime.version() + ", " + System.getProperty("java.vm.name") + ", in " + System.getProperty("java.home"));
        line(out, "system", System.getProperty("os.name") + " " + System.getProperty("os.version") + ", " + System.getProperty("os.arch"));
        line(out, "processor", Processor.description() + ", " + Runtime.getRuntime().availableProcessors() + " threads for us");
        line(out, "memory", memory());
        line(out, "native access", DoctorCommand.class.getModule().isNativeAccessEnabled() ? "allowed"
                : "not allowed: start the JVM with --enable-native-access=ALL-UNNAMED, as ./jacquard does");
        line(out, "JPEG decoder", ImageDecoder.describe());
        line(out, "working folder", folder());
        boolean works = backends(out);
        return works ? Main.DONE : Main.CALLERS_FAULT;
    }

    private static void line(PrintWriter out, String what, String found) {
        out.printf("%-15s %s%n", what, found);
    }

    private static String memory() {
        String heap = String.format(Locale.ROOT, "heap up to %.1f GiB", Runtime.getRuntime().maxMemory() / 0x1p30);
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean os
                ? String.format(Locale.ROOT, "%.1f GiB, %.1f free; %s; tensors live outside the heap", os.getTotalMemorySize() / 0x1p30, os.getFreeMemorySize() / 0x1p30,
                heap) : heap;
    }

    private static String folder() {
        Path here = Path.of("").toAbsolutePath();
        try {
            return String.format(Locale.ROOT, "%s, %s, %.1f GiB free", here, Files.isWritable(here) ? "writable" : "not writable: give --out",
                    Files.getFileStore(here).getUsableSpace() / 0x1p30);
        } catch (IOException e) {
            return here + ", " + e;
        }
    }

    /** @return whether any backend works */
    private static boolean backends(PrintWriter out) {
        List<BackendProvider> providers = Backends.providers();
        String chosen = null;
        for (BackendProvider p : providers) {
            Optional<String> why = p.unavailable();
            line(out, "device " + p.name(), why.map(w -> "not available: " + w).orElseGet(() -> description(p)));
            p.report().forEach(r -> line(out, "", r));
            if (why.isEmpty() && chosen == null && p.automatic()) {
                chosen = p.name();
            }
        }
        if (providers.stream().noneMatch(p -> p.name().equals("cuda"))) {
            line(out, "device cuda", "this build has no CUDA backend");
        }
        line(out, "device auto", chosen == null ? "none: no backend works here" : "is " + chosen + ", the best of those available");
        line(out, "tf32", "used in products and convolutions of F32 by GPUs of compute capability 8.0 or later; --tf32 off: nowhere; --tf32 emulate: everywhere, by "
                + "rounding operands");
        line(out, "looked in", "the class path, for services of " + BackendProvider.class.getName());
        return chosen != null;
    }

    private static String description(BackendProvider p) {
        try (Backend b = p.open(0)) {
            return b.description();
        } catch (dev.jacquard.tensor.JacquardException e) {
            return "does not open: " + e.getMessage();
        }
    }
}
