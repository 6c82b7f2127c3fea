package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.Loader;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.models.Models;
import dev.jacquard.models.Weights;
import dev.jacquard.passes.Freeze;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is frozen of weights follows them, and nobody who saves weights sees it. */
class FrozenWeightsTest extends OnCpu {
    private static final int BATCH = 25;
    private static final int SIZE = 12;
    private static final EvalStep.Settings SETTINGS = new EvalStep.Settings(BATCH, SIZE, 3, Trainer.NORMALIZATION, 0);

    private static List<Evaluation> evaluate(EvalStep step) {
        try (GeneratedImages images = new GeneratedImages(1, GeneratedImages.Split.TEST, BATCH);
                Loader loader = Loader.evaluate(images, Experiment.evalTransform(TinyRun.config(1))).batch(BATCH).open()) {
            return step.run(loader, () -> false);
        }
    }

    private static List<Evaluation> evaluateAnew(Module net, Map<Variable, Variable> averages, State state) {
        try (EvalStep step = EvalStep.of(net, SETTINGS, averages, state)) {
            return evaluate(step);
        }
    }

    @Test
    void anEvaluationAfterATrainingStepSeesTheNewWeights() {
        Module net = TinyRun.net();
        TrainStep.Settings settings = new TrainStep.Settings(BATCH, SIZE, Trainer.NORMALIZATION, 0, 5).averaging(new Averaging(0.5, Averaging.Cadence.STEP, false));
        try (State state = new State(backend); TrainStep train = TrainStep.of(net, new Optimizer(new Update.SgdMomentum(0.9, 0, false)), settings, state); Arena arena =
                Arena.ofConfined()) {
            Map<Variable, Variable> averages = new HashMap<>();
            net.variables().values().forEach(v -> averages.put(v, state.variable("ema." + v.name())));
            List<Variable> before = state.variables();
            try (EvalStep step = EvalStep.of(net, SETTINGS, averages, state)) {
                List<Evaluation> first = evaluate(step);
                assertEquals(first.get(0), first.get(1), "averages begin as copies");
                MemorySegment images = arena.allocate(BATCH * SIZE * SIZE * 3L, 64).fill((byte) 77);
                train.feed(images, arena.allocate(ValueLayout.JAVA_INT, BATCH));
                train.compute(0, 0.3);
                train.commit();
                List<Evaluation> second = evaluate(step);
                assertNotEquals(first.get(0), second.get(0));
                assertNotEquals(second.get(0), second.get(1));
                assertEquals(evaluateAnew(net, averages, state), second);
                assertEquals(second, evaluate(step));
            }
            assertEquals(before, state.variables());
        }
    }

    @Test
    void frozenValuesAreNotSaved() throws IOException {
        Path path = folder.resolve("run");
        try (TinyRun run = new TinyRun(path, backend, TinyRun.config(2).with("ema", 0.8), TinyRun.net())) {
            run.trainer.fit();
        }
        try (Stream<Path> all = Files.walk(path)) {
            List<Path> files = all.filter(f -> f.toString().endsWith(".safetensors")).toList();
            assertTrue(files.size() >= 4, files.toString());
            for (Path f : files) {
                try (SafeTensors in = SafeTensors.open(f)) {
                    assertFalse(in.names().stream().anyMatch(n -> n.startsWith(Freeze.PREFIX)), f + ": " + in.names());
                }
            }
        }
    }

    @Test
    void weightsThatAreLoadedAgainAreOtherAnswers() {
        float[] images = new float[2 * 32 * 32 * 3];
        for (int i = 0; i < images.length; i++) {
            images[i] = (i % 17 - 8) / 8f;
        }
        Path weights = folder.resolve("weights.safetensors");
        float[] first = answers(save(weights, 1), images);
        float[] second = answers(save(weights, 2), images);
        assertNotEquals(first[0], second[0]);
        assertArrayEquals(first, answers(save(weights, 1), images));
    }

    private static Path save(Path weights, long seed) {
        Module net = Models.create("resnet18", 10);
        try (State state = new State(backend).initialize(net.variables().values(), seed)) {
            Weights.save(weights, net, state, Weights.metadata("resnet18", 10, new GeneratedImages(1, GeneratedImages.Split.TEST, 10).classes()));
        }
        return weights;
    }

    /** Of two pictures at once; each by itself must be the same, with another plan that shares what is frozen. */
    private static float[] answers(Path weights, float[] images) {
        try (Predictor p = Predictor.load(null, weights, backend)) {
            float[] both = p.logits(images, 2, 32, 32);
            float[] one = p.logits(java.util.Arrays.copyOf(images, images.length / 2), 1, 32, 32);
            assertArrayEquals(java.util.Arrays.copyOf(both, 10), one, 1e-4f);
            return both;
        }
    }
}
