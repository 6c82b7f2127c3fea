package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedConv2d;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Convolutions of images with few channels: what they ask of memory, images that lie awkwardly, blocks that do several tiles, and that errors in them are caught. */
class StemConvolutionTest {
    private static final int STRETCH = 128;
    private static final String FORWARD = "mma stem 128x64";
    private static final String WEIGHT = "mma stem 64x64";

    /** A convolution of n images of h x w x c to k channels by r x s taps. */
    private record Problem(Window window, int n, int h, int w, int c, int k, int r, int s) {
        static Problem square(int stride, int h, int w, int r) {
            return new Problem(Window.of(stride, r / 2), 1, h, w, 3, 64, r, r);
        }

        Sample forward() {
            return Sample.of(new Conv2d(window, 1), x(), weights());
        }

        Sample backwardWeight() {
            return Sample.of(new Conv2dBackwardWeight(window, 1, r, s), x(), Operand.of(n, oh(), ow(), k));
        }

        Sample statistics() {
            return Sample.of(new ConvolutionStatistics(window, 1), x(), weights());
        }

        private Operand x() {
            return Operand.of(n, h, w, c);
        }

        private Operand weights() {
            return Operand.range(-0.25, 0.25, k, r, s, c);
        }

        private int oh() {
            return (int) window.outH(h, r);
        }

        private int ow() {
            return (int) window.outW(w, s);
        }

        int pixels() {
            return n * oh() * ow();
        }

        /** Elements of x that rows r0 .. r1 of the taps meet at any of each 128 pixels, summed over these. */
        long seen(int r0, int r1) {
            long sum = 0;
            for (int first = 0; first < pixels(); first += STRETCH) {
                Set<Integer> seen = new HashSet<>();
                for (int m = first; m < Math.min(first + STRETCH, pixels()); m++) {
                    for (int tap = r0 * s; tap < (r1 + 1) * s; tap++) {
                        int y = m / ow() % oh() * window.strideH() + tap / s * window.dilationH() - window.top();
                        int x = m % ow() * window.strideW() + tap % s - window.left();
                        if (y >= 0 && y < h && x >= 0 && x < w) {
                            seen.add((m / ow() / oh() * h + y) * w + x);
                        }
                    }
                }
                sum += (long) seen.size() * c;
            }
            return sum;
        }
    }

    private static void assertNear(LaunchStats stats, long bytes) {
        double ratio = 32.0 * stats.loads().sectors() / bytes;
        assertTrue(ratio > 0.99 && ratio < 1.1, () -> ratio + " times the bytes of the tiles: " + stats);
    }

    /** Blocks load each element of x that they need once for 128 pixels, and their weights, or their part of y's gradient, once. */
    @ParameterizedTest
    @CsvSource({"F16, 2, 7, 224, 7", "F32, 2, 7, 224, 7", "F16, 2, 9, 64, 3", "F32, 2, 9, 64, 3", "F16, 1, 5, 75, 3"})
    void loadsAreThoseOfTheTiles(DType dtype, int stride, int h, int w, int r) {
        Problem p = Problem.square(stride, h, w, r);
        int b = dtype.bytes();
        long tiles = (p.pixels() + STRETCH - 1) / STRETCH;
        long weights = (long) p.k() * r * r * p.c();
        LaunchStats forward = TensorCoreConvolutionCountsTest.count(p.forward(), dtype, FORWARD);
        assertNear(forward, (p.seen(0, r - 1) + tiles * weights) * b);

        int chunk = 16 / b;
        int filled = (r * p.c() + chunk - 1) / chunk * chunk;
        long bytes = 0;
        for (int column = 0; column < r * filled; column += 64) {
            bytes += (p.seen(column / filled, (Math.min(column + 64, r * filled) - 1) / filled) + (long) p.pixels() * p.k()) * b;
        }
        assertNear(TensorCoreConvolutionCountsTest.count(p.backwardWeight(), dtype, WEIGHT), bytes);
    }

