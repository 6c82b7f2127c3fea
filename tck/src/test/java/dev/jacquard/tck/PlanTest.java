package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What a plan promises of variables: read as they were before the step, written after it, whatever is computed in place. */
class PlanTest {
    private final Backend backend = new ReferenceBackend();
    private final Variable a = variable("a", 1, 2, 3, 4);
    private final Variable b = variable("b", 10, 20, 30, 40);
    private final State state = new State(backend).initialize(List.of(a, b), 0);

    private static Variable variable(String name, float... values) {
        return new Variable(() -> name, TensorType.f32(2, 2), Variable.Role.PARAMETER, (_, _) -> values);
    }

    private static Plan plan(State state, Consumer<GraphBuilder> model) {
        return Plan.of(graph(model), state);
    }

    private static Graph graph(Consumer<GraphBuilder> model) {
        GraphBuilder g = new GraphBuilder(true);
        model.accept(g);
        return g.build();
    }

    private void expect(Variable v, float... values) {
        assertArrayEquals(values, state.get(v), v.name());
    }

    @Test
    void variablesCanBeExchanged() {
        try (Plan p = plan(state, g -> {
            g.write(a, g.read(b));
            g.write(b, g.read(a));
        })) {
            p.run();
            expect(a, 10, 20, 30, 40);
            expect(b, 1, 2, 3, 4);
            p.run();
            expect(a, 1, 2, 3, 4);
        }
    }

    @Test
    void aViewOfOneIsTheNewValueOfAnother() {
        try (Plan p = plan(state, g -> {
            g.write(b, g.read(b).mul(2));
            g.write(a, g.read(b).transpose(1, 0));
        })) {
            p.run();
            expect(a, 10, 30, 20, 40);
            expect(b, 20, 40, 60, 80);
        }
    }

    @Test
    void readersSeeTheOldValueWhereverTheyStand() {
        try (Plan p = plan(state, g -> {
            Tensor old = g.read(a);
            g.write(a, old.add(1));
            g.output("doubled", old.mul(2));
            g.output("old", g.read(a));
            g.output("part", old.slice(0, 1, 2));
        })) {
            p.run();
            assertArrayEquals(new float[] {2, 4, 6, 8}, p.floats("doubled"));
            assertArrayEquals(new float[] {1, 2, 3, 4}, p.floats("old"));
            assertArrayEquals(new float[] {3, 4}, p.floats("part"));
            expect(a, 2, 3, 4, 5);
        }
    }

    @Test
    void computeChangesNothing() {
        try (Plan p = plan(state, g -> {
            Tensor loss = g.read(a).square().sum();
            List<Tensor> next = g.apply(new Update.SgdMomentum(0.5, 0, false), List.of(g.read(a), g.read(b), g.read(a).mul(2), g.input("lr", TensorType.f32())));
            g.write(a, next.get(0));
            g.write(b, next.get(1));
            g.output("loss", loss);
        })) {
            p.feed("lr", 0.5f);
            p.compute();
            assertEquals(30, p.scalar("loss"));
            expect(a, 1, 2, 3, 4);
            expect(b, 10, 20, 30, 40);
            p.commit();
            expect(b, 7, 14, 21, 28);
            expect(a, -2.5f, -5, -7.5f, -10);
        }
    }

    @Test
    void whatFollowsFromANewValueIsComputedFromIt() {
        try (Plan p = plan(state, g -> {
            List<Tensor> next = g.apply(new Update.SgdMomentum(0, 0, false), List.of(g.read(a), g.read(b), g.read(b), g.fill(TensorType.f32(), 1)));
            g.write(a, next.get(0));
            g.write(b, g.read(b).mul(0.9).add(next.get(0).mul(0.1))); // a moving average
            g.output("new", next.get(0));
        })) {
            p.run();
            expect(a, -9, -18, -27, -36);
            assertArrayEquals(new float[] {-9, -18, -27, -36}, p.floats("new"));
            assertArrayEquals(new float[] {8.1f, 16.2f, 24.3f, 32.4f}, state.get(b), 1e-5f);
        }
    }

