package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.LongUnaryOperator;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What convolutions on tensor cores ask of memory, and that a kernel with an error in it is caught. */
class TensorCoreConvolutionCountsTest {
    private static final int SIDE = 14;
    private static final int CHANNELS = 64;
    private static final String KERNEL = "conv2d_mma_64x64_f16";

    /** A square image of 64 channels, to 64, by a square kernel. */
    private record Problem(int r, int stride) {
        Window window() {
            return Window.of(stride, r / 2);
        }

        int out() {
            return (int) window().outH(SIDE, r);
        }

        Sample sample(Op op) {
            Operand x = Operand.of(1, SIDE, SIDE, CHANNELS);
            Operand w = Operand.range(-0.25, 0.25, CHANNELS, r, r, CHANNELS);
            Operand y = Operand.of(1, out(), out(), CHANNELS);
            return switch (op) {
                case Conv2dBackwardData _ -> Sample.of(op, y, w);
                case Conv2dBackwardWeight _ -> Sample.of(op, x, y);
                default -> Sample.of(op, x, w);
            };
        }

        /** Pairs of a pixel of y and a tap that lies in the image. */
        long taps() {
            long along = 0;
            for (int o = 0; o < out(); o++) {
                for (int t = 0; t < r; t++) {
                    int i = o * stride + t - r / 2;
                    along += i >= 0 && i < SIDE ? 1 : 0;
                }
            }
            return along * along;
        }
    }

    static MatrixOptions taking(String name) {
        return new MatrixOptions(true, (op, in, names) -> names.contains(name) ? names.indexOf(name) : 0);
    }

    static LaunchStats count(Sample sample, DType dtype, String candidate) {
        EmulatorDriver driver = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true));
        try (CudaBackend cuda = new CudaBackend("emulator", driver, false, taking(candidate))) {
            OpCheck.forward(cuda, sample, dtype, Variant.CONTIGUOUS, 1, Tolerance::tf32);
            return driver.takeStats().stream().filter(s -> s.kernel().startsWith("conv2d")).findFirst().orElseThrow();
        }
    }

    /**
     * Chunks of an operand are read once by each block that needs them, and nothing is read for the padding. Each pass multiplies each tap that lies in the image, so their counts
     * are alike.
     */
    @ParameterizedTest
    @CsvSource({"F16, 64, 64, 3, 1", "F16, 64, 64, 3, 2", "F16, 128, 64, 3, 1", "F16, 128, 128, 1, 2", "BF16, 64, 64, 3, 1", "F32, 64, 64, 3, 1", "F32, 128, 128, 3, 2"})
    void bytesAreThoseOfTheTilesAndBanksAreFree(DType dtype, int rows, int columns, int r, int stride) {
        Problem p = new Problem(r, stride);
        Window window = p.window();
        int b = dtype.bytes();
        String tile = "mma " + rows + "x" + columns;
        LongUnaryOperator across = n -> (n + columns - 1) / columns;
        LongUnaryOperator down = n -> (n + rows - 1) / rows;
        long weights = (long) CHANNELS * r * r * CHANNELS * b;
        long pixels = (long) p.out() * p.out();

        LaunchStats forward = count(p.sample(new Conv2d(window, 1)), dtype, tile);
        check(forward, across.applyAsLong(CHANNELS) * p.taps() * CHANNELS * b + down.applyAsLong(pixels) * weights);
        LaunchStats weight = count(p.sample(new Conv2dBackwardWeight(window, 1, r, r)), dtype, tile);
        check(weight, across.applyAsLong((long) r * r * CHANNELS) * pixels * CHANNELS * b + down.applyAsLong(CHANNELS) * p.taps() * CHANNELS * b);
        LaunchStats data = count(p.sample(new Conv2dBackwardData(window, 1, SIDE, SIDE)), dtype, tile);
        long phase = (long) SIDE / stride * (SIDE / stride); // each phase has its own part of the weights
        check(data, across.applyAsLong(CHANNELS) * p.taps() * CHANNELS * b + down.applyAsLong(phase) * weights);
    }

    private static void check(LaunchStats stats, long bytes) {
        assertEquals(0, stats.bankConflicts(), stats::toString);
        double ratio = 32.0 * stats.loads().sectors() / bytes;
        assertTrue(ratio > 0.9 && ratio < 1.1, () -> ratio + " times the bytes of the tiles: " + stats);
    }

    /** The emulator with modules as an editor leaves them. */
    static Driver editing(EmulatorDriver driver, UnaryOperator<String> editor) {
        return (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, method, arguments) -> {
            if (method.getName().equals("loadModule")) {
                arguments[1] = editor.apply(new String((byte[]) arguments[1], StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
            }
            try {
                return method.invoke(driver, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    /** Whether a wrong result, a fault, or a bank conflict shows that a kernel's text was changed. */
    private static boolean caught(UnaryOperator<String> editor) {
        EmulatorDriver driver = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true));
        Sample sample = Sample.of(new Conv2d(Window.of(1, 1), 1), Operand.of(1, 5, 7, 24), Operand.range(-0.25, 0.25, 72, 3, 3, 24));
        try (CudaBackend cuda = new CudaBackend("emulator", editing(driver, editor), false, taking("mma 64x64"))) {
            OpCheck.forward(cuda, sample, DType.F16, Variant.CONTIGUOUS, 1);
            return driver.takeStats().stream().anyMatch(s -> s.bankConflicts() > 0);
        } catch (AssertionError | RuntimeException e) {
            return true;
        }
    }

    /** Replaces the n-th of something in the kernel of the smallest tile. */
    private static String edited(String text, String from, String to, int n) {
        int at = text.indexOf(KERNEL);
        for (int i = 0; i <= n; i++) {
            at = text.indexOf(from, at + 1);
            if (at < 0) {
                return null;
            }
        }
        return text.substring(0, at) + to + text.substring(at + from.length());
    }

    /** @return of the places where something is replaced, in how many that is caught; and how many there are */
    private static int[] caughtOf(String from, String to) {
        int[] counts = new int[2];
        boolean[] there = {true};
        while (there[0]) {
            there[0] = false;
            boolean caught = caught(text -> {
                String changed = text.contains(KERNEL) ? edited(text, from, to, counts[1]) : null;
                there[0] |= changed != null;
                return changed == null ? text : changed;
            });
            counts[0] += there[0] && caught ? 1 : 0;
            counts[1] += there[0] ? 1 : 0;
        }
        return counts;
    }

    @Test
    void theKernelItselfIsRight() {
        assertFalse(caught(text -> text));
    }

    /** Where chunks are permuted, in copies and in reads of fragments. */
    @Test
    void wrongPermutationsAreCaught() {
        int[] counts = caughtOf("xor.b32", "or.b32");
        assertTrue(counts[1] >= 5 && counts[0] == counts[1], () -> counts[0] + " of " + counts[1]);
    }

    /** Half of the copies are of weights, whose zeros only spare reads: they meet zeros, or make columns that nobody stores. */
    @Test
    void paddingThatIsReadIsCaught() {
        int[] counts = caughtOf(", 16, 0, %p", ", 16, 16, %p");
        assertTrue(counts[1] >= 4 && counts[0] >= counts[1] / 2, () -> counts[0] + " of " + counts[1]);
    }

    @Test
    void slicesThatAreNotWaitedForAreCaught() {
        int[] counts = caughtOf("cp.async.wait_group 2", "cp.async.wait_group 3");
        assertTrue(counts[1] == 1 && counts[0] == 1, () -> counts[0] + " of " + counts[1]);
    }
}
