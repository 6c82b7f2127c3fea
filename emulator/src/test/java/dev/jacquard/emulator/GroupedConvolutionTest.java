package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Grouped 3x3 convolutions on tensor cores, the grouped_*.cu modules: all passes against the reference, at sizes that samples have not, and what they cost. */
class GroupedConvolutionTest {
    private static final List<String> PASSES = List.of("forward", "data", "weight");
    private static final List<String> CHOSEN = new ArrayList<>();
    private static final EmulatorDriver DRIVER = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true));
    private static final CudaBackend CUDA = backend(DRIVER);

    private static CudaBackend backend(Driver driver) {
        return new CudaBackend("emulator", driver, false, new MatrixOptions(false, (_, _, names) -> {
            CHOSEN.add(names.getFirst());
            return 0;
        }));
    }

    @AfterAll
    static void close() {
        CUDA.close();
    }

    private static Sample sample(String pass, Window window, long n, long h, long w, long c, long g) {
        int groups = (int) (c / g);
        Operand x = Operand.of(n, h, w, c);
        Operand weights = Operand.of(c, 3, 3, g);
        Operand y = Operand.of(n, window.outH(h, 3), window.outW(w, 3), c);
        return switch (pass) {
            case "forward" -> Sample.of(new Conv2d(window, groups), x, weights);
            case "data" -> Sample.of(new Conv2dBackwardData(window, groups, h, w), y, weights);
            default -> Sample.of(new Conv2dBackwardWeight(window, groups, 3, 3), x, y);
        };
    }

    /** Compares with the reference. @return counts of the two runs of the kernel, without the sum of parts */
    private static LaunchStats check(Sample sample, DType dtype) {
        CHOSEN.clear();
        DRIVER.takeStats();
        OpCheck.forward(CUDA, sample, dtype, Variant.CONTIGUOUS, 1);
        assertTrue(!CHOSEN.isEmpty() && CHOSEN.stream().allMatch("grouped"::equals), CHOSEN.toString());
        return LaunchStats.byKernel(DRIVER.takeStats()).getFirst();
    }

    /** All widths of groups; images that are narrower than a strip, that lie side by side in a block, and of which a block has a part; batches that leave places empty. */
    @ParameterizedTest
    @CsvSource({"1, 7, 7, 64, 4", "3, 5, 9, 32, 8", "2, 7, 7, 64, 16", "3, 4, 14, 64, 32", "2, 9, 5, 32, 4", "1, 3, 70, 32, 8", "1, 16, 30, 32, 16", "9, 2, 8, 32, 32",
            "1, 1, 1, 32, 4",
        "1, 9, 35, 32, 32"})
    void everyPassIsRightWithoutBankConflicts(long n, long h, long w, long c, long g) {
        for (String pass : PASSES) {
            for (int stride = 1; stride <= 2; stride++) {
                for (DType dtype : List.of(DType.F16, DType.BF16)) {
                    assertEquals(0, check(sample(pass, Window.of(stride, 1), n, h, w, c, g), dtype).bankConflicts());
                }
            }
        }
    }

    /** None, one-sided as TensorFlow's, and more than a kernel needs. */
    @Test
    void anyPadding() {
        for (Window window : List.of(Window.of(1, 0), Window.of(2, 0), Window.of(1, 2), Window.of(2, 2), Window.same(2, 8, 12, 3, 3), new Window(1, 1, 2, 0, 0, 1, 1, 1))) {
            for (String pass : PASSES) {
                check(sample(pass, window, 2, 8, 12, 32, 8), DType.F16);
            }
        }
    }

    /** With scale, shift and ReLU in the kernel; with what it has not, another way is taken. */
    @Test
    void forwardWithAnEpilogue() {
        for (Nonlinearity activation : Nonlinearity.values()) {
            for (long g : new long[] {4, 16, 32}) {
                for (int stride = 1; stride <= 2; stride++) {
                    Sample plain = sample("forward", Window.of(stride, 1), 2, 7, 9, 64, g);
                    Operand perChannel = Operand.range(0.5, 1.5, 64);
                    Sample fused = Sample.of(new ConvolutionScaleShift(Window.of(stride, 1), (int) (64 / g), activation, false),
                            plain.operands().get(0), plain.operands().get(1), perChannel, Operand.of(64));
                    if (activation == Nonlinearity.SILU) {
                        CHOSEN.clear();
                        OpCheck.forward(CUDA, fused, DType.F16, Variant.CONTIGUOUS, 1);
                        assertTrue(CHOSEN.stream().noneMatch("grouped"::equals), CHOSEN.toString());
                    } else {
                        check(fused, stride == 1 ? DType.F16 : DType.BF16);
                    }
                }
            }
        }
    }

    /** The other way to cut few images: into runs of two rows. */
    @Test
    void shortRuns() {
        List<String> taken = new ArrayList<>();
        MatrixOptions shortRuns = new MatrixOptions(false, (_, _, names) -> {
            taken.add(names.get(1));
            return 1;
        });
        try (CudaBackend cuda = new CudaBackend("emulator", new EmulatorDriver(), false, shortRuns)) {
            for (String pass : PASSES) {
                for (int stride = 1; stride <= 2; stride++) {
                    OpCheck.forward(cuda, sample(pass, Window.of(stride, 1), 1, 9, 7, 32, 16), DType.F16, Variant.CONTIGUOUS, 1);
                }
            }
        }
        assertTrue(taken.size() >= 6 && taken.stream().allMatch("grouped short"::equals), taken.toString());
    }

    /** The kernels make no statistics, and must not be taken where some are wanted. */
    @Test
    void statisticsAreLeftToTheirDefinition() {
        List<TensorType> types = List.of(TensorType.of(DType.F16, 2, 7, 7, 64), TensorType.of(DType.F16, 64, 3, 3, 16));
        assertTrue(CUDA.unsupported(new ConvolutionStatistics(Window.of(1, 1), 4), types).isPresent());
    }

    /** More units than blocks: they go on to the next and to the next images. */
    @Test
    void blocksOfSeveralUnits() {
        check(sample("forward", Window.of(1, 1), 8 * 1100, 1, 1, 32, 8), DType.F16);
        check(sample("weight", Window.of(1, 1), 8 * 300, 1, 1, 32, 8), DType.F16);
        check(sample("weight", Window.of(1, 1), 133, 8, 33, 32, 4), DType.BF16);
    }

    /** 14 rows in two runs: at the cut, two rows of x are loaded twice. A sector is never touched in part. */
    @Test
    void imagesAreLoadedOnceButForTheHaloOfRuns() {
        long pixels = 14 * 56;
        for (long g : new long[] {4, 8, 16}) {
            long weights = 2 * 32 * 9 * g;
            LaunchStats forward = check(sample("forward", Window.of(1, 1), 1, 14, 56, 32, g), DType.F16);
            costs(forward, (pixels + 2 * 56) * 32 + weights, pixels * 32);
            assertEquals(2 * 14 * 8 * 18L, forward.instructions().get(LaunchStats.Kind.TENSOR),
                    "8 warps multiply 9 taps of 14 rows and make 2 tiles of 8 channels, and nothing for the halo");
            costs(check(sample("data", Window.of(1, 1), 1, 14, 56, 32, g), DType.F16), (pixels + 2 * 56) * 32 + weights, pixels * 32);
            costs(check(sample("weight", Window.of(1, 1), 1, 14, 56, 32, g), DType.F16), (2 * pixels + 2 * 56) * 32, 2 * weights);
        }
        pixels = 16 * 56;
        // With stride 2, runs of four rows of 8: one row of x is loaded twice, one of dy.
        costs(check(sample("forward", Window.of(2, 1), 1, 16, 56, 32, 8), DType.F16), (pixels + 56) * 32 + 2 * 32 * 72, pixels / 4 * 32);
        costs(check(sample("data", Window.of(2, 1), 1, 15, 56, 32, 8), DType.F16), (8 + 1) * 28 * 32 + 2 * 32 * 72, 15 * 56 * 32);
    }

    /** Elements of two runs. */
    private static void costs(LaunchStats stats, long loads, long stores) {
        assertEquals(2 * 2 * loads, stats.loads().bytes(), stats.toString());
        assertEquals(2 * 2 * stores, stats.stores().bytes(), stats.toString());
        assertEquals(1, stats.loads().sectorRatio());
        assertEquals(1, stats.stores().sectorRatio());
    }

    /** A driver that reads another text than is there. */
    private static Driver editing(EmulatorDriver driver, UnaryOperator<String> edit) {
        return (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, method, arguments) -> {
            if (method.getName().equals("loadModule") && ((String) arguments[0]).startsWith("grouped")) {
                String text = new String((byte[]) arguments[1], StandardCharsets.UTF_8);
                String edited = edit.apply(text);
                assertTrue(!edited.equals(text), "nothing to edit in " + arguments[0]);
                arguments[1] = edited.getBytes(StandardCharsets.UTF_8);
            }
            try {
                return method.invoke(driver, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    /** @return what is said of a pass with an edited kernel: the emulator's fault, or the comparison's */
    private static String broken(String pass, UnaryOperator<String> edit) {
        try (CudaBackend wrong = backend(editing(new EmulatorDriver(), edit))) {
            Throwable e = assertThrows(Throwable.class, () -> OpCheck.forward(wrong, sample(pass, Window.of(1, 1), 2, 7, 7, 32, 32), DType.F16, Variant.CONTIGUOUS, 1));
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof DriverException) {
                    return cause.getMessage();
                }
            }
            return e.getMessage();
        }
    }

    @Test
    void plantedErrorsAreCaught() {
        for (String pass : PASSES) {
            String early = broken(pass, t -> t.replace("cp.async.wait_group 2;", "cp.async.wait_group 3;"));
            assertTrue(early.contains("has not been waited for"), early);
            String unordered = broken(pass, t -> t.replace("bar.sync 0;", "bar.warp.sync -1;"));
            assertTrue(unordered.contains("race in shared memory") || unordered.contains("never written"), unordered);
            String swizzle = broken(pass, t -> t.replace("xor.b32", "or.b32"));
            assertTrue(swizzle.contains("cp.async") || swizzle.contains("want"), swizzle);
            String operands = broken(pass, t -> t.replaceAll("(mma\\.\\S+ \\{[^}]*}, \\{)(%r\\d+), (%r\\d+)", "$1$3, $2"));
            assertTrue(operands.contains("want"), operands);
        }
    }
}
