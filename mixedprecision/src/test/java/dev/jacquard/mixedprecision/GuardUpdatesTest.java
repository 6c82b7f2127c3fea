package dev.jacquard.mixedprecision;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.passes.FuseUpdates;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.LossScaling;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Whatever a graph writes stays as it was where the flag says so. */
class GuardUpdatesTest {
    private static final String FLAG = "bad";
    private static Backend backend;

    private final Variable weight = variable("weight", 3);
    private final Variable momentum = variable("momentum", 0);
    private final Variable running = variable("running", 5);
    private final Variable average = variable("average", 7);
    private final Variable other = variable("other", 11);
    private final Variable free = variable("free", 13);
    private final List<Variable> all = List.of(weight, momentum, running, average, other, free);

    @BeforeAll
    static void open() {
        backend = Backends.open("cpu", 1);
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    private static Variable variable(String name, float first) {
        return new Variable(() -> name, TensorType.f32(4), Variable.Role.SLOT, Initializer.constant(first));
    }

    /** A statistic that moves before the gradient is known, an average of what it becomes, an update, a plain write, and one that is free. */
    private Graph graph() {
        GraphBuilder b = new GraphBuilder(true);
        Tensor x = b.input("x", TensorType.f32());
        Tensor g = b.read(weight).mul(x);
        Tensor decay = b.fill(TensorType.f32(), 0.5);
        b.write(running, b.read(running).apply(new Update.Average(1), g, decay));
        b.write(average, b.read(average).apply(new Update.Average(1), b.next(running), decay));
        Tensor flag = g.apply(new LossScaling.NotFinite());
        List<Tensor> next = b.read(weight).applyAll(new Update.SgdMomentum(0.9, 0, false), b.read(momentum), g, b.fill(TensorType.f32(), 0.1));
        b.write(weight, next.get(0));
        b.write(momentum, next.get(1));
        b.write(other, b.read(other).add(next.get(0)));
        b.write(free, b.read(free).add(g));
        b.output(FLAG, flag);
        return b.build();
    }

    private List<float[]> run(Graph graph, float... xs) {
        try (State state = new State(backend).initialize(all, 1); Plan plan = Plan.of(graph, state)) {
            for (float x : xs) {
                plan.feed("x", x);
                plan.run();
            }
            return all.stream().map(state::get).toList();
        }
    }

    private Graph guarded() {
        return new GuardUpdates(FLAG, Set.of(free)).apply(graph()).verify();
    }

    @Test
    void goodStepsAreAsTheyWere() {
        List<float[]> want = run(graph(), 2, -1, 0.5f);
        List<float[]> got = run(guarded(), 2, -1, 0.5f);
        for (int i = 0; i < all.size(); i++) {
            assertArrayEquals(want.get(i), got.get(i), all.get(i).name());
        }
    }

    @Test
    void badStepsWriteWhatIsFreeOnly() {
        List<float[]> want = run(guarded(), 2, -1);
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            List<float[]> got = run(guarded(), 2, bad, -1);
            for (int i = 0; i < all.size(); i++) {
                if (all.get(i) == free) {
                    assertTrue(!Float.isFinite(got.get(i)[0]));
                } else {
                    assertArrayEquals(want.get(i), got.get(i), all.get(i).name());
                }
            }
        }
    }

    /** Without the pass the test above would see it. */
    @Test
    void withoutTheGuardABadStepSpoilsAll() {
        run(graph(), 2, Float.NaN).forEach(v -> assertTrue(Float.isNaN(v[0])));
    }

    @Test
    void rulesGetAFlagAndTheRestAChoice() {
        Graph g = guarded();
        List<Update.Rule> rules = new ArrayList<>();
        g.nodes().forEach(n -> {
            if (n.op() instanceof Update.Rule r) {
                rules.add(r);
            }
        });
        assertEquals(3, rules.size());
        rules.forEach(r -> assertTrue(r instanceof Update.ExtendedUpdate e && e.skip() && !e.average(), r.toString()));
        assertEquals(1, g.nodes().stream().filter(n -> n.op() instanceof Pointwise.Select).count(), g.print());
        assertEquals("guard.other", g.updates().get(other).node().label());
    }

