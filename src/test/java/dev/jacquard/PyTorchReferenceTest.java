package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.jacquard.autograd.Gradients;
import dev.jacquard.layers.Losses;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * ResNets with weights by a stated formula against what PyTorch 1.13 computed for them: logits, every parameter's gradient, twenty losses.
 * {@code src/test/scripts/make_resnet_reference.py} made the values; its README has the commands, and how far PyTorch in F32 is from PyTorch in F64.
 */
class PyTorchReferenceTest {
    private static Backend cpu;

    @BeforeAll
    static void open() {
        cpu = Backends.open("cpu", 0);
    }

    @AfterAll
    static void close() {
        cpu.close();
    }

    private static State formulaWeights(Module module) {
        State state = new State(cpu).initialize(module.variables().values(), 0);
        for (Variable v : state.variables()) {
            Shape s = v.type().shape();
            if (s.rank() == 4) {
                state.set(v, toKrsc(HashFormula.parameter(v.name(), s.dim(0), s.dim(3), s.dim(1), s.dim(2)), s));
            } else {
                state.set(v, HashFormula.parameter(v.name(), s.dims()));
            }
        }
        return state;
    }

    /** PyTorch's (K, C, R, S) to the engine's (K, R, S, C). */
    private static float[] toKrsc(float[] oihw, Shape krsc) {
        float[] v = new float[oihw.length];
        for (int i = 0; i < v.length; i++) {
            v[i] = oihw[ReferenceValues.toOihw(i, krsc)];
        }
        return v;
    }

    @Test
    void formulaIsThePythonOne() throws IOException {
        for (var w : ReferenceValues.json("hash_formula.json").getAsJsonArray("words")) {
            JsonObject word = w.getAsJsonObject();
            long seed = HashFormula.seed(word.get("name").getAsString());
            assertEquals(word.get("seed").getAsString(), String.format("%016x", seed));
            assertEquals(word.get("u").getAsDouble(), HashFormula.u(seed, word.get("index").getAsLong()));
        }
        int[] labels = HashFormula.labels(0, 8, 1000);
        JsonArray expected = ReferenceValues.json("hash_formula.json").getAsJsonArray("inputs").get(0).getAsJsonObject().getAsJsonArray("labels");
        assertArrayEquals(expected.asList().stream().mapToInt(e -> e.getAsInt()).toArray(), labels);
    }

    @Test
    void logits() throws IOException {
        logits("resnet50", 4, 64, "resnet50_eval_64_f64.npy");
        logits("resnet50", 2, 224, "resnet50_eval_224_f64.npy");
        logits("resnet18", 2, 64, "resnet18_eval_64_f64.npy");
    }

    private static void logits(String arch, int n, int size, String file) throws IOException {
        Module net = Models.create(arch, 1000);
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", net.apply(b.input("x", TensorType.f32(n, size, size, 3))));
        float[] got;
        try (State state = formulaWeights(net); Plan plan = Plan.of(b.build(), state)) {
            plan.feed("x", MemorySegment.ofArray(HashFormula.images(0, n, size)));
            plan.run();
            got = plan.floats("logits");
        }
        double difference = ReferenceValues.difference(got, ReferenceValues.floats(file));
        System.out.printf("%s at %d: logits differ by %.2e of the largest%n", arch, size, difference);
        // The issue asks for 1e-4. The images' logits differ little from one another, so that a swap would need 1e-5 to be seen.
        assertTrue(difference <= 1e-5, arch + " logits are off by " + difference);
    }

    /** One training step as a graph. */
    private record Step(Module net, Optimizer sgd, State state, Plan plan) implements AutoCloseable {
        static Step of(double decay, boolean gradients) {
            Module net = Models.create("resnet50", 1000);
            Optimizer sgd = new Optimizer(new Update.SgdMomentum(0.9, decay, false));
            GraphBuilder b = new GraphBuilder(true);
            Tensor x = b.input("x", TensorType.f32(8, 64, 64, 3));
            Tensor labels = b.input("labels", TensorType.of(DType.I32, 8));
            Tensor loss = Losses.crossEntropy(net.apply(x), labels, 0.1);
            List<Variable> parameters = net.parameters();
            List<Tensor> g = Gradients.of(loss, parameters.stream().map(b::read).toList());
            sgd.update(b, parameters, g, b.input("lr", TensorType.f32()));
            b.output("loss", loss);
            for (int i = 0; gradients && i < g.size(); i++) {
                b.output(parameters.get(i).name(), g.get(i));
            }
            State state = formulaWeights(net).initialize(sgd.slots(), 0);
            return new Step(net, sgd, state, Plan.of(b.build(), state));
        }

        float run(int batch) {
            plan.feed("x", MemorySegment.ofArray(HashFormula.images(batch, 8, 64)));
            plan.feed("labels", MemorySegment.ofArray(HashFormula.labels(batch, 8, 1000)));
            plan.feed("lr", 0.001f);
            plan.run();
            return plan.scalar("loss");
        }

        @Override
        public void close() {
            plan.close();
            state.close();
        }
    }

    @Test
    void gradientsOfEveryParameter() throws IOException {
        JsonObject reference = ReferenceValues.json("resnet50_gradients.json");
        try (Step step = Step.of(0, true)) {
            assertEquals(reference.get("loss_f64").getAsDouble(), step.run(0), 1e-5);
            double worst = 0;
            int checked = 0;
            for (var e : reference.getAsJsonArray("gradients")) {
                JsonObject g = e.getAsJsonObject();
                String name = g.get("name").getAsString();
                worst = Math.max(worst, compare(g, step.plan().floats(name), step.state().variable(name).type().shape(), name));
                checked++;
            }
            assertEquals(161, checked);
            System.out.printf("gradients of 161 parameters differ by %.2e at most%n", worst);
            for (var e : reference.getAsJsonArray("running_statistics")) {
                JsonObject s = e.getAsJsonObject();
                String name = s.get("name").getAsString();
                Variable v = step.state().variable(name);
                compare(s, step.state().get(v), v.type().shape(), name);
            }
        }
    }

    private static double compare(JsonObject summary, float[] engine, Shape shape, String name) {
        JsonObject want = summary.getAsJsonObject("f64");
        double difference = ReferenceValues.difference(want, summary.getAsJsonArray("index"), want.get("norm").getAsDouble(), engine, shape, name);
        assertTrue(difference <= 1e-4, name + " differs by " + difference);
        return difference;
    }

    @Test
    void lossesOfTwentySteps() throws IOException {
        double worst = 0;
        try (Step step = Step.of(1e-4, false)) {
            for (var e : ReferenceValues.json("resnet50_training.json").getAsJsonArray("steps")) {
                JsonObject s = e.getAsJsonObject();
                double want = s.get("loss_f64").getAsDouble();
                double got = step.run(s.get("batch").getAsInt());
                worst = Math.max(worst, Math.abs(got - want) / want);
                assertTrue(Math.abs(got - want) <= 1e-3 * want, "step " + s.get("step") + ": got " + got + ", want " + want);
            }
        }
        System.out.printf("20 losses differ by %.2e at most%n", worst);
    }
}
