package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.MatMul;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is chosen, by a clock that the test sets; what measuring leaves behind, which is nothing; what becomes of candidates that fail or lie. */
class ChoicesTest {
    private static final MatMul OP = new MatMul(false, false);
    private static final TensorType A = TensorType.f32(5, 7);
    private static final TensorType B = TensorType.f32(7, 3);
    private static final TensorType Y = TensorType.f32(5, 3);

    @TempDir
    Path folder;

    private ScriptedDriver script;
    private Device device;

    @AfterEach
    void close() {
        if (device != null) {
            script.full = false;
            device.close();
        }
    }

    /** A kernel whose candidates the test lists. */
    private static ChoosingKernel<MatMul> kernel(Candidate... all) {
        return new ChoosingKernel<>() {
            @Override
            public List<Candidate> candidates(MatMul op, List<TensorType> in, Target target) {
                return List.of(all);
            }
        };
    }

    private static CudaLaunch product(Call call) {
        return new Product(5, 3, 7, false, false).candidates(DType.F32, new Target(call.device().driver().device(), false), 0, 1).getLast().bind(call);
    }

    /** Right, and takes so many times as long as it must. */
    private static Candidate right(String name, int times) {
        return Candidate.of(name, 256L * times, call -> CudaLaunch.of(call.device(), Stream.generate(() -> product(call)).limit(times).toArray(CudaLaunch[]::new)));
    }

    private static Candidate filled(String name, int value, boolean own) {
        Function<Call, CudaLaunch> bind = call -> call.fill(call.out(0), Y.bytes(), value);
        return own ? Candidate.of(name, 0, bind) : Candidate.ofLibrary(name, 0, bind);
    }

    /** A device that knows what earlier ones have written. */
    private void open(Autotune how) {
        open(how, false);
    }

    private void open(Autotune how, boolean tf32) {
        script = new ScriptedDriver();
        device = new Device("emulator", script.driver(), false, new MatrixOptions(tf32 ? Tf32.ON : Tf32.OFF, false, Selection.BY_RULE, how, folder));
    }

    /** Plans and runs the product. @return what it computed, and what was in its operands' memory before that */
    private List<float[]> run(ChoosingKernel<MatMul> kernel) {
        List<Buffer> memory = new ArrayList<>();
        try {
            List<View> views = new ArrayList<>();
            for (TensorType t : List.of(A, B, Y)) {
                memory.add(new CudaBuffer(device, device.allocate(t.bytes(), "operand"), t.bytes(), true));
                views.add(View.of(memory.getLast(), t));
                float[] values = new float[(int) t.shape().size()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = i % 5 - 2;
                }
                memory.getLast().upload(0, MemorySegment.ofArray(values));
            }
            long scratch = kernel.workspace(OP, List.of(A, B), device);
            memory.add(new CudaBuffer(device, device.allocate(scratch, "scratch"), scratch, true));
            CudaLaunch launch = kernel.bind(OP, new Call(device, views.subList(0, 2), views.subList(2, 3), CudaBuffer.of(memory.getLast()).address()));
            List<float[]> all = new ArrayList<>();
            for (View v : views) {
                all.add(floats(v));
            }
            launch.run();
            all.add(floats(views.getLast()));
            return all;
        } finally {
            memory.forEach(Buffer::close);
        }
    }

    private static float[] floats(View v) {
        float[] values = new float[(int) v.shape().size()];
        MemorySegment host = java.lang.foreign.Arena.ofAuto().allocate(v.type().bytes(), 16);
        v.buffer().download(0, host);
        MemorySegment.copy(host, ValueLayout.JAVA_FLOAT, 0, values, 0, values.length);
        return values;
    }

