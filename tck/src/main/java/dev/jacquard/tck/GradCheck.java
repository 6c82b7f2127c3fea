package dev.jacquard.tck;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.StraightThrough;
import dev.jacquard.tensor.random.Philox;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Gradients against central differences, in double on the reference backend, under a random cotangent (a plain sum would not see gradients that are
 * permuted or exchanged). An input that the calculus calls non-differentiable must have differences of 0, too.
 */
public final class GradCheck {
    /** Elements per input that are perturbed; all of a smaller input. */
    private static final int FIRST_ORDER_ELEMENTS = 16;
    private static final int SECOND_ORDER_ELEMENTS = 6;
    /** Samples with more input elements than this are not checked to second order. */
    private static final int SECOND_ORDER_SIZE = 400;
    private static final int COTANGENT = 1000;
    private static final int WEIGHT = 2000;
    private static final int PLACE = 3000;

    private GradCheck() {}

    /**
     * Checks the gradient of every floating output by every floating input.
     *
     * @return why there was nothing to check; empty if it was checked and is right
     * @throws AssertionError if a gradient is wrong
     */
    public static Optional<String> first(Sample sample, long seed) {
        Sample s = sample.withDType(DType.F64);
        Optional<String> why = unsuitable(s);
        if (why.isPresent()) {
            return why;
        }
        Case c = new Case("reference", s, DType.F64, "gradient", seed);
        List<double[]> x = c.values();
        List<Integer> wrt = floating(s.types());
        List<TensorType> outputs = s.op().infer(s.types());
        List<Integer> of = floating(outputs);
        List<double[]> cotangents = of.stream().map(k -> noise(outputs.get(k), seed, COTANGENT + k)).toList();
        List<List<double[]>> gradients = new ArrayList<>();
        try {
            for (int k = 0; k < of.size(); k++) {
                gradients.add(gradients(s, x, of.get(k), cotangents.get(k)));
            }
        } catch (CallerException e) {
            return notImplemented(e);
        }
        for (int j = 0; j < wrt.size(); j++) {
            int input = j;
            check(c, "output " + (of.size() == 1 ? of.getFirst() : of) + " by input " + wrt.get(j), s.types().get(wrt.get(j)), x, wrt.get(j),
                    gradients.stream().map(g -> g.get(input)).toList(), v -> {
                        List<double[]> all = Oracle.outputs(s.op(), s.types(), v);
                        return of.stream().map(all::get).toList();
                    }, cotangents, FIRST_ORDER_ELEMENTS);
        }
        return Optional.empty();
    }

    private static Optional<String> notImplemented(CallerException e) {
        if (e.problem().equals("not implemented for this op")) {
            return Optional.of(e.getMessage());
        }
        throw e;
    }

    /**
     * Checks the gradients of the gradients: by the inputs and by the cotangent.
     *
     * @return why there was nothing to check; empty if it was checked and is right
     * @throws AssertionError if one is wrong
     */
    public static Optional<String> second(Sample sample, long seed) {
        Sample s = sample.withDType(DType.F64);
        Optional<String> why = unsuitable(s);
        if (why.isPresent()) {
            return why;
        }
        if (s.types().stream().mapToLong(t -> t.shape().size()).sum() > SECOND_ORDER_SIZE) {
            return Optional.of("large; its smaller samples are checked");
        }
        Case c = new Case("reference", s, DType.F64, "second gradient", seed);
        List<TensorType> outputs = s.op().infer(s.types());
        for (int k : floating(outputs)) {
            try {
                second(c, k, outputs.get(k));
            } catch (CallerException e) {
                return notImplemented(e);
            }
        }
        return Optional.empty();
    }

    private static void second(Case c, int output, TensorType outputType) {
        Sample s = c.sample();
        List<Integer> wrt = floating(s.types());
        List<double[]> x = new ArrayList<>(c.values());
        x.add(noise(outputType, c.seed(), COTANGENT + output)); // the cotangent is one more input
        List<double[]> weights = wrt.stream().map(i -> noise(s.types().get(i), c.seed(), WEIGHT + i)).toList();
        double[] weight = weights.stream().flatMapToDouble(Arrays::stream).toArray();
        List<double[]> analytic = secondGradients(s, x, output, outputType, weights);
        Function<List<double[]>, List<double[]>> function = v ->
                List.of(gradients(s, v.subList(0, v.size() - 1), output, v.getLast()).stream().flatMapToDouble(Arrays::stream).toArray());
        for (int j = 0; j <= wrt.size(); j++) {
            int input = j < wrt.size() ? wrt.get(j) : x.size() - 1;
            TensorType type = j < wrt.size() ? s.types().get(input) : outputType;
            check(c, "gradient of output " + output + " by " + (j < wrt.size() ? "input " + input : "the cotangent"), type, x, input,
                    List.of(analytic.get(j)), function, List.of(weight), SECOND_ORDER_ELEMENTS);
        }
    }

    /** First gradients by all floating inputs. */
    private static List<double[]> gradients(Sample s, List<double[]> x, int output, double[] cotangent) {
        try (Scope scope = Scope.training(Oracle.reference())) {
            List<Tensor> in = Oracle.tensors(scope, s.types(), x);
            Tensor y = scope.apply(s.op(), in).get(output);
            return doubles(Gradients.of(y, scope.tensor(y.type(), cotangent), floating(s.types()).stream().map(in::get).toList()));
        }
    }

