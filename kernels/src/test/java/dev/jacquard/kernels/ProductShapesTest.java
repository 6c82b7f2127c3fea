package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.op.Window;
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
}
