package dev.jacquard.cpu;

import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Offers the CPU backend, which works everywhere. */
public final class CpuBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public int rank() {
        return 10;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    /** Which kernels compute here, and why none of the better ones. */
    @Override
    public List<String> report() {
        try {
            CpuPath path = CpuPath.of(BackendOptions.CpuKernels.AUTO);
            String forced = System.getProperty(CpuPath.PROPERTY);
            List<String> lines = new ArrayList<>();
            lines.add("kernels: " + path.name() + (forced == null ? "; --cpu-kernels chooses others" : ", asked for by -D" + CpuPath.PROPERTY + "=" + forced));
            lines.addAll(path.notTaken());
            return lines;
        } catch (DeviceException e) {
            return List.of("kernels: " + e.getMessage());
        }
    }

    @Override
    public Backend open(int threads) {
        return open(BackendOptions.DEFAULT.threads(threads), -1);
    }

    @Override
    public Backend open(BackendOptions options, int index) {
        requireOnly(index);
        return new CpuBackend(options);
    }
}