    @Test
    void constantsAndInputsCanBeNewValuesAndResults() {
        try (Plan p = plan(state, g -> {
            g.write(a, g.fill(a.type(), 7));
            g.write(b, g.input("x", b.type()));
            g.output("seven", g.fill(TensorType.f32(3), 7));
            g.output("x", g.input("z", TensorType.f32(2)));
        })) {
            p.feed("x", MemorySegment.ofArray(new float[] {1, 1, 2, 2}));
            p.feed("z", MemorySegment.ofArray(new float[] {5, 6}));
            p.run();
            expect(a, 7, 7, 7, 7);
            expect(b, 1, 1, 2, 2);
            assertArrayEquals(new float[] {7, 7, 7}, p.floats("seven"));
            assertArrayEquals(new float[] {5, 6}, p.floats("x"));
        }
    }

    @Test
    void inPlaceResultsDoNotDisturbLaterReaders() {
        try (Plan p = plan(state, g -> {
            Tensor x = g.input("x", TensorType.f32(2, 2)).add(1);
            Tensor relu = x.relu(); // x is needed again: no overwriting
            Tensor both = relu.mul(x);
            g.output("y", both.add(relu.transpose(1, 0)));
            g.output("x", x);
        })) {
            p.feed("x", MemorySegment.ofArray(new float[] {-3, 1, 2, 3}));
            p.run();
            assertArrayEquals(new float[] {-2, 2, 3, 4}, p.floats("x"));
            assertArrayEquals(new float[] {0, 4 + 3, 9 + 2, 16 + 4}, p.floats("y"), 0);
        }
    }

    @Test
    void memoryIsReused() {
        int n = 1 << 16;
        try (Plan p = plan(state, g -> {
            Tensor x = g.input("x", TensorType.f32(n));
            for (int i = 0; i < 40; i++) {
                x = x.exp().mul(0.1);
            }
            g.output("y", x.sum());
        })) {
            assertTrue(p.arenaBytes() < 4L * n * 4, "80 values of one size need the input and one or two more: " + p.arenaBytes());
        }
    }

    @Test
    void plansThatTakeTurnsShareTheirMemoryAndInputsButNotTheirConstants() {
        Graph large = graph(g -> {
            Tensor x = g.input("x", TensorType.f32(1000)).exp();
            g.output("y", x.mul(g.fill(TensorType.f32(), 3)).sum().add(g.input("both", TensorType.f32())));
            g.write(a, g.read(a).add(1));
        });
        Graph small = graph(g -> g.output("z", g.input("x", TensorType.f32(100)).add(g.literal(TensorType.f32(), 5)).sum().add(g.input("both", TensorType.f32()))));
        long alone;
        try (Plan p = Plan.of(large, state)) {
            alone = p.arenaBytes();
        }
        List<Plan> plans = Plan.together(List.of(small, large), state);
        try (Plan l = plans.get(1)) {
            assertEquals(alone, l.arenaBytes());
            try (Plan s = plans.get(0)) {
                for (int i = 0; i < 3; i++) {
                    s.feed("x", MemorySegment.ofArray(new float[100]));
                    s.feed("both", 0.5f);
                    s.run();
                    assertEquals(500.5f, s.scalar("z"));
                    expect(a, 1 + i, 2 + i, 3 + i, 4 + i);
                    runLarge(l);
                }
            }
            runLarge(l); // the arena is there until the last plan is closed
        }
        expect(a, 5, 6, 7, 8);
    }

    private static void runLarge(Plan p) {
        p.feed("x", MemorySegment.ofArray(new float[1000]));
        p.run();
        assertEquals(3000.5f, p.scalar("y"));
    }

    @Test
    void initialValuesDependOnSeedAndName() {
        Initializer echo = (shape, seed) -> new float[] {Float.intBitsToFloat((int) seed & 0x7fffff), 0, 0, 0};
        Variable v = new Variable(() -> "v", a.type(), Variable.Role.PARAMETER, echo);
        Variable w = new Variable(() -> "w", a.type(), Variable.Role.PARAMETER, echo);
        assertTrue(v.initialValues(1)[0] != w.initialValues(1)[0] && v.initialValues(1)[0] != v.initialValues(2)[0]);
        assertEquals(v.initialValues(1)[0], v.initialValues(1)[0]);
    }
}
