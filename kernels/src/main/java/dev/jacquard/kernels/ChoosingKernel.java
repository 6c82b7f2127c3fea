package dev.jacquard.kernels;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import java.util.List;

/** A row of the backend's table whose op can be computed in several ways, of which {@link Choices} takes one per op and types. */
interface ChoosingKernel<O extends Op> extends CudaKernel<O> {
    /** All ways that are possible on a target, the one that is best by rule first; at least one if {@link #takes} says so. */
    List<Candidate> candidates(O op, List<TensorType> in, Target target);

    @Override
    default CudaLaunch bind(O op, Call call) {
        return call.device().choices().bind(this, op, call);
    }

    @Override
    default long workspace(O op, List<TensorType> in, Device device) {
        return device.choices().workspace(this, op, in);
    }
}
