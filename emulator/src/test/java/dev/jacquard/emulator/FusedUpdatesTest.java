package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.passes.FuseUpdates;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.op.LossScaling;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Many parameters at once, on the CUDA backend: more than a launch's table holds, more than a block's chunk, whole steps with loss scaling. */
class FusedUpdatesTest {
    private static final Backend CUDA = new CudaBackend("emulator", new EmulatorDriver(), false);
    private static final long SEED = 11;

    @AfterAll
    static void close() {
        CUDA.close();
    }

    private static Sample many(Update.Rule rule, int parts, long... elements) {
        List<Operand> operands = new ArrayList<>();
        for (int i = 0; i < parts; i++) {
            long n = elements[i % elements.length];
            for (int j = 0; j <= rule.states(); j++) {
                operands.add(Operand.range(0.1, 1, n)); // as a mean square it must not be negative
            }
        }
        rule.scalars().forEach(s -> operands.add(switch (s) {
            case STEP -> Operand.integers(DType.I32, 1, 5);
            case SKIP -> Operand.integers(DType.I32, 0, 1);
            case LEARNING_RATE, AVERAGE_DECAY, KEEP -> Operand.range(0.01, 0.2);
        }));
        return new Sample(new Update.FusedUpdate(Collections.nCopies(parts, rule)), operands);
    }

    @Test
    void morePartsThanATableHolds() {
        OpCheck.forward(CUDA, many(new Update.SgdMomentum(0.9, 1e-3, true), 130, 9, 1, 4), DType.F32, Variant.CONTIGUOUS, SEED);
        OpCheck.forward(CUDA, many(new Update.ExtendedUpdate(new Update.Average(), false, true), 150, 5, 8, 17), DType.F32, Variant.IN_PLACE, SEED);
        OpCheck.forward(CUDA, many(new Update.SgdMomentum(0.9, 1e-3, true, Update.SgdMomentum.Form.KERAS), 60, 9, 65), DType.BF16, Variant.CONTIGUOUS, SEED);
        OpCheck.forward(CUDA, many(new Update.ExtendedUpdate(new Update.Adam(0.9, 0.99, 1e-3, 0.1, true), true, true), 50, 3, 8), DType.F16, Variant.IN_PLACE, SEED);
    }

    @Test
    void partsOfSeveralChunks() {
        OpCheck.forward(CUDA, many(new Update.SgdMomentum(0.9, 1e-3, false), 4, 4096, 4097, 3, 16_385, 40_001), DType.F32, Variant.IN_PLACE, SEED);
        OpCheck.forward(CUDA, many(new Update.RmsProp(0.9, 1e-3, 0.9, 0, Update.RmsProp.Form.TENSORFLOW), 2, 33_000, 16_383), DType.BF16, Variant.CONTIGUOUS, SEED);
    }

    @Test
    void unscalesMoreThanATableHolds() {
        List<Operand> operands = new ArrayList<>(List.of(Operand.range(1, 1024)));
        for (int i = 0; i < 130; i++) {
            operands.add(i == 127 ? Operand.values(1, Double.NaN, 2) : Operand.of(1 + i % 11));
        }
        operands.add(Operand.of(20_011));
        OpCheck.forward(CUDA, new Sample(new LossScaling.Unscale(), operands), DType.F16, Variant.CONTIGUOUS, SEED);
        OpCheck.forward(CUDA, new Sample(new LossScaling.NotFinite(), operands), DType.F16, Variant.CONTIGUOUS, SEED);
    }

