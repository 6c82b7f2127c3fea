package dev.jacquard.cpu;

import dev.jacquard.tensor.backend.Backend;
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
        return new CpuBackend(threads == 0 ? Runtime.getRuntime().availableProcessors() : threads);
    }
}
