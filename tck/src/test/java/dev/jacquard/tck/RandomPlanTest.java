package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Random programs of views, pointwise ops, reductions and updates, once as a plan (values share memory, are overwritten in place, variables are written at the end) and once
 * eagerly (every value has its own memory). The results, and the variables after three steps, are the same to the bit.
 */
class RandomPlanTest {
    private static final int PROGRAMS = 400;
    private static final int STEPS = 3;

    private final Backend backend = new ReferenceBackend();

    private static List<Variable> variables() {
        List<Variable> all = new ArrayList<>();
        for (int k = 0; k < 4; k++) {
            float first = k + 1;
            String name = "v" + k;
            all.add(new Variable(() -> name, TensorType.f32(3, 3), Variable.Role.PARAMETER, (_, _) -> {
                float[] v = new float[9];
                for (int i = 0; i < 9; i++) {
                    v[i] = first + i / 10f;
                }
                return v;
            }));
        }
        return all;
    }

    /** A step's results and the new values of variables, in a context of either kind. Every tensor is (3, 3). */
    private record Program(Map<String, Tensor> outputs, Map<Variable, Tensor> updates) {
        static Program run(Context context, Tensor x, List<Variable> variables, long seed) {
            Random random = new Random(seed);
            List<Tensor> pool = new ArrayList<>(List.of(x));
            variables.forEach(v -> pool.add(context.read(v)));
            Program p = new Program(new LinkedHashMap<>(), new LinkedHashMap<>());
            for (int i = 0; i < 4 + random.nextInt(14); i++) {
                Tensor a = pool.get(random.nextInt(pool.size()));
                Tensor b = pool.get(random.nextInt(pool.size()));
                switch (random.nextInt(9)) {
                    case 0 -> pool.add(a.add(b));
                    case 1 -> pool.add(a.mul(b).mul(0.25));
                    case 2 -> pool.add(a.transpose(1, 0));
                    case 3 -> pool.add(a.slice(0, 1, 2).broadcastTo(a.shape()));
                    case 4 -> pool.add(a.sum(0).broadcastTo(a.shape()).mul(0.2));
                    case 5 -> pool.add(a.relu());
                    case 6 -> pool.add(a.transpose(1, 0).reshape(9).slice(0, 0, 9).reshape(3, 3));
                    case 7 -> pool.add(a.mulAdd(b, x).mul(0.1));
                    default -> {
                        Variable w = variables.get(random.nextInt(variables.size()));
                        Variable v = variables.get(random.nextInt(variables.size()));
                        List<Tensor> next = context.apply(new Update.SgdMomentum(0.5, 0.01, random.nextBoolean()),
                                List.of(context.read(w), context.read(v), a, context.fill(TensorType.f32(), 0.125)));
                        pool.addAll(next);
                        p.updates.put(w, next.get(0));
                        p.updates.put(v, next.get(1));
                    }
                }
            }
            for (int i = 0; i < 1 + random.nextInt(3); i++) {
                p.outputs.put("y" + i, pool.get(random.nextInt(pool.size())));
            }
            for (int i = 0; i < random.nextInt(4); i++) {
                p.updates.put(variables.get(random.nextInt(variables.size())), pool.get(random.nextInt(pool.size())));
            }
            return p;
        }
    }

    @Test
    void plansAgreeWithEagerExecution() {
        for (long seed = 0; seed < PROGRAMS; seed++) {
            agree(seed);
        }
    }

    private void agree(long seed) {
        List<Variable> variables = variables();
        float[] x = {0.5f, -1, 2, 0.25f, 1, -0.5f, 3, -2, 1.5f};
        GraphBuilder g = new GraphBuilder(true);
        Program recorded = Program.run(g, g.input("x", TensorType.f32(3, 3)), variables, seed);
        recorded.outputs().forEach(g::output);
        recorded.updates().forEach(g::write);
        try (State state = new State(backend).initialize(variables, 0); Plan plan = Plan.of(g.build(), state); Scope scope = Scope.open(backend)) {
            for (int step = 0; step < STEPS; step++) {
                Program eager = Program.run(scope, scope.tensor(x, 3, 3), variables, seed);
                Map<String, float[]> wanted = new LinkedHashMap<>();
                eager.outputs().forEach((name, t) -> wanted.put(name, ((EagerTensor) t).floats()));
                eager.updates().forEach(scope::write);
                if (plan.hasInput("x")) {
                    plan.feed("x", MemorySegment.ofArray(x));
                }
                plan.run();
                String where = "program " + seed + ", step " + step + "\n" + plan.graph().print();
                wanted.forEach((name, values) -> assertArrayEquals(values, plan.floats(name), name + " of " + where));
                variables.forEach(v -> assertArrayEquals(((EagerTensor) scope.read(v)).floats(), state.get(v), v.name() + " after " + where));
            }
        }
    }
}