    /** A network's updates are one launch still. */
    @Test
    void guardedUpdatesFuse() {
        GraphBuilder b = new GraphBuilder(true);
        Tensor lr = b.input("x", TensorType.f32());
        List<Tensor> gradients = new ArrayList<>();
        for (Variable v : all) {
            gradients.add(b.read(v).mul(2));
            b.write(v, b.read(v).apply(new Update.Sgd(0), gradients.getLast(), lr));
        }
        b.output(FLAG, b.apply(new LossScaling.NotFinite(), gradients).getFirst());
        Graph fused = new FuseUpdates(backend).apply(new GuardUpdates(FLAG, Set.of()).apply(b.build())).verify();
        assertEquals(1, fused.nodes().stream().filter(n -> n.op() instanceof Update).count(), fused.print());
        assertTrue(fused.nodes().stream().anyMatch(n -> n.op() instanceof Update.FusedUpdate f && f.rule() instanceof Update.ExtendedUpdate e && e.skip()), fused.print());
    }

    @Test
    void aRuleThatWritesSomethingElseIsNoUpdateOfIt() {
        GraphBuilder b = new GraphBuilder(true);
        Tensor g = b.input("x", TensorType.f32()).mul(b.read(weight));
        b.write(other, b.read(weight).apply(new Update.Sgd(0), g, b.fill(TensorType.f32(), 1)));
        b.output(FLAG, g.apply(new LossScaling.NotFinite()));
        Graph guarded = new GuardUpdates(FLAG, Set.of()).apply(b.build());
        assertArrayEquals(new float[] {11, 11, 11, 11}, run(guarded, Float.NaN).get(all.indexOf(other)), "the old value of what is written, not of what was read");
        assertArrayEquals(new float[] {-3, -3, -3, -3}, run(guarded, 2).get(all.indexOf(other)));
    }

    @Test
    void aFlagThatIsMissingOrDependsOnAnUpdateIsABug() {
        assertThrows(EngineBugException.class, () -> new GuardUpdates("no such output", Set.of()).apply(graph()));
        GraphBuilder b = new GraphBuilder(true);
        Tensor next = b.read(weight).apply(new Update.Sgd(0), b.read(other), b.input("x", TensorType.f32()));
        b.write(weight, next);
        b.output(FLAG, next.apply(new LossScaling.NotFinite()));
        Graph g = b.build();
        assertThrows(EngineBugException.class, () -> new GuardUpdates(FLAG, Set.of()).apply(g));
    }

    @Test
    void formsAreWhatTheSystemsHave() {
        assertEquals(new LossScale(65536, 2, 2000, 0.5, 1, 0), LossScale.pytorch());
        assertEquals(new LossScale(32768, 2, 2000, 0.5, 1, 1), LossScale.keras());
        assertEquals(new LossScale(32768, 2, 1000, 0.8, 2, 1), LossScale.paddle());
        LossScaler scaler = new LossScaler(LossScale.paddle(), _ -> null);
        assertEquals(List.of("loss_scale", "loss_scale.streak", "loss_scale.skipped"), scaler.variables().stream().map(Variable::name).toList());
        scaler.variables().forEach(v -> assertEquals(Variable.Role.SLOT, v.role(), "in checkpoints"));
        assertEquals(List.of(DType.F32, DType.I32, DType.I32), scaler.variables().stream().map(v -> v.type().dtype()).toList());
        LossScaler again = new LossScaler(LossScale.paddle(), n -> scaler.variables().stream().filter(v -> v.name().equals(n)).findFirst().orElse(null));
        assertEquals(scaler.variables(), again.variables(), "a later plan goes on with what is there");
    }
}
