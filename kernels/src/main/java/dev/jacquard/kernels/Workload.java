package dev.jacquard.kernels;

import dev.jacquard.tensor.op.Sample;
import java.util.Map;

/**
 * A use of kernels at a size that they are measured at: channels a multiple of 16, operands aligned, extents as the networks have them. The emulator counts its bytes and compares them with the
 * Traffic lines of the module's contract; on a device it is timed.
 *
 * @param module the .cu file whose kernels do the work
 * @param sample op and operands; floating operands are replayed in F32, F16 and BF16. A view op, such as a transpose, stands for the copy that makes its result contiguous
 * @param sizes values of the names that the module's Traffic lines are written in
 */
public record Workload(String module, Sample sample, Map<String, Long> sizes) {}
