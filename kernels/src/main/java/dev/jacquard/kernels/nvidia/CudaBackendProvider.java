package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Offers the CUDA backend where there is a driver for CUDA 12.0 or newer and a device of sm_75 or newer. */
public final class CudaBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public int rank() {
        return 100;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.ofNullable(Probe.here().failure()).map(DriverException::getMessage);
    }

    @Override
    public Backend open(int threads) {
        return open(BackendOptions.DEFAULT.threads(threads), -1);
    }

    @Override
    public Backend open(BackendOptions options, int index) {
        String device = index < 0 ? "cuda" : "cuda:" + index;
        try {
            NvidiaDriver driver = index < 0 ? NvidiaDriver.open() : NvidiaDriver.open(index);
            try {
                return new CudaBackend(device, driver, true, MatrixOptions.of(options, Autotune.ON));
            } catch (RuntimeException e) { // of whatever kind: nobody else would give the device back
                driver.close();
                throw e;
            }
        } catch (DriverException e) {
            throw new DeviceException("device", "does not open", device, "one of " + devices(), e.getMessage(), e);
        }
    }

    private static String devices() {
        List<DeviceInfo> all = Probe.here().devices();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            names.add("cuda:" + i + " (" + all.get(i) + ")");
        }
        return names.isEmpty() ? "those that the driver shows: none" : String.join(", ", names);
    }

    @Override
    public List<String> report() {
        Probe probe = Probe.here();
        List<String> lines = new ArrayList<>();
        if (probe.driverVersion() > 0) {
            lines.add("driver for CUDA " + probe.driverVersion() / 1000 + "." + probe.driverVersion() % 1000 / 10 + "; 12.0 is the oldest that will do");
        }
        for (int i = 0; i < probe.devices().size(); i++) {
            DeviceInfo d = probe.devices().get(i);
            lines.add("cuda:" + i + " is " + d + (d.capability() < Probe.OLDEST_CAPABILITY ? ": too old, sm_" + Probe.OLDEST_CAPABILITY + " is the oldest that will do" : ""));
        }
        lines.add("kernel module: " + kernelModule());
        Libraries libraries = new Libraries();
        story(lines, probe.search(), "part of the NVIDIA driver; nothing else is needed");
        if (probe.failure() == null) {
            LoadedLibraries.here(probe.driverVersion()).all().forEach(e -> lines.add(e.toString()));
        } else {
            story(lines, libraries.find("libcublas.so.13", "libcublas.so.12"), "part of the CUDA toolkit; not needed");
            story(lines, libraries.find("libcublasLt.so.13", "libcublasLt.so.12"), "part of the CUDA toolkit; not needed");
            story(lines, libraries.find("libcudnn.so.9"), "not needed");
        }
        lines.add("looked for these in:");
        libraries.places().forEach(p -> lines.add("  " + p));
        return lines;
    }

    /** First line of what the module says of itself. */
    private static String kernelModule() {
        try (Stream<String> says = Files.lines(Path.of("/proc/driver/nvidia/version"))) {
            return says.findFirst().orElse("silent");
        } catch (IOException | UncheckedIOException e) {
            return "not loaded (no /proc/driver/nvidia)";
        }
    }

    /** One line: where it is, or what is amiss where it should be. */
    private static void story(List<String> lines, Libraries.Search search, String role) {
        String bad = search.looks().stream().map(Libraries.Look::result).filter(r -> r.contains(" is cut short") || r.contains(" is no library") || r.contains(" cannot be read"))
                .collect(Collectors.joining("; "));
        String found = search.file().map(f -> f + search.version().map(v -> ", version " + v).orElse("")).orElse("not found (" + role + ")");
        lines.add(search.name() + ": " + found + (bad.isEmpty() ? "" : "; passed over: " + bad));
    }
}
