package dev.jacquard.emulator;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendProvider;
import java.util.Optional;

/** The CUDA backend on an emulated device: {@code --device emulator}. Works everywhere, slowly; never chosen by {@code auto}. */
public final class EmulatorProvider implements BackendProvider {
    /** For {@link java.util.ServiceLoader}. */
    public EmulatorProvider() {}

    @Override
    public String name() {
        return "emulator";
    }

    @Override
    public int rank() {
        return -1;
    }

    @Override
    public boolean automatic() {
        return false;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public Backend open(int threads) {
        return open(BackendOptions.DEFAULT.threads(threads), -1);
    }

    /** Its times mean nothing, so nothing is timed unless that is asked for. */
    @Override
    public Backend open(BackendOptions options, int index) {
        requireOnly(index);
        return new CudaBackend(name(), new EmulatorDriver(), false, MatrixOptions.of(options, Autotune.OFF));
    }
}