    private static float[] expected() {
        float[] y = new float[15];
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 3; j++) {
                for (int k = 0; k < 7; k++) {
                    y[3 * i + j] += ((7 * i + k) % 5 - 2) * ((3 * k + j) % 5 - 2);
                }
            }
        }
        return y;
    }

    private String taken() {
        return device.choices().taken(OP, List.of(A, B)).orElse("none");
    }

    @Test
    void theFastestOfThoseThatAreRightIsTakenAndMemoryIsAsItWas() {
        open(Autotune.ON);
        List<float[]> seen = run(kernel(right("slow", 3), filled("zeros", 0, true), filled("refused", ScriptedDriver.REFUSED, true), right("fast", 1), right("middle", 2),
                Candidate.of("unbound", 0, _ -> {
                    throw new EngineBugException("engine", "is missing", "no such engine", "one", "report this");
                })));
        assertEquals("fast", taken());
        for (int i = 0; i < 3; i++) {
            float[] before = seen.get(i);
            for (int j = 0; j < before.length; j++) {
                assertEquals(j % 5 - 2, before[j], "operand " + i + " at " + j);
            }
        }
        assertArrayEquals(expected(), seen.get(3));
    }

    @Test
    void whereTheDeviceIsFullOperandsArePutAsideOnTheHost() {
        open(Autotune.ON);
        Candidate fills = Candidate.of("slow", 0, call -> {
            script.full = false; // memory was full while operands were put aside
            return CudaLaunch.of(call.device(), product(call), product(call));
        });
        ChoosingKernel<MatMul> kernel = kernel(fills, right("fast", 1));
        ChoosingKernel<MatMul> full = new ChoosingKernel<>() {
            @Override
            public List<Candidate> candidates(MatMul op, List<TensorType> in, Target target) {
                return kernel.candidates(op, in, target);
            }

            @Override
            public CudaLaunch bind(MatMul op, Call call) {
                script.full = true;
                return kernel.bind(op, call);
            }
        };
        assertArrayEquals(new float[] {-2, -1, 0}, Arrays.copyOf(run(full).getFirst(), 3));
        assertFalse(script.full);
        assertEquals("fast", taken());
    }

    /** Uploads from 256 KiB on go by way of memory of the device, which it has none of: what was put aside comes back all the same. */
    @Test
    void whereTheDeviceIsFullLargeOperandsComeBackToo() {
        open(Autotune.OFF);
        TensorType t = TensorType.f32(300, 300);
        try (Buffer memory = new CudaBuffer(device, device.allocate(t.bytes(), "operand"), t.bytes(), true)) {
            View v = View.of(memory, t);
            float[] values = new float[(int) t.shape().size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = i;
            }
            device.upload(Call.address(v), MemorySegment.ofArray(Arrays.copyOf(values, 100))); // small: no memory of the device is kept
            script.full = true;
            device.upload(Call.address(v), MemorySegment.ofArray(values));
            try (TrialMemory trial = new TrialMemory(device, new Call(device, List.of(v), List.of(v), 0))) {
                trial.prepare();
                assertFalse(Arrays.equals(values, floats(v)));
            }
            assertArrayEquals(values, floats(v));
        }
    }

    @Test
    void aLibraryIsMeasuredByOurKernelEvenIfItIsBestByRule() {
        open(Autotune.ON);
        assertArrayEquals(expected(), run(kernel(filled("library", 1, false), right("ours", 2))).get(3));
        assertEquals("ours", taken());
    }

    @Test
    void aLibraryWhoseBindingFailsInAnUnforeseenWayIsNotUsed() {
        open(Autotune.ON);
        Function<Call, CudaLaunch> fails = _ -> {
            throw new IllegalArgumentException("f64");
        };
        assertArrayEquals(expected(), run(kernel(right("ours", 1), Candidate.ofLibrary("library", 0, fails))).get(3));
        assertEquals("ours", taken());
        ChoosingKernel<MatMul> ofOurs = kernel(right("first", 1), Candidate.of("second", 0, fails));
        device.close();
        open(Autotune.ON); // "ours" is remembered, and is no candidate here
        assertThrows(IllegalArgumentException.class, () -> run(ofOurs), "a fault of ours is seen");
    }

    @Test
    void whatWasMeasuredIsRememberedAndNotMeasuredAgain() throws IOException {
        ChoosingKernel<MatMul> kernel = kernel(right("slow", 3), right("fast", 1));
        open(Autotune.FILE);
        run(kernel);
        assertEquals("slow", taken(), "by rule, where nothing is known");
        assertEquals(3, script.launches, "nothing is measured");
        device.close();
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(0, files.count(), "nothing is written");
        }
        open(Autotune.ON);
        run(kernel);
        assertEquals("fast", taken());
        device.close();
        for (Autotune how : List.of(Autotune.ON, Autotune.FILE)) {
            open(how);
            assertEquals(256, kernel.workspace(OP, List.of(A, B), device), "scratch of the one that is known");
            run(kernel);
            assertEquals("fast", taken());
            assertEquals(1, script.launches, "measured again with " + how);
            device.close();
        }
        device = null;
    }

    @Test
    void otherConditionsHaveAnotherFile() throws IOException {
        ChoosingKernel<MatMul> kernel = kernel(right("slow", 3), right("fast", 1));
        for (boolean tf32 : new boolean[] {false, true}) {
            open(Autotune.ON, tf32);
            run(kernel);
            device.close();
        }
        device = null;
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(2, files.filter(f -> f.toString().endsWith(".txt")).count());
        }
    }

    @Test
    void aRememberedCandidateThatIsGoneIsMeasuredAnew() {
        open(Autotune.ON);
        run(kernel(right("slow", 3), right("fast", 1)));
        device.close();
        open(Autotune.ON);
        run(kernel(right("slow", 3), right("other", 2)));
        assertEquals("other", taken());
    }

    @Test
    void aRememberedLibraryThatFailsGivesWayToAKernelOfOurs() {
        open(Autotune.ON);
        run(kernel(right("large", 3), Candidate.ofLibrary("library", 512, ChoicesTest::product)));
        assertEquals("library", taken());
        device.close();
        open(Autotune.FILE);
        Candidate refuses = Candidate.ofLibrary("library", 512, _ -> {
            throw new DriverException(DriverException.Kind.LIBRARY, "not today");
        });
        assertArrayEquals(expected(), run(kernel(right("large", 3), right("small", 2), refuses)).get(3));
        assertEquals("small", taken(), "the first that needs no more scratch than was laid out");
        device.close();
        open(Autotune.FILE);
        assertThrows(DriverException.class, () -> run(kernel(right("large", 3), refuses)), "none of ours has enough scratch");
    }

    @Test
    void scratchIsThatOfTheLargestWithinReason() {
        open(Autotune.ON);
        ChoosingKernel<MatMul> kernel = kernel(right("slow", 3), right("fast", 1), Candidate.of("huge", Choices.MOST_WORKSPACE + 1, ChoicesTest::product));
        assertEquals(3 * 256, kernel.workspace(OP, List.of(A, B), device));
        assertEquals(Optional.empty(), device.choices().taken(OP, List.of(A, B)));
        run(kernel);
        assertEquals(256, kernel.workspace(OP, List.of(A, B), device));
    }

    @Test
    void ifNothingWorksTheErrorNamesTheCandidates() {
        open(Autotune.ON);
        EngineBugException e = assertThrows(EngineBugException.class, () ->
                run(kernel(filled("first", ScriptedDriver.REFUSED, true), filled("second", ScriptedDriver.REFUSED, true))));
        assertTrue(e.getMessage().contains("first: it failed") && e.getMessage().contains("second: it failed"), e.getMessage());
    }

    @Test
    void aLostDeviceIsNoReasonToGoOn() {
        open(Autotune.ON);
        EngineBugException e = assertThrows(EngineBugException.class, () -> run(kernel(filled("fatal", ScriptedDriver.FATAL, true), right("fast", 1))));
        assertTrue(e.getMessage().contains("context is lost"), e.getMessage());
    }

    @Test
    void aDeviceMayBeClosedTwice() {
        open(Autotune.ON);
        run(kernel(right("slow", 3), right("fast", 1)));
        device.close();
        device.close();
    }

    @Test
    void offIsByRule() {
        open(Autotune.OFF);
        assertArrayEquals(expected(), run(kernel(right("slow", 3), right("fast", 1))).get(3));
        assertEquals("slow", taken());
        assertEquals(3, script.launches);
    }

    @Test
    void threadsAreChecked() {
        assertThrows(CallerException.class, () -> dev.jacquard.tensor.backend.BackendOptions.DEFAULT.threads(-1));
    }
}
