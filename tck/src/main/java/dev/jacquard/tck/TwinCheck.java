package dev.jacquard.tck;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.Sample;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A backend's gradients against the reference's. Formulas are the same on both and were checked by finite differences there ({@link GradCheck}); this checks
 * the kernels that they are made of, put together.
 */
public final class TwinCheck {
    private static final int COTANGENT = 1000;

    private TwinCheck() {}

    /**
     * Checks the gradients, in F32, of every floating output by every floating input.
     *
     * @return why there was nothing to check; empty if it was checked and agrees
     * @throws AssertionError if they differ by more than rounding
     */
    public static Optional<String> gradients(Backend backend, Sample sample, long seed) {
        return gradients(backend, sample, seed, Tolerance::of);
    }

    /** The same. @param tolerances by which results are judged */
    public static Optional<String> gradients(Backend backend, Sample sample, long seed, Tolerance.Table tolerances) {
        Optional<String> why = GradCheck.unsuitable(sample.withDType(DType.F64));
        if (why.isPresent()) {
            return why;
        }
        Case c = new Case(backend.name(), sample, DType.F32, "gradient", seed);
        List<double[]> values = c.values();
        List<TensorType> outputs = sample.op().infer(sample.types());
        List<Integer> wrt = GradCheck.floating(sample.types());
        for (int k : GradCheck.floating(outputs)) {
            double[] cotangent = Case.rounded(outputs.get(k), GradCheck.noise(outputs.get(k), seed, COTANGENT + k));
            List<double[]> want;
            try {
                want = gradients(Oracle.reference(), sample.withDType(DType.F64), values, k, cotangent);
            } catch (CallerException e) {
                if (e.problem().equals("not implemented for this op")) {
                    return Optional.of(e.getMessage());
                }
                throw e;
            }
            List<double[]> got = gradients(backend, sample, values, k, cotangent);
            for (int j = 0; j < wrt.size(); j++) {
                TensorType type = sample.types().get(wrt.get(j));
                String what = "output " + k + " by input " + wrt.get(j) + ": ";
                Comparator.difference(type, got.get(j), want.get(j), tolerances.row(DType.F32, accuracy(sample, outputs)), scale(want.get(j))).ifPresent(problem -> {
                    throw c.failure(what + problem);
                });
            }
        }
        return Optional.empty();
    }

    /** Gradients of broadcast operands, weights and statistics sum over as many terms as the largest operand has elements. */
    private static Accuracy accuracy(Sample sample, List<TensorType> outputs) {
        long largest = sample.op().accuracy(sample.types()).length();
        for (TensorType t : sample.types()) {
            largest = Math.max(largest, t.shape().size());
        }
        for (TensorType t : outputs) {
            largest = Math.max(largest, t.shape().size());
        }
        boolean products = sample.op().accuracy(sample.types()).kind() == Accuracy.Kind.MATMUL || sample.op() instanceof Composite;
        return products ? Accuracy.matmul(largest) : Accuracy.reduce(largest);
    }

    /** Intermediate values are at most about as large as the largest result. */
    static double scale(double[] want) {
        return Math.max(1, Arrays.stream(want).map(Math::abs).filter(Double::isFinite).max().orElse(1));
    }

    private static List<double[]> gradients(Backend backend, Sample s, List<double[]> values, int output, double[] cotangent) {
        try (Scope scope = Scope.training(backend)) {
            List<Tensor> in = Oracle.tensors(scope, s.types(), values);
            Tensor y = scope.apply(s.op(), in).get(output);
            return Gradients.of(y, scope.tensor(y.type(), cotangent), GradCheck.floating(s.types()).stream().map(in::get).toList()).stream()
                    .map(t -> ((EagerTensor) t).doubles()).toList();
        }
    }
}
