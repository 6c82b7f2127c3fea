package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.List;

/** Compares all ways that a device has to compute an op with the first of our kernels, libraries' engines among them: what shows that a library of this machine computes wrongly. */
public final class CandidateCheck {
    private CandidateCheck() {}

    /**
     * What came of one candidate.
     *
     * @param candidate its name
     * @param problem why it cannot be used: it fails, or its results differ; null if it can
     * @param us its time in microseconds, closely only if it is among the fastest; NaN if it cannot be used
     */
    public record Row(String candidate, String problem, double us) {}

    /**
     * Tries all candidates of an op.
     *
     * @param sample its operands written as F32 mean "the type at hand"
     * @return ours first; none if there is nothing to compare: one kernel, or none in this type
     * @throws dev.jacquard.tensor.JacquardException if the device is lost or full
     */
    public static List<Row> of(CudaBackend backend, Sample sample, DType dtype) {
        List<TensorType> in = sample.operands().stream().map(o -> o.type().dtype() == DType.F32 ? o.withDType(dtype) : o).map(Operand::type).toList();
        return backend.unsupported(sample.op(), in).isEmpty() && CudaBackend.kernel(sample.op()) instanceof ChoosingKernel<Op> kernel ? rows(backend, kernel, sample.op(), in) : List.of();
    }

    private static List<Row> rows(CudaBackend backend, ChoosingKernel<Op> kernel, Op op, List<TensorType> in) {
        Choices choices = backend.device().choices();
        List<Candidate> candidates = choices.measurable(kernel, op, in);
        if (candidates.size() < 2) {
            return List.of();
        }
        List<Buffer> memory = new ArrayList<>();
        try {
            List<View> inputs = views(backend, memory, in);
            List<View> outputs = views(backend, memory, op.infer(in));
            memory.add(backend.allocate(Math.max(1, candidates.stream().mapToLong(Candidate::workspace).max().orElse(0)), "scratch"));
            Call call = new Call(backend.device(), inputs, outputs, CudaBuffer.of(memory.getLast()).address());
            return choices.judge(candidates, op, call).stream().map(v -> new Row(v.candidate().name(), v.problem(), v.us())).toList();
        } finally {
            memory.forEach(Buffer::close);
        }
    }

    private static List<View> views(CudaBackend backend, List<Buffer> memory, List<TensorType> types) {
        List<View> views = new ArrayList<>();
        for (TensorType t : types) {
            memory.add(backend.allocate(Math.max(1, t.bytes()), "operand"));
            views.add(View.of(memory.getLast(), t));
        }
        return views;
    }
}
