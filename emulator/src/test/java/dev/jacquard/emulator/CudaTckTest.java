package dev.jacquard.emulator;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.tck.BackendTck;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import java.util.List;

/** The CUDA backend on the emulator under everything that a backend must pass. */
class CudaTckTest extends BackendTck {
    private static final Backend CUDA = new CudaBackend("emulator", new EmulatorDriver(), false);

    @Override
    protected Backend backend() {
        return CUDA;
    }

    @Override
    protected List<DType> dtypes() {
        return List.of(DType.F32, DType.F16, DType.BF16);
    }
}
