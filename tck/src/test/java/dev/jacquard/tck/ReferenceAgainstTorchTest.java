package dev.jacquard.tck;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Normalization;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Window;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Pins the oracle, values and gradients, by what PyTorch computed in double precision: see src/test/python/torch_values.py. */
class ReferenceAgainstTorchTest {
    private static final Map<String, Value> VALUES = read();

    private record Value(TensorType type, double[] values) {}

    private static Map<String, Value> read() {
        Map<String, Value> all = new HashMap<>();
        try (BufferedReader r = new BufferedReader(new InputStreamReader(
                ReferenceAgainstTorchTest.class.getResourceAsStream("/torch-values.txt"), StandardCharsets.US_ASCII))) {
            r.lines().forEach(line -> {
                String[] halves = line.split(" \\| ");
                String[] head = halves[0].split(" ");
                long[] dims = Arrays.stream(head).skip(1).mapToLong(Long::parseLong).toArray();
                double[] values = Arrays.stream(halves[1].split(" ")).mapToDouble(Double::parseDouble).toArray();
                all.put(head[0], new Value(TensorType.of(DType.F64, dims), values));
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return all;
    }

    private static Tensor tensor(Scope s, String name) {
        Value v = VALUES.get(name);
        return s.tensor(v.type(), v.values());
    }

    private static void same(String name, Tensor got) {
        Value want = VALUES.get(name);
        Comparator.difference(want.type(), ((EagerTensor) got).doubles(), want.values(), Tolerance.of(DType.F64, Accuracy.matmul(64)), 1).ifPresent(problem -> {
            throw new AssertionError(name + ": " + problem);
        });
    }

    /** Value and gradients of a function of named operands. */
    private static void check(String prefix, Function<List<Tensor>, Tensor> f, String... operands) {
        try (Scope s = Scope.training(Oracle.reference())) {
            List<Tensor> x = Arrays.stream(operands).map(o -> tensor(s, prefix + "." + o)).toList();
            Tensor y = f.apply(x);
            same(prefix + ".y", y);
            List<Tensor> gradients = Gradients.of(y, tensor(s, prefix + ".dy"), x);
            for (int i = 0; i < operands.length; i++) {
                same(prefix + ".d" + operands[i], gradients.get(i));
            }
        }
    }

    @Test
    void convolution() {
        check("conv.plain", x -> x.get(0).conv2d(x.get(1), Window.of(1, 1), 1), "x", "w");
        check("conv.asymmetric", x -> x.get(0).conv2d(x.get(1), new Window(2, 1, 1, 3, 2, 0, 1, 1), 1), "x", "w");
        check("conv.grouped", x -> x.get(0).conv2d(x.get(1), Window.of(2, 1), 2), "x", "w");
        check("conv.dilated", x -> x.get(0).conv2d(x.get(1), new Window(1, 2, 2, 2, 1, 1, 2, 3), 1), "x", "w");
        check("conv.depthwise", x -> x.get(0).conv2d(x.get(1), Window.of(1, 1), 3), "x", "w");
    }

    @Test
    void batchNormalisation() {
        check("bn", x -> x.get(0).apply(new Normalization.BatchNorm(1e-5), x.get(1), x.get(2)), "x", "gamma", "beta");
        try (Scope s = Scope.open(Oracle.reference())) {
            List<Tensor> y = tensor(s, "bn.x").applyAll(new Normalization.BatchNorm(1e-5), tensor(s, "bn.gamma"), tensor(s, "bn.beta"));
            same("bn.mean", y.get(1));
            same("bn.variance", y.get(2));
        }
    }

    @Test
    void pooling() {
        check("maxpool", x -> x.getFirst().maxPool2d(3, 3, Window.of(2, 1)), "x");
        check("avgpool.padded", x -> x.getFirst().avgPool2d(3, 3, Window.of(2, 1)), "x");
        check("avgpool.valid", x -> x.getFirst().apply(new Pooling.AvgPool2d(3, 3, Window.of(2, 1), false)), "x");
    }

    @Test
    void linesAndProducts() {
        check("softmax", x -> x.getFirst().softmax(), "x");
        check("logsoftmax", x -> x.getFirst().logSoftmax(), "x");
        check("linear", x -> x.get(0).matmul(x.get(1), true), "a", "b");
    }

    @Test
    void activations() {
        Map<String, UnaryOperator<Tensor>> all = Map.of("silu", Tensor::silu, "sigmoid", Tensor::sigmoid, "tanh", Tensor::tanh);
        all.forEach((name, f) -> check(name, x -> f.apply(x.getFirst()), "x"));
    }

    @Test
    void crossEntropy() {
        try (Scope s = Scope.training(Oracle.reference())) {
            Tensor x = tensor(s, "crossentropy.x");
            Tensor labels = tensor(s, "crossentropy.labels").cast(DType.I32);
            Tensor loss = labels.oneHot(5).cast(DType.F64).mul(x.logSoftmax()).sum().mul(-0.25);
            same("crossentropy.y", loss.reshape(1));
            same("crossentropy.dx", Gradients.of(loss, List.of(x)).getFirst());
        }
    }

    @Test
    void momentum() {
        for (boolean nesterov : new boolean[] {false, true}) {
            String prefix = nesterov ? "sgd.nesterov" : "sgd.plain";
            try (Scope s = Scope.open(Oracle.reference())) {
                Tensor w = tensor(s, prefix + ".w");
                Tensor v = s.fill(w.type(), 0);
                for (int step = 0; step < 2; step++) {
                    List<Tensor> next = new ArrayList<>(w.applyAll(new Update.SgdMomentum(0.9, 0.01, nesterov), v, tensor(s, prefix + ".g" + step),
                            s.fill(TensorType.of(DType.F64), 0.1)));
                    w = next.get(0);
                    v = next.get(1);
                    same(prefix + ".w" + (step + 1), w);
                }
            }
        }
    }
}
