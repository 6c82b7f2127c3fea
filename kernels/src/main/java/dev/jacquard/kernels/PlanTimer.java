package dev.jacquard.kernels;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import java.util.Optional;

/** What a CUDA backend made of a plan's launches, and how long they take on its device. Not thread-safe. */
public final class PlanTimer implements AutoCloseable {
    private final CudaBackend backend;
    private final LaunchTimer timer;

    /** Looks at launches of a backend, which stays open when this is closed. */
    public PlanTimer(CudaBackend backend) {
        this.backend = backend;
        this.timer = new LaunchTimer(backend.device());
    }

    /** Way that was taken of those there are for an op on operands of these types; empty if there is one only. */
    public Optional<String> taken(Op op, List<TensorType> in) {
        return backend.device().choices().taken(op, in);
    }

    /** Symbols of a launch's kernels in order; empty for what is none: a fill, a library's call. */
    public List<String> kernels(Launch launch) {
        return ours(launch).kernels();
    }

    /** Median microseconds of a launch, which writes its outputs many times. It must have run before. */
    public double us(Launch launch) {
        return timer.us(ours(launch), Double.POSITIVE_INFINITY);
    }

    private static CudaLaunch ours(Launch launch) {
        if (launch instanceof CudaLaunch c) {
            return c;
        }
        throw new CallerException("launch", "not of a CUDA backend", launch.getClass().getName(), "one that a CudaBackend prepared", "give a launch of a plan on it");
    }

    @Override
    public void close() {
        timer.close();
    }
}