    /** The stem of ResNet. Its weights meet in banks as they are brought in, if they are of F32: each request of a warp at most once. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32"})
    void banksAreFree(DType dtype) {
        Problem p = Problem.square(2, 7, 224, 7);
        long tiles = (p.pixels() + STRETCH - 1) / STRETCH;
        long requests = p.k() * 7 * 7 * 3 / 32;
        LaunchStats forward = TensorCoreConvolutionCountsTest.count(p.forward(), dtype, FORWARD);
        assertTrue(forward.bankConflicts() <= (dtype == DType.F32 ? tiles * requests : 0), forward::toString);
        assertEquals(0, TensorCoreConvolutionCountsTest.count(p.backwardWeight(), dtype, WEIGHT).bankConflicts());
    }

    /** Rows that begin at odd elements, small images of which a tile has several, strides beyond the taps, one column, padding as wide as the image, an end within a chunk. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32"})
    void awkwardImages(DType dtype) {
        List<Problem> problems = List.of(
                new Problem(Window.of(1, 1), 1, 5, 37, 3, 16, 3, 3),
                new Problem(Window.of(2, 1), 19, 3, 5, 1, 8, 3, 3),
                new Problem(Window.of(4, 0), 3, 9, 13, 3, 72, 2, 2),
                new Problem(new Window(3, 1, 1, 2, 0, 0, 2, 1), 2, 9, 4, 7, 8, 3, 4),
                new Problem(Window.of(1, 3), 2, 3, 3, 5, 8, 5, 4));
        for (Problem p : problems) {
            check(backend(new EmulatorDriver(EmulatorOptions.DEFAULT), FORWARD), p.forward(), dtype);
            check(backend(new EmulatorDriver(EmulatorOptions.DEFAULT), WEIGHT), p.backwardWeight(), dtype);
        }
    }

    /** Images of bytes, whose windows begin at each place of a word, with residuals and without; results are compared bit for bit. */
    @Test
    void bytes() {
        List<Problem> problems = List.of(
                new Problem(Window.of(2, 3), 2, 11, 15, 3, 80, 7, 7),
                new Problem(Window.of(1, 1), 1, 6, 37, 3, 16, 3, 3),
                new Problem(new Window(1, 2, 0, 1, 2, 0, 2, 1), 2, 9, 8, 5, 16, 3, 4),
                new Problem(Window.of(4, 0), 1, 8, 24, 3, 64, 4, 4),
                new Problem(Window.of(1, 1), 3, 4, 5, 20, 16, 3, 3));
        for (Problem p : problems) {
            for (boolean residual : new boolean[] {false, true}) {
                QuantizedConv2d op = new QuantizedConv2d(p.window(), 1, Nonlinearity.RELU, residual ? 0.25 : 0, DType.I8);
                List<Operand> in = new ArrayList<>(List.of(TensorCoreConvolutionsTest.bytes(p.n(), p.h(), p.w(), p.c()),
                        TensorCoreConvolutionsTest.bytes(p.k(), p.r(), p.s(), p.c()), Operand.of(p.k()), Operand.of(p.k())));
                if (residual) {
                    in.add(TensorCoreConvolutionsTest.bytes(p.n(), p.oh(), p.ow(), p.k()));
                }
                Sample sample = TensorCoreConvolutionsTest.withExactScales(new Sample(op, in));
                EmulatorDriver emulator = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true));
                check(backend(emulator, FORWARD), sample, DType.F32);
                assertTrue(emulator.takeStats().stream().anyMatch(s -> s.kernel().startsWith("conv2d_stem")));
            }
        }
    }

    /** With one multiprocessor, a block does several tiles, one after the other, of two columns of tiles. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "F32"})
    void blocksWalk(DType dtype) {
        Problem p = new Problem(Window.of(2, 3), 2, 31, 40, 3, 72, 7, 7);
        for (Sample sample : List.of(p.forward(), p.statistics())) {
            check(backend(small(new EmulatorDriver(EmulatorOptions.DEFAULT)), FORWARD), sample, dtype);
        }
    }

    /** The emulator as a device with one multiprocessor. */
    private static Driver small(EmulatorDriver driver) {
        return (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, method, arguments) -> {
            try {
                Object result = method.invoke(driver, arguments);
                return result instanceof DeviceInfo d ? new DeviceInfo(d.name(), d.major(), d.minor(), 1, d.memoryBytes(), d.sharedBytesPerBlock(), d.driverVersion()) : result;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private static CudaBackend backend(Driver driver, String candidate) {
        return new CudaBackend("emulator", driver, false, TensorCoreConvolutionCountsTest.taking(candidate));
    }

    /** Checks a sample and closes the backend. */
    private static void check(CudaBackend backend, Sample sample, DType dtype) {
        try (backend) {
            OpCheck.forward(backend, sample, dtype, Variant.CONTIGUOUS, 1, Tolerance::tf32);
        }
    }

    /** Each of these in a kernel's text is one error: a chunk's other half from the wrong side, chunks cut from the wrong end, fragments turned round. */
    @ParameterizedTest
    @ValueSource(strings = {"shfl.sync.down.b32 -> shfl.sync.up.b32", "shf.r.wrap.b32 -> shf.l.wrap.b32",
            "ldmatrix.sync.aligned.m8n8.x4.shared -> ldmatrix.sync.aligned.m8n8.x4.trans.shared"})
    void errorsAreCaught(String edit) {
        String[] parts = edit.split(" -> ");
        Sample sample = new Problem(Window.of(1, 1), 1, 5, 37, 3, 72, 3, 3).forward();
        int edits = 0;
        for (int n = 0; n < 40; n += 5) {
            int nth = n;
            boolean[] there = new boolean[1];
            boolean caught = caught(sample, text -> {
                int at = text.indexOf("conv2d_stem_mma_128x64_f16");
                int end = text.indexOf("conv2d_backward_weight_stem");
                for (int i = 0; i <= nth && at >= 0; i++) {
                    at = text.indexOf(parts[0], at + 1);
                }
                there[0] |= at >= 0 && at < end;
                return at >= 0 && at < end ? text.substring(0, at) + parts[1] + text.substring(at + parts[0].length()) : text;
            });
            if (there[0]) {
                edits++;
                assertTrue(caught, () -> edit + ", place " + nth);
            }
        }
        assertTrue(edits > 0);
    }

    @Test
    void theKernelItselfIsRight() {
        assertFalse(caught(new Problem(Window.of(1, 1), 1, 5, 37, 3, 72, 3, 3).forward(), text -> text));
    }

    private static boolean caught(Sample sample, UnaryOperator<String> editor) {
        try {
            check(backend(TensorCoreConvolutionCountsTest.editing(new EmulatorDriver(EmulatorOptions.DEFAULT), editor), FORWARD), sample, DType.F16);
            return false;
        } catch (AssertionError | RuntimeException e) {
            return true;
        }
    }
}
