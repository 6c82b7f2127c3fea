package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cpu.CpuBackend;
import dev.jacquard.data.Normalization;
import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.Selection;
import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.layers.Sequential;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Pointwise.RoundTf32;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import dev.jacquard.train.TrainStep;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A whole training step with emulated TF32 is the step that tensor cores make, and not that of F32. */
class Tf32StepTest {
    private static final int BATCH = 4;
    private static final int SIZE = 16;
    private static final int CLASSES = 12;
    private static final TrainStep.Settings SETTINGS = new TrainStep.Settings(BATCH, SIZE, Normalization.IMAGENET, 0.1, 7).channels(4);
    /** Terms of the longest sums, over the first layer's pixels; backward they are sums of such sums. */
    private static final long TERMS = 16L * BATCH * SIZE * SIZE;

    private static Map<String, double[]> tensorCores;
    private static Map<String, double[]> emulated;

    @BeforeAll
    static void both() {
        try (Backend cuda = cuda(new EmulatorDriver(), Tf32.ON)) {
            tensorCores = step(cuda, false);
        }
        try (Backend cpu = new CpuBackend(2, true)) {
            emulated = step(cpu, true);
        }
    }

    @AfterAll
    static void forget() {
        tensorCores = null;
        emulated = null;
    }

    private static CudaBackend cuda(Driver driver, Tf32 tf32) {
        return new CudaBackend("emulator", driver, false, new MatrixOptions(tf32, false, Selection.BY_RULE, Autotune.OFF, Path.of("never-made")));
    }

    private static Module network() {
        return Sequential.of(new Conv2d(Conv2d.Config.of(4, 8, 3).stride(2)), new BatchNorm2d(8), Activation.RELU.module(), new Conv2d(Conv2d.Config.of(8, 16, 3).groups(2)),
                new BatchNorm2d(16), Activation.SILU.module(), new GlobalAvgPool2d(), new Linear(16, CLASSES));
    }

    /** Loss, variables and momenta, which are the gradients, after a step. */
    private static Map<String, double[]> step(Backend backend, boolean rounds) {
        Module net = network();
        Optimizer optimizer = new Optimizer(new Update.SgdMomentum(0.9, 0, false));
        Map<String, double[]> after = new LinkedHashMap<>();
        try (State state = new State(backend); TrainStep step = TrainStep.of(net, optimizer, SETTINGS, state); Arena arena = Arena.ofConfined()) {
            assertEquals(rounds, step.plan().graph().nodes().stream().anyMatch(n -> n.op() instanceof RoundTf32), "roundings in the graph");
            MemorySegment images = arena.allocate(BATCH * SIZE * SIZE * 3L, 64);
            for (long i = 0; i < images.byteSize(); i++) {
                images.set(ValueLayout.JAVA_BYTE, i, (byte) Philox.word(SETTINGS.seed(), 1, 0, i));
            }
            step.feed(images, arena.allocateFrom(ValueLayout.JAVA_INT, 0, 3, 7, 11));
            step.compute(0, 0.05);
            after.put("loss", new double[] {step.loss()});
            step.commit();
            backend.synchronize();
            for (Variable v : state.variables()) {
                float[] values = state.get(v);
                after.put(v.name(), IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray());
            }
        }
        return after;
    }

    /** Largest difference from the step on tensor cores, relative to the largest value of each variable; the mean over variables. */
    private static double distance(Map<String, double[]> step) {
        return step.entrySet().stream().mapToDouble(e -> {
            double[] want = tensorCores.get(e.getKey());
            return IntStream.range(0, want.length).mapToDouble(i -> Math.abs(e.getValue()[i] - want[i])).max().orElse(0) / largest(want);
        }).average().orElseThrow();
    }

    private static double largest(double[] values) {
        return Math.max(Arrays.stream(values).map(Math::abs).max().orElse(0), 1e-6);
    }

    private static void assertWithin(Map<String, double[]> want, Map<String, double[]> got) {
        assertEquals(want.keySet(), got.keySet());
        want.forEach((name, values) -> assertEquals(Optional.empty(),
                Comparator.difference(TensorType.f32(values.length), got.get(name), values, Tolerance.tf32(DType.F32, Accuracy.matmul(TERMS)), largest(values)), name));
    }

    @Test
    void theEmulatedStepIsTheOneOfTensorCores() {
        assertWithin(tensorCores, emulated);
    }

    /** What is left of the difference are sums in another order, and operands that these push over a tie. */
    @Test
    void theStepInF32IsFarther() {
        Map<String, double[]> f32 = stepInF32();
        assertFalse(Arrays.equals(f32.get("loss"), emulated.get("loss")));
        assertTrue(distance(emulated) * 4 < distance(f32), () -> "emulated " + distance(emulated) + ", F32 " + distance(f32));
    }

    /** A device of before TF32 computes the rounded graph with its F32 kernels. */
    @Test
    void anOlderDeviceEmulates() {
        try (CudaBackend turing = cuda(older(new EmulatorDriver()), Tf32.EMULATE)) {
            assertTrue(turing.emulatesTf32());
            Map<String, double[]> step = step(turing, true);
            assertWithin(tensorCores, step);
            assertTrue(distance(step) * 4 < distance(stepInF32()), "nearer than F32");
        }
        try (CudaBackend turing = cuda(older(new EmulatorDriver()), Tf32.ON)) {
            assertFalse(turing.emulatesTf32(), "permission alone changes nothing");
        }
        try (CudaBackend hopper = cuda(new EmulatorDriver(), Tf32.EMULATE)) {
            assertFalse(hopper.emulatesTf32(), "it has TF32");
        }
    }

    private static Map<String, double[]> stepInF32() {
        try (Backend cpu = new CpuBackend(2)) {
            return step(cpu, false);
        }
    }

    /** The same device with another compute capability. */
    private static Driver older(Driver driver) {
        DeviceInfo d = driver.device();
        DeviceInfo turing = new DeviceInfo(d.name(), 7, 5, d.multiprocessors(), d.memoryBytes(), d.sharedBytesPerBlock(), d.driverVersion());
        return (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, method, arguments) -> {
            try {
                return method.getName().equals("device") ? turing : method.invoke(driver, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }
}
