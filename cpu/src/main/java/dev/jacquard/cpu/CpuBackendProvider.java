package dev.jacquard.cpu;

import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendProvider;
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

    @Override
    public Backend open(int threads) {
        return open(BackendOptions.DEFAULT.threads(threads), -1);
    }

    @Override
    public Backend open(BackendOptions options, int index) {
        requireOnly(index);
        return new CpuBackend(options.threads() == 0 ? Runtime.getRuntime().availableProcessors() : options.threads(), options.tf32() == BackendOptions.Tf32.EMULATE);
    }
}