    /** Every third one of another type, which is another launch. */
    @Test
    void clipsMoreThanATableHolds() {
        List<Operand> operands = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            operands.add(i % 3 == 0 ? Operand.of(1 + i % 11) : Operand.of(9 + i % 5).withDType(i % 3 == 1 ? DType.F16 : DType.BF16));
        }
        operands.add(Operand.of(20_011));
        for (ClipByGlobalNorm.Form form : ClipByGlobalNorm.Form.values()) {
            OpCheck.forward(CUDA, new Sample(new ClipByGlobalNorm(3, form), operands), DType.F32, Variant.CONTIGUOUS, SEED);
        }
    }

    @Test
    void castsMoreThanATableHoldsEachAsIfAlone() {
        try (Scope s = Scope.open(CUDA)) {
            List<Tensor> in = new ArrayList<>();
            for (int i = 0; i < 140; i++) {
                double[] values = Operand.range(-7e4, 7e4, i == 77 ? 9001 : 1 + i % 9).materialize(SEED, i);
                in.add(s.tensor(TensorType.f32(values.length), values));
            }
            for (DType to : List.of(DType.F16, DType.BF16)) {
                assertTrue(CUDA.unsupported(new Movement.CastAll(to), in.stream().map(Tensor::type).toList()).isEmpty());
                List<Tensor> all = s.apply(new Movement.CastAll(to), in);
                for (int i = 0; i < in.size(); i++) {
                    assertArrayEquals(((EagerTensor) in.get(i).cast(to)).doubles(), ((EagerTensor) all.get(i)).doubles(), "part " + i);
                }
            }
        }
    }

    @Test
    void sumsOfManyGradientsBeginAnew() {
        OpCheck.forward(CUDA, many(new Update.Accumulate(), 150, 5, 8, 17), DType.F16, Variant.IN_PLACE, SEED);
        OpCheck.forward(CUDA, many(new Update.ExtendedUpdate(new Update.Accumulate(), false, true), 2, 5, 4099), DType.BF16, Variant.CONTIGUOUS, SEED);
    }

    @Test
    void aScaleThatWouldBecomeInfiniteStays() {
        try (Scope s = Scope.open(CUDA)) {
            Tensor scale = s.tensor(TensorType.f32(), 3e38);
            Tensor zero = s.tensor(TensorType.of(DType.I32), 0);
            List<Tensor> next = scale.applyAll(new LossScaling.UpdateScale(2, 1, 0.5, 1), zero, zero);
            assertArrayEquals(((EagerTensor) scale).doubles(), ((EagerTensor) next.getFirst()).doubles());
        }
    }

    private static Variable variable(String name, DType dtype, float value, long... dims) {
        return new Variable(() -> name, TensorType.of(dtype, dims), Variable.Role.PARAMETER, (shape, _) -> {
            float[] v = new float[Math.toIntExact(shape.size())];
            for (int i = 0; i < v.length; i++) {
                v[i] = value * (i % 5 + 1);
            }
            return v;
        });
    }

    /** A step of two parameters with an average each; their gradients are fed. */
    private record Network(List<Variable> weights, List<Variable> slots, List<Variable> averages) {
        static Network make() {
            List<Variable> weights = List.of(variable("a", DType.F32, 0.25f, 3, 5), variable("b", DType.F32, -0.5f, 70));
            return new Network(weights, weights.stream().map(w -> slot(w, "momentum")).toList(), weights.stream().map(w -> slot(w, "average")).toList());
        }

        private static Variable slot(Variable w, String what) {
            return new Variable(() -> what + "." + w.name(), w.type(), Variable.Role.SLOT, Initializer.ZEROS);
        }

        List<Variable> all() {
            List<Variable> all = new ArrayList<>(weights);
            all.addAll(slots);
            all.addAll(averages);
            return all;
        }

        /** @param rates names of the learning rates, one per parameter */
        Graph step(String... rates) {
            GraphBuilder b = new GraphBuilder(true);
            Tensor scale = b.input("scale", TensorType.f32());
            Map<String, Tensor> lr = new HashMap<>();
            List<Tensor> scaled = new ArrayList<>(List.of(scale));
            weights.forEach(w -> scaled.add(b.input("gradient of " + w.name(), w.type())));
            List<Tensor> gradients = b.apply(new LossScaling.Unscale(), scaled);
            for (int i = 0; i < weights.size(); i++) {
                Update.Rule rule = new Update.ExtendedUpdate(new Update.SgdMomentum(0.9, i * 1e-3, false), true, true);
                List<Tensor> next = b.read(weights.get(i)).applyAll(rule, b.read(slots.get(i)), b.read(averages.get(i)), gradients.get(i + 1),
                        lr.computeIfAbsent(rates[i], name -> b.input(name, TensorType.f32())), b.fill(TensorType.f32(), 0.75), gradients.getFirst());
                b.write(weights.get(i), next.get(0));
                b.write(slots.get(i), next.get(1));
                b.write(averages.get(i), next.get(2));
            }
            return b.build();
        }
    }

    /** What two good steps leave, and a bad one after them. */
    private static List<List<float[]>> run(Network net, Graph graph) {
        List<List<float[]>> seen = new ArrayList<>();
        try (State state = new State(CUDA).initialize(net.all(), SEED); Plan plan = Plan.of(graph, state); Arena arena = Arena.ofConfined()) {
            plan.feed("scale", 4);
            for (String lr : plan.inputs().keySet().stream().filter(n -> n.startsWith("lr")).toList()) {
                plan.feed(lr, 0.1f);
            }
            for (float x : new float[] {2, -3, Float.POSITIVE_INFINITY}) {
                for (Variable w : net.weights()) {
                    MemorySegment gradient = arena.allocate(w.type().bytes(), 4);
                    gradient.copyFrom(MemorySegment.ofArray(filled(w, x)));
                    plan.feed("gradient of " + w.name(), gradient);
                }
                plan.run();
                CUDA.synchronize();
                seen.add(net.all().stream().map(state::get).toList());
            }
        }
        return seen;
    }

    private static float[] filled(Variable w, float value) {
        float[] all = new float[Math.toIntExact(w.type().shape().size())];
        java.util.Arrays.fill(all, value);
        return all;
    }

    @Test
    void aFusedStepIsTheSameStepAndABadOneChangesNothing() {
        Network net = Network.make();
        Graph plain = net.step("lr", "lr");
        Graph fused = new FuseUpdates(CUDA).apply(plain).verify();
        assertEquals(1, fused.nodes().stream().filter(n -> n.op() instanceof Update).count(), fused.print());
        List<List<float[]>> want = run(net, plain);
        List<List<float[]>> got = run(net, fused);
        for (int step = 0; step < want.size(); step++) {
            for (int v = 0; v < want.get(step).size(); v++) {
                assertArrayEquals(want.get(step).get(v), got.get(step).get(v), "step " + step + ", " + net.all().get(v).name());
            }
        }
        assertFalse(java.util.Arrays.equals(want.get(0).getFirst(), want.get(1).getFirst()), "a good step changes parameters");
        for (int v = 0; v < net.all().size(); v++) {
            assertArrayEquals(want.get(1).get(v), want.get(2).get(v), "the skipped step, " + net.all().get(v).name());
        }
    }

    /** The update writes where the variables are: it needs no launch but its own and the one that unscales. */
    @Test
    void aFusedStepIsInPlace() {
        Network net = Network.make();
        Graph fused = new FuseUpdates(CUDA).apply(net.step("lr", "lr"));
        try (State state = new State(CUDA).initialize(net.all(), SEED); Plan plan = Plan.of(fused, state)) {
            assertEquals(2, plan.launches());
        }
    }

    @Test
    void updatesWithOtherScalarsStayApart() {
        Graph g = Network.make().step("lr", "lr of b");
        assertTrue(new FuseUpdates(CUDA).apply(g).nodes().stream().noneMatch(n -> n.op() instanceof Update.FusedUpdate));
    }
}
