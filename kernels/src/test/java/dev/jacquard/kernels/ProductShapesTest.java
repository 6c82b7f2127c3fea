package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.ConvolutionPass.Kind;
import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the product kernels are told about their shapes, without a device. */
class ProductShapesTest {
    /** As the kernels do it. */
    private static int quotient(int n, Divisor d) {
        return (int) (Math.unsignedMultiplyHigh(n, (d.multiplier() & 0xffffffffL) << 32) + n) >>> d.shift();
    }

    @Test
    void divisorsDivide() {
        Random random = new Random(1);
        for (int i = 0; i < 200_000; i++) {
            int d = 1 + (random.nextInt() >>> 1 + random.nextInt(31));
            Divisor divisor = Divisor.of(d);
            int n = random.nextInt() >>> 1 + random.nextInt(31);
            int multiple = (int) ((long) n / d * d);
            for (int m : new int[] {n, multiple, Math.max(multiple - 1, 0), Integer.MAX_VALUE, 0}) {
                assertEquals(m / d, quotient(m, divisor), () -> m + " / " + d);
            }
        }
        assertEquals(1, quotient(Integer.MAX_VALUE, Divisor.of(Integer.MAX_VALUE)));
    }

    @Test
    void partsCoverTheDepth() {
        for (long depth = 0; depth < 3000; depth++) {
            for (long tiles : new long[] {1, 2, 7, 100, 200, 10_000}) {
                Split split = Split.of(tiles, depth);
                assertTrue(split.depth() % 16 == 0 && split.depth() > 0, split::toString);
                assertTrue((long) split.parts() * split.depth() >= depth && (split.parts() - 1L) * split.depth() < Math.max(depth, 1), split + " of " + depth);
            }
        }
        assertEquals(1, Split.of(264, 1 << 20).parts(), "tiles that fill a device are not split");
        assertTrue(Split.of(8, 1 << 20).parts() > 16, "few tiles of great depth are");
    }

    @Test
    void thinExtentsHaveThinTiles() {
        for (long extent : new long[] {4, 32, 68, 96}) {
            assertTrue(Tile.thin(extent), () -> extent + " wastes more in tiles of 64");
        }
        for (long extent : new long[] {33, 64, 128, 132, 160, 1024}) {
            assertTrue(!Tile.thin(extent), () -> extent + " fits tiles of 64");
        }
        assertEquals(2 * 3, Tile.NARROW.count(129, 68));
    }

    @Test
    void passesFindTheirKernels() {
        ConvolutionPass depthwise = new ConvolutionPass(ConvolutionPass.Kind.FORWARD, Window.of(1, 1), 96, 2, 14, 14, 96, 14, 14, 96, 3, 3);
        assertTrue(DepthwisePass.takes(depthwise));
        assertTrue(!DepthwisePass.takes(new ConvolutionPass(ConvolutionPass.Kind.FORWARD, Window.of(1, 2).dilated(2), 96, 2, 14, 14, 96, 14, 14, 96, 3, 3)), "dilated");
        ConvolutionPass pointwise = new ConvolutionPass(ConvolutionPass.Kind.BACKWARD_WEIGHT, Window.of(1, 0), 1, 2, 7, 7, 64, 7, 7, 256, 1, 1);
        assertEquals(new Product(256, 64, 98, true, false), pointwise.product());
        assertEquals(null, new ConvolutionPass(ConvolutionPass.Kind.FORWARD, Window.of(2, 0), 1, 2, 7, 7, 64, 4, 4, 256, 1, 1).product(), "a strided one skips pixels");
    }

    private static List<String> names(Kind kind, int c, int k, DType dtype, int capability, boolean tf32) {
        ConvolutionPass pass = new ConvolutionPass(kind, Window.of(1, 1), 1, 8, 28, 28, c, 28, 28, k, 3, 3);
        Target target = new Target(new DeviceInfo("test", capability / 10, capability % 10, 132, 1L << 30, 100 << 10, 13000), tf32);
        return ConvolutionKernel.candidates(pass, dtype, target, Epilogue.NONE).stream().map(Candidate::name).toList();
    }

    @Test
    void convolutionsGoToTensorCoresWhereThereAreAny() {
        List<String> tensor = names(Kind.FORWARD, 64, 64, DType.F16, 80, false);
        assertTrue(tensor.containsAll(List.of("mma 128x128", "mma 128x64", "mma 64x64")), tensor::toString);
        assertEquals("simt", tensor.getLast());
        assertEquals(List.of("simt"), names(Kind.FORWARD, 64, 64, DType.F16, 75, true));
        assertEquals(List.of("simt"), names(Kind.FORWARD, 64, 64, DType.F32, 90, false));
        assertTrue(names(Kind.FORWARD, 64, 64, DType.F32, 90, true).size() > 3);
        assertEquals(List.of("simt"), names(Kind.FORWARD, 64, 60, DType.BF16, 90, false), "no whole chunks of results");
        assertTrue(names(Kind.FORWARD, 3, 64, DType.BF16, 90, false).getFirst().startsWith("mma stem 128x64"));
        assertEquals(List.of("simt"), names(Kind.BACKWARD_DATA, 3, 64, DType.BF16, 90, false), "nobody asks for a stem's images' gradient");
    }

    /** Few tiles of great depth, as weights' gradients have them. */
    @Test
    void theRuleSplitsWhatWouldLeaveMultiprocessorsIdle() {
        assertTrue(names(Kind.BACKWARD_WEIGHT, 64, 64, DType.F16, 90, false).getFirst().contains("split"));
    }
}
