package dev.jacquard.layers;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.cpu.CpuBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Averages of a whole network's state, parameters and running statistics, as part of a planned step. */
class MovingAverageTest {
    private static final float DECAY = 0.75f;

    private final Module net = Sequential.of(new Conv2d(Conv2d.Config.of(2, 3, 1)), new BatchNorm2d(3), new GlobalAvgPool2d(), new Linear(3, 2));
    private final Optimizer optimizer = new Optimizer(new Update.SgdMomentum(0.9, 1e-3, false), Decay.WEIGHTS, net);

    private Graph step() {
        GraphBuilder b = new GraphBuilder(true);
        Tensor x = b.input("x", TensorType.f32(2, 4, 4, 2));
        Tensor loss = Losses.crossEntropy(net.apply(x), b.literal(TensorType.of(DType.I32, 2), 0, 1), 0);
        Tensor decay = b.input("decay", TensorType.f32());
        Tensor skip = b.input("skip", TensorType.of(DType.I32));
        Optimizer.Scalars scalars = Optimizer.Scalars.of(b.fill(TensorType.f32(), 0.5)).averageDecay(decay).skip(skip);
        optimizer.update(b, net.parameters(), Gradients.of(loss, net.parameters().stream().map(b::read).toList()), scalars);
        optimizer.averages().update(b, net.statistics(), decay, skip);
        return b.build();
    }

    private static Map<String, float[]> values(State state, Collection<Variable> variables) {
        Map<String, float[]> all = new LinkedHashMap<>();
        variables.forEach(v -> all.put(v.name(), state.get(v)));
        return all;
    }

    private static void run(Plan plan, int round, int skip) {
        float[] x = new float[64];
        for (int i = 0; i < x.length; i++) {
            x[i] = (i * 37 + round * 11) % 23 / 7f - 1;
        }
        plan.feed("x", MemorySegment.ofArray(x));
        plan.feed("decay", DECAY);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flag = arena.allocate(4, 4);
            flag.set(ValueLayout.JAVA_INT, 0, skip);
            plan.feed("skip", flag);
            plan.run();
        }
    }

    @Test
    void theWholeStateIsAveragedFromACopyOn() {
        try (Backend cpu = new CpuBackend(2); State state = new State(cpu)) {
            Graph graph = step();
            Collection<Variable> own = net.variables().values();
            assertEquals(own.stream().map(v -> "ema." + v.name()).collect(Collectors.toSet()),
                    optimizer.averages().variables().values().stream().map(Variable::name).collect(Collectors.toSet()));
            state.initialize(own, 1).initialize(optimizer.slots(), 1);
            optimizer.averages().start(state);
            Map<String, float[]> want = values(state, own);
            assertFalse(Arrays.equals(new float[3], want.get("1.running_var")));
            own.forEach(v -> assertArrayEquals(want.get(v.name()), state.get(optimizer.averages().of(v)), v.name()));
            try (Plan plan = Plan.of(graph, state)) {
                for (int round = 0; round < 3; round++) {
                    run(plan, round, 0);
                    for (Variable v : own) {
                        float[] now = state.get(v);
                        float[] average = want.get(v.name());
                        for (int i = 0; i < now.length; i++) {
                            average[i] = DECAY * average[i] + (1 - DECAY) * now[i];
                        }
                        assertArrayEquals(average, state.get(optimizer.averages().of(v)), 1e-6f, v.name());
                    }
                }
                skippedStepsLeaveAverages(plan, state);
            }
        }
    }

    private void skippedStepsLeaveAverages(Plan plan, State state) {
        Collection<Variable> kept = optimizer.averages().variables().values();
        Map<String, float[]> before = values(state, kept);
        Map<String, float[]> slots = values(state, optimizer.slots());
        run(plan, 7, 1);
        kept.forEach(v -> assertArrayEquals(before.get(v.name()), state.get(v), v.name()));
        optimizer.slots().forEach(v -> assertArrayEquals(slots.get(v.name()), state.get(v), v.name()));
    }

    @Test
    void theDecayWarmsUp() {
        assertEquals(0.1, MovingAverage.warmed(0.9999, 0));
        assertEquals(2.0 / 11, MovingAverage.warmed(0.9999, 1));
        assertEquals(0.9999, MovingAverage.warmed(0.9999, 1_000_000));
        assertEquals(0.05, MovingAverage.warmed(0.05, 0));
    }

    @Test
    void theDeviceWarmsUpAsTheHostDoes() {
        for (double decay : new double[] {0.05, 0.9, 0.9999}) {
            GraphBuilder b = new GraphBuilder(true);
            b.output("decay", MovingAverage.warmed(decay, b.input("t", TensorType.of(DType.I32))));
            try (Backend backend = new CpuBackend(1); State state = new State(backend); Plan plan = Plan.of(b.build(), state); Arena arena = Arena.ofConfined()) {
                for (int t : new int[] {0, 1, 2, 7, 80, 81, 1_000_000}) {
                    plan.feed("t", arena.allocateFrom(ValueLayout.JAVA_INT, t));
                    plan.run();
                    assertEquals(MovingAverage.warmed(decay, t), plan.scalar("decay"), 1e-7, decay + " at " + t);
                }
            }
        }
    }

    @Test
    void slotsAndAveragesAreNamedAfterTheirVariable() {
        Linear m = new Linear(2, 2);
        Optimizer adam = new Optimizer(new Update.Adam(0.9, 0.999, 1e-8, 0, false));
        GraphBuilder b = new GraphBuilder(true);
        Tensor lr = b.fill(TensorType.f32(), 1);
        adam.update(b, m.parameters(), m.parameters().stream().map(b::read).toList(), new Optimizer.Scalars(lr, b.fill(TensorType.of(DType.I32), 1), lr, null));
        assertEquals(Set.of("optimizer.first_moment.weight", "optimizer.second_moment.weight", "ema.weight", "optimizer.first_moment.bias", "optimizer.second_moment.bias",
                "ema.bias"), adam.slots().stream().map(Variable::name).collect(Collectors.toSet()));
        assertEquals(6 + 2, b.build().updates().size());
    }
}
