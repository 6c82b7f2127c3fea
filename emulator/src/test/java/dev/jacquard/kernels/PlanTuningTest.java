package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole plans whose products are measured when they are planned: on the emulator, whose times mean nothing but are times. */
class PlanTuningTest {
    private static final TensorType X = TensorType.of(DType.F16, 40, 24);
    private static final TensorType W = TensorType.of(DType.F16, 24, 16);
    private static final TensorType Y = TensorType.of(DType.F16, 40, 16);

    @TempDir
    Path folder;

    private final Variable weight = new Variable(() -> "w", W, Variable.Role.PARAMETER, Initializer.constant(0.5f));
    private final Variable result = new Variable(() -> "y", Y, Variable.Role.SLOT, Initializer.constant(7));

    /** The product goes straight into a variable's memory. */
    private Graph graph() {
        GraphBuilder b = new GraphBuilder(false);
        b.write(result, b.input("x", X).matmul(b.read(weight)));
        return b.build();
    }

    private static float[] all(TensorType type, float value) {
        float[] values = new float[(int) type.shape().size()];
        java.util.Arrays.fill(values, value);
        return values;
    }

    private void planAndRun(Autotune how) {
        MatrixOptions options = new MatrixOptions(Tf32.OFF, false, Selection.BY_RULE, how, folder);
        try (CudaBackend emulator = new CudaBackend("emulator", new EmulatorDriver(), false, options); State state = new State(emulator).initialize(List.of(weight, result), 1);
                Plan plan = Plan.of(graph(), state); Arena arena = Arena.ofConfined()) {
            assertArrayEquals(all(Y, 7), state.get(result), "planning left something in a variable");
            assertArrayEquals(all(W, 0.5f), state.get(weight));
            MemorySegment x = arena.allocate(X.bytes(), 16);
            for (int i = 0; i < X.shape().size(); i++) {
                Elements.set(x, X.dtype(), i, 0.25);
            }
            plan.feed("x", x);
            for (int step = 0; step < 3; step++) { // one by one, recorded, replayed
                plan.run();
                assertArrayEquals(all(Y, 24 * 0.125f), state.get(result));
            }
        }
    }

    @Test
    void productsAreMeasuredWhereTheyWillRunAndTheFileKnowsThem() throws IOException {
        planAndRun(Autotune.ON);
        List<Path> files;
        try (var all = Files.list(folder)) {
            files = all.filter(f -> f.toString().endsWith(".txt")).toList();
        }
        List<String> lines = Files.readAllLines(files.getFirst());
        assertEquals(3, lines.size(), lines.toString());
        assertTrue(lines.getLast().startsWith("MatMul[transposeA=false, transposeB=false] f16(40, 24) f16(24, 16)\t"), lines.toString());
        planAndRun(Autotune.ON);
        planAndRun(Autotune.FILE);
        assertEquals(lines, Files.readAllLines(files.getFirst()));
    }

    @Test
    void aChoiceThatSomebodyWroteIsTaken() throws IOException {
        planAndRun(Autotune.ON);
        Path file;
        try (var all = Files.list(folder)) {
            file = all.filter(f -> f.toString().endsWith(".txt")).findFirst().orElseThrow();
        }
        for (String name : names()) {
            Files.writeString(file, Files.readString(file).replaceAll("\t[^\t]+\t", "\t" + name + "\t"));
            MatrixOptions options = new MatrixOptions(Tf32.OFF, false, Selection.BY_RULE, Autotune.FILE, folder);
            try (CudaBackend emulator = new CudaBackend("emulator", new EmulatorDriver(), false, options); State state = new State(emulator).reserve(List.of(weight, result));
                    Plan plan = Plan.of(graph(), state); PlanTimer timer = new PlanTimer(emulator)) {
                Plan.Step step = plan.steps().getFirst();
                assertEquals(name, timer.taken(step.op(), step.inputs()).orElseThrow());
            }
        }
    }

    /** Names of all candidates. */
    private List<String> names() {
        List<String> names = new ArrayList<>();
        MatrixOptions options = new MatrixOptions(false, false, (_, _, all) -> {
            names.addAll(all);
            return 0;
        });
        try (CudaBackend emulator = new CudaBackend("emulator", new EmulatorDriver(), false, options)) {
            Plan.bytes(List.of(graph()), emulator);
        }
        assertTrue(names.size() > 1, names.toString());
        return names;
    }
}