    /** Gradients of {@code sum over i of gradient_i . weight_i} by all floating inputs and the cotangent. */
    private static List<double[]> secondGradients(Sample s, List<double[]> x, int output, TensorType outputType, List<double[]> weights) {
        try (Scope scope = Scope.training(Oracle.reference())) {
            List<Tensor> in = Oracle.tensors(scope, s.types(), x.subList(0, x.size() - 1));
            Tensor cotangent = scope.tensor(outputType, x.getLast());
            List<Tensor> wrt = new ArrayList<>(floating(s.types()).stream().map(in::get).toList());
            List<Tensor> first = Gradients.of(scope.apply(s.op(), in).get(output), cotangent, wrt);
            Tensor sum = scope.fill(TensorType.of(DType.F64), 0);
            for (int i = 0; i < first.size(); i++) {
                sum = sum.add(first.get(i).mul(scope.tensor(first.get(i).type(), weights.get(i))).sum());
            }
            wrt.add(cotangent);
            return doubles(Gradients.of(sum, wrt));
        }
    }

    private static List<double[]> doubles(List<Tensor> tensors) {
        return tensors.stream().map(t -> ((EagerTensor) t).doubles()).toList();
    }

    /** Checks by one input, for several outputs at once. @param analytic per output @param weights per output, its cotangent */
    private static void check(Case c, String what, TensorType type, List<double[]> x, int input, List<double[]> analytic,
            Function<List<double[]>, List<double[]>> function, List<double[]> weights, int elements) {
        int[] places = places(x.get(input).length, elements, c.seed() + input);
        double[][] want = new double[analytic.size()][places.length];
        for (int j = 0; j < places.length; j++) {
            double at = x.get(input)[places[j]];
            double above = at + Tolerance.STEP;
            double below = at - Tolerance.STEP;
            List<double[]> up = function.apply(with(x, input, places[j], above));
            List<double[]> down = function.apply(with(x, input, places[j], below));
            for (int k = 0; k < want.length; k++) {
                want[k][j] = weightedDifference(up.get(k), down.get(k), weights.get(k)) / (above - below);
            }
        }
        for (int k = 0; k < want.length; k++) {
            double[] gradient = analytic.get(k);
            double[] got = Arrays.stream(places).mapToDouble(i -> gradient[i]).toArray();
            double scale = Math.max(1, Arrays.stream(gradient).map(Math::abs).max().orElse(0));
            String which = want.length > 1 ? " (number " + k + ")" : "";
            Comparator.difference(TensorType.of(DType.F64, places.length), got, want[k], Tolerance.gradient(), scale).ifPresent(problem -> {
                throw c.failure(what + which + " " + type + ", elements " + Arrays.toString(places) + ": want is the finite difference\n  " + problem);
            });
        }
    }

    /** Summed term by term, so that terms which do not change add no noise. */
    private static double weightedDifference(double[] up, double[] down, double[] weight) {
        double sum = 0;
        for (int i = 0; i < up.length; i++) {
            sum += (up[i] - down[i]) * weight[i];
        }
        return sum;
    }

    private static List<double[]> with(List<double[]> x, int input, int element, double value) {
        List<double[]> changed = new ArrayList<>(x);
        double[] v = x.get(input).clone();
        v[element] = value;
        changed.set(input, v);
        return changed;
    }

    /** Elements to perturb: one from each of equal parts, chosen by the seed. */
    private static int[] places(int n, int most, long seed) {
        int m = Math.min(n, most);
        return IntStream.range(0, m)
                .map(j -> Math.min(n - 1, (int) ((j + (m == n ? 0 : Philox.uniform(Philox.word(seed, PLACE, 0, j)))) * n / m)))
                .toArray();
    }

    /** Uniform in [-1, 1). */
    static double[] noise(TensorType type, long seed, int stream) {
        return IntStream.range(0, Math.toIntExact(type.shape().size())).mapToDouble(i -> 2 * Philox.uniform(Philox.word(seed, stream, 0, i)) - 1).toArray();
    }

    static List<Integer> floating(List<TensorType> types) {
        return IntStream.range(0, types.size()).filter(i -> types.get(i).dtype().isFloating()).boxed().toList();
    }

    /** Why a sample has no derivative to speak of. */
    static Optional<String> unsuitable(Sample s) {
        List<TensorType> outputs = s.op().infer(s.types());
        if (floating(s.types()).isEmpty() || floating(outputs).isEmpty()) {
            return Optional.of("no floating input, or no floating output");
        }
        if (s.op() instanceof StraightThrough) {
            return Optional.of("its gradient is a convention, which its backward op's samples check");
        }
        if (floating(outputs).stream().anyMatch(i -> outputs.get(i).dtype() != DType.F64)) {
            return Optional.of("rounds its output: finite differences would see the steps");
        }
        if (s.operands().stream().anyMatch(o -> o.fill() == Operand.Fill.GIVEN && Arrays.stream(o.given()).anyMatch(v -> !Double.isFinite(v)))) {
            return Optional.of("special values, of the forward only");
        }
        return Optional.empty();
    }
}
