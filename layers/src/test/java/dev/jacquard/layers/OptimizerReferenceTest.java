package dev.jacquard.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.jacquard.cpu.CpuBackend;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Update.RmsProp;
import dev.jacquard.tensor.op.Update.SgdMomentum;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Fifty steps of every optimizer against PyTorch's, or where PyTorch has none against the system's formula, both in float64 (see src/test/scripts): on the reference
 * backend in double to 1e-6 relative, and on the CPU backend in F32, which cannot hold 1e-6 over fifty roundings everywhere, to what the table of tolerances gives a sum of
 * fifty terms.
 */
class OptimizerReferenceTest {
    private static final int STEPS = 50;
    private static final double RELATIVE = 1e-6;
    private static final double DECAY = 0.9;
    private static final float[] START = {0.5f, -1, 2, 0.125f, -0.25f};

    private static final Map<String, Update.Rule> RULES = rules();

    private static Map<String, Update.Rule> rules() {
        Map<String, Update.Rule> all = new LinkedHashMap<>();
        all.put("sgd", new Update.Sgd(0));
        all.put("sgd decay", new Update.Sgd(0.01));
        all.put("momentum", new SgdMomentum(0.875, 0, false));
        all.put("momentum decay", new SgdMomentum(0.9, 0.01, false));
        all.put("momentum nesterov", new SgdMomentum(0.9, 0.01, true));
        all.put("rmsprop", new RmsProp(0.9, 0.01, 0.9, 1e-5, RmsProp.Form.PYTORCH));
        all.put("rmsprop qat", new RmsProp(0.853, 0.00422, 0.5, 0, RmsProp.Form.PYTORCH));
        all.put("adam", new Update.Adam(0.9, 0.999, 1e-8, 0, false));
        all.put("adam decay", new Update.Adam(0.8, 0.99, 1e-3, 0.02, false));
        all.put("adamw", new Update.Adam(0.9, 0.999, 1e-8, 0.05, true));
        all.put("keras", new SgdMomentum(0.9, 0, false, SgdMomentum.Form.KERAS));
        all.put("keras decay", new SgdMomentum(0.875, 0.01, false, SgdMomentum.Form.KERAS));
        all.put("keras nesterov", new SgdMomentum(0.9, 0.01, true, SgdMomentum.Form.KERAS));
        all.put("paddle", new SgdMomentum(0.875, 0x1p-15, false)); // Paddle's Momentum is PyTorch's SGD
        all.put("paddle nesterov", new SgdMomentum(0.9, 0.01, true));
        all.put("rmsprop tensorflow", new RmsProp(0.9, 0.001, 0.9, 1e-5, RmsProp.Form.TENSORFLOW));
        return all;
    }

    /** A case's wanted values by step and state. */
    private static Map<String, double[]> wanted(String name) {
        return Fixture.lines("optimizers.csv").stream().filter(l -> l[0].equals(name)).collect(Collectors.toMap(l -> l[1] + " " + l[2], l -> Fixture.numbers(l, 3)));
    }

    @Test
    void everyCaseHasARule() {
        Set<String> cases = Fixture.lines("optimizers.csv").stream().map(l -> l[0]).filter(name -> !name.startsWith("clip")).collect(Collectors.toSet());
        assertEquals(cases, RULES.keySet());
    }

    @TestFactory
    Stream<DynamicTest> inDouble() {
        return RULES.keySet().stream().map(name -> dynamicTest(name, () -> check(new ReferenceBackend(), DType.F64, name)));
    }

    @TestFactory
    Stream<DynamicTest> inFloatOnTheCpu() {
        return RULES.keySet().stream().map(name -> dynamicTest(name, () -> {
            try (Backend cpu = new CpuBackend(1)) {
                check(cpu, DType.F32, name);
            }
        }));
    }

    private static void check(Backend backend, DType dtype, String name) {
        Map<String, double[]> want = wanted(name);
        int compared = 0;
        try (Scope s = Scope.open(backend)) {
            Run run = new Run(s, dtype, RULES.get(name));
            for (int t = 1; t <= STEPS; t++) {
                run.step(t);
                for (Map.Entry<String, Tensor> state : run.states().entrySet()) {
                    double[] values = want.get(t + " " + state.getKey());
                    if (values != null) {
                        close(dtype, ((EagerTensor) state.getValue()).doubles(), values, name + ", step " + t + ", state " + state.getKey());
                        compared++;
                    }
                }
            }
        }
        assertEquals(want.size(), compared, "all of the table is compared");
    }

