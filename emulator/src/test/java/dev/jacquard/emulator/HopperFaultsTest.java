package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.TensorMap;
import dev.jacquard.kernels.driver.TensorMap.Swizzle;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the kernels on wgmma and tensor maps do, counted; and that mistakes in their maps, descriptors, barriers and waits do not go unnoticed. */
class HopperFaultsTest {
    private static final Sample PRODUCT = Sample.of(new MatMul(false, true), Operand.of(136, 520), Operand.of(136, 520));
    private static final Window SAME = Window.of(1, 1);

    /** The emulator with other text, or other maps. */
    private static Driver wrong(EmulatorDriver right, UnaryOperator<String> text, UnaryOperator<TensorMap> map) {
        return (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, method, arguments) -> {
            switch (method.getName()) {
                case "loadModule" -> arguments[1] = text.apply(new String((byte[]) arguments[1], StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
                case "encode" -> arguments[0] = map.apply((TensorMap) arguments[0]);
                default -> { }
            }
            try {
                return method.invoke(right, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private static void run(Driver driver, Sample sample, String candidate) {
        MatrixOptions options = new MatrixOptions(false, (op, in, names) -> {
            assertTrue(names.contains(candidate), candidate + " is none of " + names);
            return names.indexOf(candidate);
        });
        try (CudaBackend cuda = new CudaBackend("emulator", driver, false, options)) {
            OpCheck.forward(cuda, sample, DType.F16, Variant.CONTIGUOUS, 1);
        }
    }

    private static String failure(UnaryOperator<String> text, UnaryOperator<TensorMap> map) {
        return assertThrows(Throwable.class, () -> run(wrong(new EmulatorDriver(), text, map), PRODUCT, "wgmma 128x128")).toString();
    }

    private static UnaryOperator<String> replacing(String from, String to) {
        return text -> {
            assertTrue(text.matches("(?s).*" + from + ".*"), from);
            return text.replaceAll(from, to);
        };
    }

    @Test
    void nothingPlanted() {
        run(wrong(new EmulatorDriver(), UnaryOperator.identity(), UnaryOperator.identity()), PRODUCT, "wgmma 128x128");
    }

    /** Pattern, replacement, what is said. */
    @ParameterizedTest
    @CsvSource(delimiterString = " -> ", quoteCharacter = '`', value = {
        "wait_group.sync.aligned 1 -> wait_group.sync.aligned 2 -> race in shared memory: cp.async.bulk after a read",
        "wait_group.sync.aligned 0 -> wait_group.sync.aligned 1 -> read of an accumulator of a wgmma that has not been waited for",
        "wgmma.commit_group.sync.aligned; -> // -> that has not been waited for",
        "wgmma.fence.sync.aligned; -> // -> missing wgmma.fence",
        "fence.mbarrier_init.release.cluster; -> // -> missing fence.mbarrier_init",
        "mov.(?:b32|u32) (%r\\d+), 32768; -> mov.u32 $1, 32752; -> deadlock",
        "mov.(?:b32|u32) (%r\\d+), 8; -> mov.u32 $1, 7; -> race in shared memory: cp.async.bulk after a read",
        "xor.b32 (%r\\d+), (%r\\d+), 1; -> mov.u32 $1, $2; -> deadlock",
        "or.b64 (%rd\\d+), (%rd\\d+), 46116862\\d+; -> or.b64 $1, $2, -9223371761972215808; -> FAIL",
        "f16.f16 (\\{[^}]*}), (%rd\\d+), (%rd\\d+), -> f16.f16 $1, $2, $2, -> FAIL"})
    void plantedInTheText(String from, String to, String expected) {
        String said = failure(replacing(from, to), UnaryOperator.identity());
        assertTrue(said.contains(expected), said);
    }

    private static TensorMap with(TensorMap m, List<Integer> box, Swizzle swizzle) {
        return new TensorMap(m.elementBytes(), m.base(), m.sizes(), m.strides(), box, m.steps(), swizzle);
    }

    @Test
    void aMapThatDoesNotSwizzle() {
        assertTrue(failure(UnaryOperator.identity(), m -> with(m, m.box(), Swizzle.NONE)).contains("FAIL"));
    }

    /** Half of a box: the barrier waits for the rest for ever. */
    @Test
    void aMapOfSmallerBoxes() {
        String said = failure(UnaryOperator.identity(), m -> m.box().size() == 3 ? with(m, List.of(64, 1, 64), m.swizzle()) : m);
        assertTrue(said.contains("deadlock") || said.contains("nobody can complete"), said);
    }

    private static LaunchStats counts(Op op, Operand a, Operand b, String candidate) {
        EmulatorDriver driver = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true));
        run(driver, Sample.of(op, a, b), candidate);
        return driver.takeStats().getFirst();
    }

    private static void checkCounts(LaunchStats s, long loaded, long results) {
        assertEquals(0, s.bankConflicts(), s.toString());
        assertTrue(s.sharedRequests() > 0);
        assertEquals(loaded, s.loads().bytes(), s.toString());
        assertEquals(1, s.loads().sectorRatio());
        assertEquals(2 * results, s.stores().bytes());
        assertEquals(1, s.stores().sectorRatio());
    }

    /** No bank conflict anywhere, and not a byte beyond what the tiles need: 2 (m k ceil(n / columns) + k n ceil(m / 128)). */
    @Test
    void countsOfProducts() {
        int m = 256;
        int n = 512;
        int k = 80;
        for (int columns : new int[] {256, 128, 64}) {
            long loaded = 2L * (m * k * n / columns + k * n * m / 128);
            checkCounts(counts(new MatMul(false, true), Operand.of(m, k), Operand.of(n, k), "wgmma 128x" + columns), loaded, m * n);
            checkCounts(counts(new MatMul(false, false), Operand.of(m, k), Operand.of(k, n), "wgmma 128x" + columns), loaded, m * n);
            checkCounts(counts(new MatMul(true, false), Operand.of(k, m), Operand.of(k, n), "wgmma 128x" + columns), loaded, m * n);
        }
    }

    @Test
    void whatFollowsConflictsNowhere() {
        for (int columns : new int[] {256, 128, 64}) {
            EmulatorDriver driver = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true));
            run(driver, Sample.of(new MatMulShift(false, true, Nonlinearity.RELU), Operand.of(128, 64), Operand.of(256, 64), Operand.of(256)), "wgmma 128x" + columns);
            LaunchStats s = driver.takeStats().getFirst();
            assertEquals(0, s.bankConflicts(), s.toString());
            assertEquals(1, s.stores().sectorRatio());
        }
    }

    /** Each tap reads the box that it meets, but for what lies outside of the image. */
    @Test
    void countsOfConvolutions() {
        long inside = 8 * (3 * 8 - 2) * (3 * 8 - 2); // pixels that the nine taps of each meet, in eight images of 8 x 8
        long taps = 9L * 64 * 64;
        Operand x = Operand.of(8, 8, 8, 64);
        Operand w = Operand.of(64, 3, 3, 64);
        checkCounts(counts(new Conv2d(SAME, 1), x, w, "wgmma 128x64"), 2 * (64 * inside + 4 * taps), 512 * 64);
        checkCounts(counts(new Conv2dBackwardData(SAME, 1, 8, 8), x, w, "wgmma 128x64"), 2 * (64 * inside + 4 * taps), 512 * 64);
        checkCounts(counts(new Conv2dBackwardWeight(SAME, 1, 3, 3), x, x, "wgmma 128x64"), 2 * (64 * inside + 9 * 512 * 64), taps);
    }
}
