package dev.jacquard.cpu;

import dev.jacquard.tck.BackendTck;
import dev.jacquard.tensor.backend.Backend;

/** The CPU backend under everything that a backend must pass. */
class CpuTckTest extends BackendTck {
    private static final Backend CPU = new CpuBackend(2);

    @Override
    protected Backend backend() {
        return CPU;
    }
}
