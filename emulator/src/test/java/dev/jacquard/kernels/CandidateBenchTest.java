package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CandidateBench.Outcome;
import dev.jacquard.kernels.CandidateBench.Timing;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.OutOfMemoryException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Cost;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Our kernels beside engines of a library that are fast, slow, wrong or refuse, by a clock of which each kernel takes a millisecond. */
class CandidateBenchTest {
    private static final int ROUNDS = 3;
    private static final long COPY_BYTES = 1 << 20;
    private static final Sample PRODUCT = Sample.of(new MatMul(false, true), Operand.of(5, 7), Operand.of(3, 7));

    private final ScriptedDriver script = new ScriptedDriver();
    private final FakeLibrary library = new FakeLibrary(script.driver());
    private CudaBackend backend;
    private CandidateBench bench;

    @BeforeEach
    void open() {
        script.libraries = library;
        backend = new CudaBackend("emulator", script.driver(), false);
        bench = new CandidateBench(backend, new CandidateBench.Settings(ROUNDS, COPY_BYTES));
    }

    @AfterEach
    void close() {
        script.full = false;
        bench.close();
        backend.close();
    }

    private static Timing named(Outcome o, String name) {
        return o.timings().stream().filter(t -> t.candidate().equals(name)).findFirst().orElseThrow(() -> new AssertionError(name + " in " + o));
    }

    @Test
    void allAreTimedAndTheWrongAreSaidToBe() {
        library.engines.addAll(List.of("short", "slow", "refuses", "fast", "huge"));
        Outcome o = bench.measure(PRODUCT, Arithmetic.F32);
        assertEquals(List.of("fast", "simt", "slow"), o.timings().stream().filter(Timing::fit).map(Timing::candidate).toList(), "the fastest first");
        assertEquals(new Timing("fast", false, 750, ROUNDS, ""), named(o, "fast"));
        assertEquals(new Timing("simt", true, 1000, ROUNDS, ""), named(o, "simt"));
        assertEquals(new Timing("slow", false, 2250, 0, ""), named(o, "slow"), "it has a time, if a rough one");
        assertTrue(named(o, "short").problem().startsWith("its results are wrong: got ") && Double.isNaN(named(o, "short").us()), o.toString());
        assertTrue(named(o, "refuses").problem().contains("gemm: NOT_SUPPORTED (15)"), o.toString());
        assertTrue(named(o, "huge").problem().contains("268435457 bytes of scratch"), o.toString());
        assertEquals(6, o.timings().size());
        assertEquals(PRODUCT.op().cost(PRODUCT.types(), List.of(TensorType.f32(5, 3))), o.cost());
        assertEquals("fast", o.best(false, "").orElseThrow().candidate());
        assertEquals("simt", o.best(true, "si").orElseThrow().candidate());
        assertTrue(o.best(true, "mma").isEmpty());
    }

    @Test
    void theFastTakeTurns() {
        library.engines.addAll(List.of("fast", "slow"));
        bench.measure(PRODUCT, Arithmetic.F32);
        List<Double> last = script.replayed.subList(script.replayed.size() - 2 * ROUNDS, script.replayed.size());
        assertEquals(List.of(1.0, 0.75, 1.0, 0.75, 1.0, 0.75), last);
    }

    @Test
    void tf32IsAnotherArithmeticOnOneBackend() {
        Sample s = MatrixSamples.product(Arithmetic.TF32, 16, 16, 16);
        assertTrue(bench.measure(s, Arithmetic.TF32).timings().stream().anyMatch(t -> t.candidate().startsWith("mma ")));
        assertFalse(bench.measure(s, Arithmetic.F32).timings().stream().anyMatch(t -> t.candidate().startsWith("mma ")));
    }

    @ParameterizedTest
    @EnumSource
    void everyArithmeticHasAProductThatAllAgreeOn(Arithmetic a) {
        Sample s = MatrixSamples.product(a, 32, 64, 64);
        assertEquals(a.dtype(), s.types().getFirst().dtype());
        allFit(bench.measure(s, a));
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "I8"})
    void sparseProductsHaveTheirMetadata(Arithmetic a) {
        Outcome o = bench.measure(MatrixSamples.sparse(a, 16, 64, 32), a);
        allFit(o);
        assertTrue(o.best(true, "mma.sp").isPresent(), o.toString());
    }

    @Test
    void aConvolutionHasThreePasses() {
        List<Sample> passes = MatrixSamples.passes(Arithmetic.F16, new Conv2d(Window.of(2, 1), 1), TensorType.f32(1, 4, 4, 8), TensorType.f32(8, 3, 3, 8));
        assertEquals(List.of("conv2d", "conv2d_backward_data", "conv2d_backward_weight"), passes.stream().map(s -> s.op().name()).toList());
        passes.forEach(s -> allFit(bench.measure(s, Arithmetic.F16)));
    }

    private static void allFit(Outcome o) {
        assertFalse(o.timings().isEmpty());
        assertTrue(o.timings().stream().allMatch(t -> t.fit() && t.us() > 0), o.toString());
    }

    @Test
    void anOpWithoutCandidatesHasNoTimes() {
        assertEquals(List.of(), bench.measure(Sample.of(new Movement.Copy(), Operand.of(3)), Arithmetic.F32).timings());
    }

    @Test
    void theRooflineIsTheLongerOfBytesAndOperations() {
        assertEquals(2 * COPY_BYTES / (1000 * ScriptedDriver.COPY) / 1e3, bench.copyBandwidth(), 1e-2);
        DeviceRates rates = new DeviceRates(1000, Map.of(Arithmetic.F16, 100.0));
        assertEquals(2, rates.floor(new Cost(2_000_000, 1_000_000), Arithmetic.F16), 1e-9);
        assertEquals(3, rates.floor(new Cost(2_000_000, 300_000_000), Arithmetic.F16), 1e-9);
        assertTrue(Double.isNaN(rates.floor(new Cost(2_000_000, 1), Arithmetic.BF16)));
    }

    @Test
    void aLostDeviceEndsIt() {
        library.engines.addAll(List.of("dies", "fast"));
        JacquardException e = assertThrows(JacquardException.class, () -> bench.measure(PRODUCT, Arithmetic.F32));
        assertTrue(e.getCause() instanceof DriverException d && d.kind().sticky(), e.getMessage());
    }

    @Test
    void aFullDeviceIsTheCallersToHear() {
        script.full = true;
        JacquardException e = assertThrows(OutOfMemoryException.class, () -> bench.measure(PRODUCT, Arithmetic.F32));
        assertTrue(e.getMessage().contains("out of device memory"), e.getMessage());
    }
}
