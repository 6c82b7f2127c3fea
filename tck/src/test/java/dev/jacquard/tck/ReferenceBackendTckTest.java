package dev.jacquard.tck;

import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.backend.Backend;

/** The reference through its own kit: layouts, storing and rounding, which its kernels do not see; and the kit itself, on something that must pass. */
class ReferenceBackendTckTest extends BackendTck {
    private static final Backend REFERENCE = new ReferenceBackend();

    @Override
    protected Backend backend() {
        return REFERENCE;
    }
}
