package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Sample;
import java.util.Map;
import java.util.Optional;

/**
 * A use of kernels at a size that they are measured at: channels a multiple of 16, operands aligned, extents as the networks have them. The emulator counts its bytes and compares
 * them with the Traffic lines of the module's contract; on a device it is timed.
 *
 * @param module the .cu file whose kernels do the work
 * @param sample op and operands; floating operands are replayed in F32, F16 and BF16. A view op, such as a transpose, stands for the copy that makes its result contiguous
 * @param sizes values of the names that the module's Traffic lines are written in
 * @param way in which an op that has several candidates is computed; empty for the one that the rule takes
 */
public record Workload(String module, Sample sample, Map<String, Long> sizes, Optional<Way> way) {
    /**
     * One of several candidates. A workload with a way is not run where the candidate does not exist.
     *
     * @param candidate its name
     * @param dtype the floating type that the workload is for; empty for all
     * @param tf32 whether it may round F32 operands to TF32
     */
    public record Way(String candidate, Optional<DType> dtype, boolean tf32) {}

    /** A workload that takes what the rule takes. */
    public Workload(String module, Sample sample, Map<String, Long> sizes) {
        this(module, sample, sizes, Optional.empty());
    }

    /** The same by a candidate, in every type that has it. */
    Workload by(String candidate) {
        return new Workload(module, sample, sizes, Optional.of(new Way(candidate, Optional.empty(), false)));
    }

    /** The same by a candidate in one type; in F32 by way of TF32. */
    Workload by(String candidate, DType dtype) {
        return new Workload(module, sample, sizes, Optional.of(new Way(candidate, Optional.of(dtype), dtype == DType.F32)));
    }
}
