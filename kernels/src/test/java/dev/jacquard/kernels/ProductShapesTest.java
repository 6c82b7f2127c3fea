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

    /** Code for sm_90a runs on no other device, later ones included; that for sm_80 on all later ones. */
    @Test
    void everyGenerationIsOfferedWhatItCanRun() {
        for (int capability : new int[] {75, 80, 86, 89, 90, 100, 103, 120}) {
            List<String> names = names(Kind.FORWARD, 64, 64, DType.F16, capability, false);
            assertEquals(capability == 90, names.stream().anyMatch(s -> s.startsWith("wgmma")), () -> capability + ": " + names);
            assertEquals(capability >= 80, names.stream().anyMatch(s -> s.startsWith("mma")), () -> capability + ": " + names);
        }
    }

    /** Few tiles of great depth, as weights' gradients have them. */
    @Test
    void theRuleSplitsWhatWouldLeaveMultiprocessorsIdle() {
        assertTrue(names(Kind.BACKWARD_WEIGHT, 64, 64, DType.F16, 90, false).getFirst().contains("split"));
    }

    private static final Target A100 = new Target(new DeviceInfo("A100", 8, 0, 108, 40L << 30, 163 << 10, 12_000), false);
    private static final Target T4 = new Target(new DeviceInfo("T4", 7, 5, 40, 16L << 30, 64 << 10, 12_000), true);

    private static List<String> names(long m, long n, long k, DType dtype, boolean tf32) {
        return new Product(m, n, k, false, true).candidates(dtype, new Target(A100.device(), tf32), 0, 1).stream().map(Candidate::name).toList();
    }

    @Test
    void theRuleFillsTheDevice() {
        assertEquals("mma 128x256", names(4096, 4096, 4096, DType.F16, false).getFirst(), "what loads least where there are tiles enough");
        assertTrue(names(64, 64, 100_000, DType.F16, false).getFirst().matches("mma .* split \\d+"), "one tile of great depth is divided");
        assertEquals("mma 64x64", names(196, 1024, 256, DType.F16, false).getFirst(), "small tiles where large ones would be few");
        for (Tiling t : Tiling.ranked(64, 64, 100_000, 1, DType.F16, A100)) {
            assertTrue(t.split().depth() % TensorTile.depth(DType.F16) == 0 && (long) t.split().parts() * t.split().depth() >= 100_000, t::toString);
        }
    }

    @Test
    void everyTileIsOfferedUnsplitAndNamesAreUnique() {
        for (long[] s : new long[][] {{8, 8, 8}, {256, 1000, 2048}, {50_176, 64, 256}, {64, 576, 802_816}}) {
            List<String> names = names(s[0], s[1], s[2], DType.BF16, false);
            assertTrue(names.containsAll(List.of("mma 128x256", "mma 128x128", "mma 128x64", "mma 64x64", "simt")), names::toString);
            assertEquals(names.size(), names.stream().distinct().count(), names::toString);
        }
    }

    @Test
    void tensorCoresAreTakenWhereTheyMayBe() {
        assertEquals(List.of("simt"), names(128, 128, 128, DType.F32, false), "F32 is not TF32");
        assertEquals("simt", names(128, 128, 128, DType.F32, true).getLast());
        assertEquals(List.of("simt"), new Product(128, 128, 128, false, true).candidates(DType.F16, T4, 0, 1).stream().map(Candidate::name).toList(), "an older device");
        assertEquals(List.of("simt"), new Product(128, 128, 128, true, true).candidates(DType.F16, A100, 0, 1).stream().map(Candidate::name).toList(), "both transposed");
        assertTrue(names(128, 127, 128, DType.F16, false).stream().allMatch(n -> n.startsWith("mma ragged 64x64") || n.equals("simt")), "rows of no whole chunks");
        assertEquals(List.of(), ByteProduct.candidates(1, 1, 1 << 17, A100, Epilogue.NONE), "sums that leave I32");
        assertEquals(List.of(), ByteProduct.candidates(64, 64, 64, T4, Epilogue.NONE));
        assertEquals(List.of(), new Product(64, 64, 64, false, false).candidates(DType.F16, A100, 0, 1, Epilogue.STATISTICS), "statistics come from forward products alone");
    }
}
