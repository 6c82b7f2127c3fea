package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A library whose engines are right, wrong or refuse, on the emulator: the check finds those that lie, and they are not used again. */
class CandidateCheckTest {
    private static final List<Sample> PRODUCTS = List.of(Sample.of(new MatMul(false, false), Operand.of(5, 7), Operand.of(7, 3)),
            Sample.of(new MatMul(true, true), Operand.of(6, 9), Operand.of(4, 6)));
    private static final Sample POINTWISE = Sample.of(new Conv2d(Window.of(1, 0), 1), Operand.of(2, 3, 3, 8), Operand.of(4, 1, 1, 8));

    private final EmulatorDriver device = new EmulatorDriver();
    private final FakeLibrary library = new FakeLibrary(device);
    private final List<String> engines = library.engines;

    private CudaBackend backend(Selection selection) {
        Driver driver = (Driver) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Driver.class}, (_, method, args) -> {
            try {
                return method.getName().equals("libraries") ? library : method.invoke(device, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
        return new CudaBackend("emulator", driver, false, new MatrixOptions(false, true, selection));
    }

    @Test
    void thoseThatLieOrFailAreFoundAndNotUsedAgain() {
        engines.addAll(List.of("right", "transposed", "short", "refuses"));
        List<String> offered = new ArrayList<>();
        Selection last = (_, _, names) -> {
            offered.clear();
            offered.addAll(names);
            return names.size() - 1;
        };
        try (CudaBackend backend = backend(last)) {
            CandidateCheck.Outcome o = CandidateCheck.run(backend, PRODUCTS.subList(0, 1));
            assertEquals(List.of("transposed", "short", "refuses"), o.findings().stream().map(CandidateCheck.Finding::candidate).toList(), o.toString());
            assertEquals(1, o.ops());
            assertTrue(o.names().containsAll(engines), o.toString());
            assertTrue(o.findings().get(0).problem().matches("got \\S+ in the place of \\S+") && o.findings().get(2).problem().contains("gemm: NOT_SUPPORTED (15)"), o.toString());
            assertEquals(List.of(), CandidateCheck.run(backend, PRODUCTS).findings());
            // The last that is offered now is right; so is what it computes.
            OpCheck.forward(backend, PRODUCTS.get(1), DType.F32, Variant.CONTIGUOUS, 3);
            assertEquals("right", offered.getLast(), offered.toString());
            assertFalse(offered.contains("short"), offered.toString());
        }
    }

    @Test
    void aConvolutionThatIsAProductHasItsEngines() {
        engines.addAll(List.of("right", "short"));
        try (CudaBackend backend = backend(Selection.BY_RULE)) {
            assertEquals(List.of("short"), CandidateCheck.run(backend, List.of(POINTWISE)).findings().stream().map(CandidateCheck.Finding::candidate).toList());
        }
    }

    @Test
    void enginesThatAgreeOnTheSameMistakeDoNotOutvoteUs() {
        engines.addAll(List.of("short 1", "short 2", "short 3", "short 4"));
        try (CudaBackend backend = backend(Selection.BY_RULE)) {
            assertEquals(engines, CandidateCheck.run(backend, PRODUCTS.subList(0, 1)).findings().stream().map(CandidateCheck.Finding::candidate).toList());
        }
    }

    @Test
    void whatARefusedCallBecomes() {
        engines.add("refuses");
        try (CudaBackend backend = backend((_, _, names) -> names.size() - 1)) {
            JacquardException e = assertThrows(JacquardException.class, () -> OpCheck.forward(backend, PRODUCTS.getFirst(), DType.F32, Variant.CONTIGUOUS, 3));
            assertTrue(e.getMessage().contains("refuses failed in a library: got gemm: NOT_SUPPORTED (15)") && e.getMessage().contains("--libs off"), e.getMessage());
        }
    }

    @Test
    void theSamplesOfTheSelftestHaveCandidates() {
        assertTrue(CandidateCheck.samples(1, DType.F16).size() > 10);
        assertTrue(CandidateCheck.samples(1, DType.F16).stream().allMatch(s -> CudaBackend.kernel(s.op()) instanceof ChoosingKernel<?>));
    }
}
