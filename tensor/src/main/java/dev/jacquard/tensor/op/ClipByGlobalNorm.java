package dev.jacquard.tensor.op;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Clips gradients by the norm of all of them together (Pascanu et al. 2013, arXiv:1211.5063), so that their direction stays. Inputs: one or more gradients of F32 or half
 * precision, which may be mixed; outputs, F32: {@code g factor} for each, and the norm before, (). (F64 in place of F32 if there is any.) Sums are taken gradient by gradient in
 * the order of the inputs. A norm that is infinite or NaN makes all gradients 0 or NaN: looking for those is {@link LossScaling.Unscale}'s part.
 *
 * @param max the largest norm that is left alone
 * @param form whose factor
 */
public record ClipByGlobalNorm(double max, Form form) implements Composite {
    /** Whose definition. */
    public enum Form {
        /** {@code min(max / (norm + 1e-6), 1)}, that of {@code clip_grad_norm_}. */
        PYTORCH,
        /** {@code max / max(norm, max)}, that of {@code clip_by_global_norm}. */
        TENSORFLOW
    }

    /** Checks the range. @throws CallerException if the norm is not positive */
    public ClipByGlobalNorm {
        if (!(max > 0)) {
            throw new CallerException("clip_by_global_norm", "norm out of range", Double.toString(max), "above 0", "leave clipping out to have none");
        }
    }

    @Override
    public List<TensorType> infer(List<TensorType> in) {
        if (in.isEmpty()) {
            Types.count(this, in, 1);
        }
        Types.floating(this, in);
        DType wide = wide(in.stream().map(TensorType::dtype));
        List<TensorType> out = new ArrayList<>(in.stream().map(t -> t.withDType(wide)).toList());
        out.add(TensorType.of(wide));
        return List.copyOf(out);
    }

    /** What the norm is computed in: a sum of squares is soon too large for F16. */
    private static DType wide(Stream<DType> gradients) {
        return gradients.anyMatch(t -> t == DType.F64) ? DType.F64 : DType.F32;
    }

    /** All of them. */
    @Override
    public boolean narrow(int input) {
        return true;
    }

    @Override
    public Accuracy accuracy(List<TensorType> in) {
        return Accuracy.reduce(in.stream().mapToLong(t -> t.shape().size()).sum());
    }

    @Override
    public Cost cost(List<TensorType> in, List<TensorType> out) {
        return Cost.of(in, out, 3 * in.stream().mapToLong(t -> t.shape().size()).sum());
    }

    @Override
    public List<Tensor> define(List<Tensor> in) {
        DType type = wide(in.stream().map(Tensor::dtype));
        List<Tensor> wide = in.stream().map(g -> g.cast(type)).toList();
        Tensor norm = wide.stream().map(g -> g.square().sum()).reduce(Tensor::add).orElseThrow().sqrt();
        Tensor limit = norm.context().fill(norm.type(), max);
        Tensor factor = switch (form) {
            case PYTORCH -> limit.div(norm.add(1e-6)).apply(new Pointwise.Min(), norm.context().fill(norm.type(), 1));
            case TENSORFLOW -> limit.div(norm.apply(new Pointwise.Max(), limit));
        };
        List<Tensor> out = new ArrayList<>();
        wide.forEach(g -> out.add(g.mul(factor)));
        out.add(norm);
        return List.copyOf(out);
    }

    /** The family's row. */
    static List<OpRow> rows() {
        return List.of(OpRow.of(ClipByGlobalNorm.class, "gradients of a bounded norm",
                Sample.of(new ClipByGlobalNorm(1, Form.PYTORCH), Operand.of(7), Operand.of(3, 5), Operand.of()),
                Sample.of(new ClipByGlobalNorm(2.5, Form.TENSORFLOW), Operand.of(33, 3), Operand.of(129)),
                Sample.of(new ClipByGlobalNorm(1000, Form.PYTORCH), Operand.of(9), Operand.of(65)),
                Sample.of(new ClipByGlobalNorm(1000, Form.TENSORFLOW), Operand.of(257)),
                Sample.of(new ClipByGlobalNorm(2, Form.PYTORCH), Operand.of(5000), Operand.of(), Operand.of(4096)),
                Sample.of(new ClipByGlobalNorm(2, Form.PYTORCH), Operand.values(1, Double.NaN, 2), Operand.of(9).withDType(DType.F16), Operand.of(3, 5).withDType(DType.BF16)))
                .refuses(new ClipByGlobalNorm(1, Form.PYTORCH), "wrong number of inputs")
                .refuses(new ClipByGlobalNorm(1, Form.PYTORCH), "element type is not floating", TensorType.f32(3), TensorType.of(DType.I32, 3)));
    }
}
