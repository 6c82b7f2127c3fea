package dev.jacquard.cpu;

import dev.jacquard.tck.BackendTck;
import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.backend.Backend;
import org.opentest4j.TestAbortedException;

/** The CPU backend under everything that a backend must pass, with the kernels that {@link CpuPath#PROPERTY} says: the build runs it once with each, in a JVM of its own. */
class CpuTckTest extends BackendTck {
    private static Backend cpu;

    @Override
    protected Backend backend() {
        synchronized (CpuTckTest.class) {
            if (cpu == null) {
                try {
                    cpu = new CpuBackend(2);
                } catch (DeviceException e) {
                    throw new TestAbortedException("not here: " + e.getMessage(), e);
                }
            }
            return cpu;
        }
    }
}
