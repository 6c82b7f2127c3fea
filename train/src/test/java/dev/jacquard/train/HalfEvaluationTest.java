package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.layers.Module;
import dev.jacquard.mixedprecision.Autocast;
import dev.jacquard.mixedprecision.CastReport;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.models.Models;
import dev.jacquard.models.Weights;
import dev.jacquard.passes.Freeze;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.State;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Networks that answer in half precision. */
class HalfEvaluationTest extends OnCpu {
    private static final int SIZE = 32;

    private static MixedPrecision in(DType type, String... keep) {
        return new MixedPrecision(type, List.of(keep), null);
    }

    private float[] logits(Path weights, MixedPrecision precision) {
        float[] images = new float[2 * SIZE * SIZE * 3];
        for (int i = 0; i < images.length; i++) {
            images[i] = (i % 17 - 8) / 8f;
        }
        try (Predictor p = Predictor.load(null, weights, false, precision, backend)) {
            return p.logits(images, 2, SIZE, SIZE);
        }
    }

    private Path weights() {
        Path weights = folder.resolve("weights.safetensors");
        Module net = Models.create("resnet18", 10);
        try (State state = new State(backend).initialize(net.variables().values(), 1)) {
            Weights.save(weights, net, state, Map.of("arch", "resnet18", "num_classes", "10"));
        }
        return weights;
    }

    @ParameterizedTest
    @CsvSource({"F16, 0.01", "BF16, 0.08"})
    void logitsAreNearThoseInF32(DType type, float bound) {
        Path weights = weights();
        float[] want = logits(weights, null);
        float[] got = logits(weights, in(type));
        float largest = 0;
        for (float v : want) {
            largest = Math.max(largest, Math.abs(v));
        }
        assertArrayEquals(want, got, bound * largest);
        assertNotEquals(want[0], got[0], "not in half precision");
        assertThrows(CallerException.class, () -> logits(weights, in(type, "layer9")));
    }

    @Test
    void weightsAreFrozenInHalfPrecision() {
        Module net = Models.create("resnet18", 10);
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", net.apply(b.input("images", TensorType.f32(1, SIZE, SIZE, 3))));
        Graph half = new Autocast(DType.F16, List.of("fc")).apply(b.build());
        Freeze.Frozen frozen = Freeze.of(half, backend);
        long weights = net.parameters().stream().filter(v -> v.type().shape().rank() == 4).count();
        assertEquals(weights, frozen.variables().stream().filter(v -> v.type().dtype() == DType.F16 && v.type().shape().rank() == 4).count());
        List<Variable> read = frozen.serving().variables();
        assertTrue(read.stream().noneMatch(v -> v.type().dtype() == DType.F32 && v.type().shape().rank() == 4), "a step reads F32 weights: " + read);
        // F32 of the CPU's scales and shifts, which it expands; no weight is cast at every step
        assertTrue(CastReport.of(frozen.serving()).casts().stream().noneMatch(c -> c.what().endsWith("weight")), CastReport.of(frozen.serving()).toString());
    }
}