    private static void close(DType dtype, double[] got, double[] want, String where) {
        for (int i = 0; i < want.length; i++) {
            if (dtype == DType.F64) {
                assertTrue(Math.abs(got[i] - want[i]) <= RELATIVE * Math.abs(want[i]), where + ": " + got[i] + ", want " + want[i]);
            } else {
                double size = Math.max(1, Math.pow(10, i - 2)); // of the element's gradients
                Comparator.difference(TensorType.f32(1), new double[] {got[i]}, new double[] {want[i]}, Tolerance.of(dtype, Accuracy.reduce(STEPS)), size).ifPresent(problem -> {
                    throw new AssertionError(where + ": " + problem);
                });
            }
        }
    }

    /** One optimizer at work on one parameter, with an average of NVIDIA's PyTorch system, moved by the update, and one of TensorFlow's, moved after it. */
    private static final class Run {
        private final Scope s;
        private final DType dtype;
        private final Optimizer optimizer;
        private final MovingAverage tensorflow = new MovingAverage();
        private final Variable w;

        Run(Scope s, DType dtype, Update.Rule rule) {
            this.s = s;
            this.dtype = dtype;
            this.optimizer = new Optimizer(rule);
            this.w = new Variable(() -> "w", TensorType.of(dtype, START.length), Variable.Role.PARAMETER, (_, _) -> START.clone());
            s.write(optimizer.averages().of(w), s.read(w));
            s.write(tensorflow.of(w), s.read(w));
        }

        void step(int t) {
            double[] g = IntStream.range(0, START.length).mapToDouble(i -> Math.sin(0.37 * t * (i + 1)) * Math.pow(10, i - 2)).toArray();
            Optimizer.Scalars scalars = Optimizer.Scalars.of(scalar(0.05 * (1 + 0.5 * Math.cos(0.2 * t)))).averageDecay(scalar(MovingAverage.warmed(DECAY, t - 1)));
            Tensor number = s.tensor(TensorType.of(DType.I32), t);
            optimizer.update(s, List.of(w), List.of(s.tensor(w.type(), g)), optimizer.needsStep() ? scalars.step(number) : scalars);
            tensorflow.update(s, List.of(w), scalar(MovingAverage.warmed(DECAY, t)), null);
        }

        private Tensor scalar(double x) {
            return s.tensor(TensorType.of(dtype), x);
        }

        Map<String, Tensor> states() {
            Map<String, Tensor> all = new LinkedHashMap<>();
            all.put("0", s.read(w));
            List<Variable> slots = optimizer.slots().stream().filter(v -> v.name().startsWith("optimizer.")).toList();
            for (int i = 0; i < slots.size(); i++) {
                all.put(Integer.toString(i + 1), s.read(slots.get(i)));
            }
            all.put("ema pytorch", s.read(optimizer.averages().of(w)));
            all.put("ema tensorflow", s.read(tensorflow.of(w)));
            return all;
        }
    }

    @Test
    void clippingIsByTheNormOfAllGradients() {
        Map<String, double[]> want = Fixture.lines("optimizers.csv").stream().filter(l -> l[0].startsWith("clip"))
                .collect(Collectors.toMap(l -> String.join(" ", l[0], l[1], l[2]), l -> Fixture.numbers(l, 3), (a, _) -> a, LinkedHashMap::new));
        assertEquals(12, want.size());
        Function<Double, float[]> first = size -> new float[] {(float) (0.5 * size), (float) -size, (float) (2 * size), (float) (0.125 * size), (float) (-0.25 * size)};
        Function<Double, float[]> second = size -> new float[] {(float) (1.0 * size), (float) (-2 * size), (float) (0.25 * size), (float) (4 * size)};
        try (Scope s = Scope.open(new ReferenceBackend())) {
            for (double size : new double[] {0.5, 3}) {
                for (ClipByGlobalNorm.Form form : ClipByGlobalNorm.Form.values()) {
                    List<Tensor> gradients = List.of(s.tensor(first.apply(size), 5).cast(DType.F64), s.tensor(second.apply(size), 2, 2).cast(DType.F64));
                    List<Tensor> out = s.apply(new ClipByGlobalNorm(4, form), gradients);
                    String name = "clip " + form.name().toLowerCase(java.util.Locale.ROOT) + " " + size + " ";
                    close(DType.F64, ((EagerTensor) out.get(0)).doubles(), want.get(name + "0"), name + "0");
                    close(DType.F64, ((EagerTensor) out.get(1)).doubles(), want.get(name + "1"), name + "1");
                    close(DType.F64, ((EagerTensor) out.get(2)).doubles(), want.get(name + "norm"), name + "norm");
                }
            }
        }
    }
}
