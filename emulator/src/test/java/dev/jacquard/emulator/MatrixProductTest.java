package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * {@code mma.sync} and {@code mma.sp.sync} against products in double. Which lane holds which element is written here element by element, as the tables of the PTX ISA have it
 * ("Matrix fragments for mma.m16n8k*"), and not in the registers' terms of {@link MatrixProduct}.
 */
class MatrixProductTest {
    /** Row or column of a lane's element i; g is lane / 4 and t is lane % 4. */
    private interface Place {
        int of(int g, int t, int i);
    }

    /**
     * A shape for some types.
     *
     * @param k its depth
     * @param bits of an element of A and B
     * @param rowA of a lane's elements of A, and so on
     * @param counts elements of A and B that a lane holds
     */
    private record Shape(String name, int k, int bits, Place rowA, Place columnA, Place rowB, int... counts) {}

    private static final List<Shape> DENSE = List.of(
            new Shape("m16n8k8", 8, 16, (g, t, i) -> i < 2 ? g : g + 8, (g, t, i) -> t * 2 + (i & 1), (g, t, i) -> t * 2 + i, 4, 2),
            new Shape("m16n8k16", 16, 16, (g, t, i) -> i < 2 || i >= 4 && i < 6 ? g : g + 8, (g, t, i) -> i < 4 ? t * 2 + (i & 1) : t * 2 + (i & 1) + 8,
                    (g, t, i) -> i < 2 ? t * 2 + (i & 1) : t * 2 + (i & 1) + 8, 8, 4),
            new Shape("m16n8k4", 4, 32, (g, t, i) -> i == 0 ? g : g + 8, (g, t, i) -> t, (g, t, i) -> t, 2, 1),
            new Shape("m16n8k8", 8, 32, (g, t, i) -> i == 0 || i == 2 ? g : g + 8, (g, t, i) -> i < 2 ? t : t + 4, (g, t, i) -> i == 0 ? t : t + 4, 4, 2),
            new Shape("m16n8k16", 16, 8, (g, t, i) -> i < 4 ? g : g + 8, (g, t, i) -> t * 4 + (i & 3), (g, t, i) -> t * 4 + i, 8, 4),
            new Shape("m16n8k32", 32, 8, (g, t, i) -> i < 4 || i >= 8 && i < 12 ? g : g + 8, (g, t, i) -> i < 8 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16,
                    (g, t, i) -> i < 4 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16, 16, 8));

    /** B of the sparse shapes; their A is stored like a dense one of half the columns. */
    private static final List<Shape> SPARSE = List.of(
            new Shape("m16n8k16", 16, 16, DENSE.get(0).rowA, DENSE.get(0).columnA, DENSE.get(1).rowB, 4, 4),
            new Shape("m16n8k32", 32, 16, DENSE.get(1).rowA, DENSE.get(1).columnA,
                    (g, t, i) -> t * 2 + (i & 1) + (i < 2 ? 0 : i < 4 ? 8 : i < 6 ? 16 : 24), 8, 8),
            new Shape("m16n8k32", 32, 8, DENSE.get(4).rowA, DENSE.get(4).columnA, DENSE.get(5).rowB, 8, 8),
            new Shape("m16n8k64", 64, 8, DENSE.get(5).rowA, DENSE.get(5).columnA,
                    (g, t, i) -> t * 4 + (i & 3) + (i < 4 ? 0 : i < 8 ? 16 : i < 12 ? 32 : 48), 16, 16));

    private static int rowC(int g, int i) {
        return i < 2 ? g : g + 8;
    }

    private static int columnC(int t, int i) {
        return t * 2 + (i & 1);
    }

    /** How elements of a type are written as bits. */
    private static int bits(String type, double v) {
        return switch (type) {
            case "f16" -> Float.floatToFloat16((float) v) & 0xffff;
            case "bf16" -> Float.floatToRawIntBits((float) v) >>> 16;
            case "tf32", "f32" -> Float.floatToRawIntBits((float) v);
            default -> (int) v;
        };
    }

    /** Random values that a type represents exactly. */
    private static IntToDoubleFunction values(String type, Random random) {
        return switch (type) {
            case "f16" -> i -> Float.float16ToFloat(Float.floatToFloat16((float) random.nextGaussian()));
            case "bf16" -> i -> Float.intBitsToFloat(Float.floatToRawIntBits((float) random.nextGaussian()) & 0xffff0000);
            case "tf32" -> i -> Float.intBitsToFloat(Float.floatToRawIntBits((float) random.nextGaussian()) & 0xffffe000);
            case "f32" -> i -> (float) random.nextGaussian();
            case "u8" -> i -> random.nextInt(256);
            case "s8" -> i -> random.nextInt(256) - 128;
            default -> i -> random.nextInt();
        };
    }

    private static double[][] matrix(int rows, int columns, IntToDoubleFunction values) {
        double[][] m = new double[rows][columns];
        for (int i = 0; i < rows * columns; i++) {
            m[i / columns][i % columns] = values.applyAsDouble(i);
        }
        return m;
    }

    /** Packs a lane's elements into registers, lowest first. */
    private static void pack(int[] registers, int at, int i, int bits, int value) {
        int perWord = 32 / bits;
        registers[at + i / perWord] |= (int) (value & (1L << bits) - 1) << bits * (i % perWord);
    }

    /** A case: the instruction, its matrices as they are (A without the zeros of a sparse one), and the metadata by lane. */
    private record Case(String instruction, Shape shape, String a, String b, String c, double[][] left, double[][] right, double[][] add, int[] metadata) {
        int wordsA() {
            return shape.counts[0] * shape.bits / 32;
        }

        int wordsB() {
            return shape.counts[1] * shape.bits / 32;
        }

        int wordsC() {
            return c.equals("f16") ? 2 : 4;
        }

        int words() {
            return wordsA() + wordsB() + wordsC() + 1;
        }

        /** Words of all lanes. */
        int[] fragments() {
            int[] all = new int[32 * words()];
            for (int lane = 0; lane < 32; lane++) {
                int g = lane >> 2;
                int t = lane % 4;
                int at = lane * words();
                for (int i = 0; i < shape.counts[0]; i++) {
                    pack(all, at, i, shape.bits, MatrixProductTest.bits(a, left[shape.rowA.of(g, t, i)][shape.columnA.of(g, t, i)]));
                }
                for (int i = 0; i < shape.counts[1]; i++) {
                    pack(all, at + wordsA(), i, shape.bits, MatrixProductTest.bits(b, right[shape.rowB.of(g, t, i)][g]));
                }
                for (int i = 0; i < 4; i++) {
                    pack(all, at + wordsA() + wordsB(), i, c.equals("f16") ? 16 : 32, MatrixProductTest.bits(c, add[rowC(g, i)][columnC(t, i)]));
                }
                all[at + words() - 1] = metadata == null ? 0 : metadata[lane];
            }
            return all;
        }

        String body() {
            StringBuilder s = new StringBuilder("mov.u32 %r10, %tid.x; ld.param.u64 %rd1, [in]; ld.param.u64 %rd2, [out];\n");
            s.append("mul.wide.u32 %rd3, %r10, ").append(4 * words()).append("; add.s64 %rd1, %rd1, %rd3; mul.wide.u32 %rd4, %r10, 16; add.s64 %rd2, %rd2, %rd4;\n");
            for (int i = 0; i < words(); i++) {
                s.append("ld.global.b32 %x").append(i).append(", [%rd1+").append(4 * i).append("];\n");
            }
            boolean half = c.equals("f16");
            s.append("mov.b32 %y2, 0; mov.b32 %y3, 0;\n").append(instruction).append(half ? " {%y0, %y1}, {" : " {%y0, %y1, %y2, %y3}, {").append(list(0, wordsA())).append("}, {")
                    .append(list(wordsA(), wordsB())).append("}, {").append(list(wordsA() + wordsB(), wordsC())).append('}');
            s.append(metadata == null ? ";\n" : ", %x" + (words() - 1) + ", SELECTOR;\n");
            return s.append("st.global.v4.b32 [%rd2], {%y0, %y1, %y2, %y3};").toString();
        }

        private static String list(int from, int count) {
            List<String> names = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                names.add("%x" + (from + i));
            }
            return String.join(", ", names);
        }

        /** Runs it. @return D as bits */
        int[][] run(int selector) {
            try (Rig rig = Rig.of(".reg .b32 %x<20>; .reg .b32 %y<4>;", body().replace("SELECTOR", "" + selector))) {
                long out = rig.driver.allocate(512);
                rig.launch("k", 1, 32, 0, rig.upload(fragments()), out);
                int[] words = rig.ints(out, 128);
                int[][] d = new int[16][8];
                for (int lane = 0; lane < 32; lane++) {
                    for (int i = 0; i < 4; i++) {
                        int word = c.equals("f16") ? words[4 * lane + i / 2] >>> 16 * (i % 2) & 0xffff : words[4 * lane + i];
                        d[rowC(lane >> 2, i)][columnC(lane % 4, i)] = word;
                    }
                }
                return d;
            }
        }
    }

    private static Case dense(Shape shape, String a, String b, String c, long seed) {
        Random random = new Random(seed);
        double[][] left = matrix(16, shape.k, values(a, random));
        double[][] right = matrix(shape.k, 8, values(b, random));
        return new Case("mma.sync.aligned." + shape.name + ".row.col." + c + "." + a + "." + b + "." + c, shape, a, b, c, left, right, matrix(16, 8, values(c, random)), null);
    }

    /** Compares with the product in double; left is A with its zeros. */
    private static void check(Case of, double[][] left, int[][] got) {
        for (int row = 0; row < 16; row++) {
            for (int column = 0; column < 8; column++) {
                double sum = of.add[row][column];
                double size = Math.abs(sum);
                for (int k = 0; k < of.shape.k; k++) {
                    sum += left[row][k] * of.right[k][column];
                    size += Math.abs(left[row][k] * of.right[k][column]);
                }
                String where = of.instruction + " row " + row + ", column " + column;
                switch (of.c) {
                    case "s32" -> assertEquals((int) (long) sum, got[row][column], where);
                    case "f16" -> assertEquals(sum, Float.float16ToFloat((short) got[row][column]), size * 0x1p-10, where);
                    default -> assertEquals(sum, Float.intBitsToFloat(got[row][column]), size * of.shape.k * 0x1p-24, where);
                }
            }
        }
    }

    private static List<String[]> types(int bits) {
        return switch (bits) {
            case 16 -> List.of(new String[] {"f16", "f16", "f32"}, new String[] {"f16", "f16", "f16"}, new String[] {"bf16", "bf16", "f32"});
            case 32 -> List.<String[]>of(new String[] {"tf32", "tf32", "f32"});
            default -> List.of(new String[] {"s8", "s8", "s32"}, new String[] {"u8", "u8", "s32"}, new String[] {"s8", "u8", "s32"}, new String[] {"u8", "s8", "s32"});
        };
    }

    @TestFactory
    List<DynamicTest> denseProducts() {
        List<DynamicTest> all = new ArrayList<>();
        for (Shape shape : DENSE) {
            for (String[] t : types(shape.bits)) {
                Case of = dense(shape, t[0], t[1], t[2], 17);
                all.add(DynamicTest.dynamicTest(of.instruction, () -> check(of, of.left, of.run(0))));
            }
        }
        return all;
    }

    @Test
    void sumsAreInFloatWithKAscending() {
        Case of = dense(DENSE.get(1), "f16", "f16", "f32", 5);
        int[][] got = of.run(0);
        for (int i = 0; i < 128; i++) {
            float sum = (float) of.add[i / 8][i % 8];
            for (int k = 0; k < 16; k++) {
                sum = (float) (sum + of.left[i / 8][k] * of.right[k][i % 8]); // exact in double, then rounded
            }
            assertEquals(Float.floatToRawIntBits(sum), got[i / 8][i % 8]);
        }
    }

    @Test
    void lowBitsOfTf32AreIgnored() {
        Case of = dense(DENSE.get(3), "tf32", "tf32", "f32", 9);
        int[][] want = of.run(0);
        for (double[][] m : List.of(of.left, of.right)) {
            for (double[] row : m) {
                for (int i = 0; i < row.length; i++) {
                    row[i] = Float.intBitsToFloat(Float.floatToRawIntBits((float) row[i]) | 0x1fff - i);
                }
            }
        }
        assertArrayEquals(want, of.run(0));
    }

    @Test
    void subnormalsInfinitiesAndNotANumber() {
        Case of = dense(DENSE.get(0), "f16", "f16", "f32", 1);
        for (double[] row : of.left) {
            Arrays.fill(row, 0);
        }
        for (double[] row : of.right) {
            Arrays.fill(row, 1);
        }
        for (double[] row : of.add) {
            Arrays.fill(row, 0);
        }
        of.left[0][3] = 0x1p-24; // the least half
        of.left[1][0] = Double.POSITIVE_INFINITY;
        of.left[2][0] = Double.POSITIVE_INFINITY;
        of.left[2][5] = Double.NEGATIVE_INFINITY;
        int[][] got = of.run(0);
        assertEquals(0x1p-24f, Float.intBitsToFloat(got[0][7]));
        assertEquals(Float.POSITIVE_INFINITY, Float.intBitsToFloat(got[1][7]));
        assertEquals(0x7fffffff, got[2][7]);
    }

    @Test
    void integersWrapOrSaturate() {
        Case of = dense(DENSE.get(5), "u8", "u8", "s32", 2);
        for (int i = 0; i < 128; i++) {
            of.add[i / 8][i % 8] = Integer.MAX_VALUE - 7;
        }
        check(of, of.left, of.run(0));
        Case saturated = new Case(of.instruction.replace("col.", "col.satfinite."), of.shape, "u8", "u8", "s32", of.left, of.right, of.add, null);
        for (int[] row : saturated.run(0)) {
            for (int v : row) {
                assertEquals(Integer.MAX_VALUE, v);
            }
        }
    }

    @Test
    void aWrongFragmentGivesWrongNumbers() {
        Case of = dense(DENSE.get(1), "f16", "f16", "f32", 3);
        Shape swapped = new Shape("m16n8k16", 16, 16, (g, t, i) -> i < 4 ? g : g + 8, of.shape.columnA, of.shape.rowB, 8, 4); // A's second and third register exchanged
        Case wrong = new Case(of.instruction, swapped, "f16", "f16", "f32", of.left, of.right, of.add, null);
        assertThrows(AssertionError.class, () -> check(wrong, wrong.left, wrong.run(0)));
    }

    @Test
    void partOfAWarpAndUnknownShapes() {
        Case of = dense(DENSE.get(1), "f16", "f16", "f32", 3);
        try (Rig rig = Rig.of(".reg .b32 %x<20>; .reg .b32 %y<4>;", of.body())) {
            long in = rig.upload(of.fragments());
            long out = rig.driver.allocate(512);
            DriverException e = assertThrows(DriverException.class, () -> rig.launch("k", 1, 31, 0, in, out));
            assertTrue(e.getMessage().contains("mma by a part of the warp, all 32 lanes must execute it: running lanes are 0x7fffffff"), e.getMessage());
        }
        for (String bad : List.of("m16n8k32.row.col.f32.f16.f16.f32", "m16n8k16.row.col.f32.f16.bf16.f32", "m16n8k16.col.col.f32.f16.f16.f32", "m16n8k16.row.col.f16.bf16.bf16.f16",
                "m16n8k16.row.col.s32.f16.f16.s32")) {
            Case unknown = new Case("mma.sync.aligned." + bad, of.shape, "f16", "f16", "f32", of.left, of.right, of.add, null);
            assertTrue(assertThrows(DriverException.class, () -> unknown.run(0)).getMessage().contains("the emulator does not know mma.sync.aligned." + bad), bad);
        }
    }

    // Sparse ones.

    /** The lane and the lowest bit of the metadata of a row and four columns, as the figures of the PTX ISA have them. */
    private static int[] metadataPlace(Shape shape, int selector, int row, int q) {
        int g = row % 8;
        return switch (shape.name + " " + shape.bits) {
            case "m16n8k16 16" -> new int[] {4 * g + selector, (row < 8 ? 0 : 16) + 4 * q};
            case "m16n8k32 16" -> new int[] {4 * g + 2 * selector + (q < 4 ? 0 : 1), (row < 8 ? 0 : 16) + 4 * (q % 4)};
            case "m16n8k32 8" -> new int[] {4 * g + 2 * selector + (row < 8 ? 0 : 1), 4 * q};
            default -> new int[] {4 * g + (q < 8 ? 0 : 2) + (row < 8 ? 0 : 1), 4 * (q % 8)};
        };
    }

    /**
     * The same from another source, of the deepest shapes: sparse kernels of CUTLASS, and of PyTorch after it, load metadata with ldmatrix, after the host has permuted its words
     * (a 16-bit word has the indices of eight stored elements of a row, a 32-bit word those of sixteen). The first 32 rows, or 16, give each lane of two instructions, or one, its
     * register.
     */
    @Test
    void metadataLiesWhereLibrariesPutIt() {
        for (Shape shape : List.of(SPARSE.get(1), SPARSE.get(3))) {
            boolean halves = shape.bits == 16;
            for (int row = 0; row < (halves ? 32 : 16); row++) {
                for (int q = 0; q < shape.k / 4; q++) {
                    int perWord = halves ? 4 : 8;
                    int word = q / perWord;
                    int to = row % 8 * (halves ? 4 : 2) + row / 8;
                    int column = word;
                    if (to % 2 != column) { // the two that lie off a 2 x 2 block's diagonal change places
                        to += 1 - 2 * (to % 2);
                        column = 1 - column;
                    }
                    int place = 2 * to + column;
                    int lane = halves ? place / 2 : place;
                    int bit = (halves ? place % 2 * 16 : 0) + q % perWord * 4;
                    assertArrayEquals(new int[] {lane, bit}, metadataPlace(shape, row / 16, row % 16, q), shape + " row " + row + " q " + q);
                }
            }
        }
    }

    private static int selectors(Shape shape) {
        return switch (shape.name + " " + shape.bits) {
            case "m16n8k16 16" -> 4;
            case "m16n8k64 8" -> 1;
            default -> 2;
        };
    }

    private static Case sparse(Shape shape, String[] t, String variant, int selector, long seed, double[][] full) {
        Random random = new Random(seed);
        IntToDoubleFunction values = values(t[0], random);
        double[][] left = new double[16][shape.k / 2];
        int[] metadata = random.ints(32).toArray(); // lanes that the selector does not name hold anything
        int[][] pairs = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
        for (int row = 0; row < 16; row++) {
            for (int q = 0; q < shape.k / 4; q++) {
                int[] pair = pairs[random.nextInt(6)];
                int[] place = metadataPlace(shape, selector, row, q);
                metadata[place[0]] = metadata[place[0]] & ~(15 << place[1]) | (pair[0] | pair[1] << 2) << place[1];
                for (int j = 0; j < 2; j++) {
                    left[row][2 * q + j] = values.applyAsDouble(0);
                    full[row][4 * q + pair[j]] = left[row][2 * q + j];
                }
            }
        }
        return new Case("mma." + variant + ".sync.aligned." + shape.name + ".row.col." + t[2] + "." + t[0] + "." + t[1] + "." + t[2], shape, t[0], t[1], t[2], left,
                matrix(shape.k, 8, values(t[1], random)), matrix(16, 8, values(t[2], random)), metadata);
    }

    @TestFactory
    List<DynamicTest> sparseProducts() {
        List<DynamicTest> all = new ArrayList<>();
        for (Shape shape : SPARSE) {
            for (String[] t : types(shape.bits)) {
                for (int selector = 0; selector < selectors(shape); selector++) {
                    double[][] full = new double[16][shape.k];
                    Case of = sparse(shape, t, selector == 0 ? "sp::ordered_metadata" : "sp", selector, 31 + selector, full);
                    int s = selector;
                    all.add(DynamicTest.dynamicTest(of.instruction + " selector " + s, () -> check(of, full, of.run(s))));
                }
            }
        }
        return all;
    }

    @Test
    void badMetadata() {
        for (int bad : new int[] {0b0000, 0b0101, 0b1111, 0b0001, 0b0110}) {
            Case of = sparse(SPARSE.get(1), types(16).getFirst(), "sp", 1, 3, new double[16][32]);
            of.metadata[4 * 3 + 3] = of.metadata[4 * 3 + 3] & ~(15 << 24) | bad << 24; // row 11, columns 24 to 27
            DriverException e = assertThrows(DriverException.class, () -> of.run(1));
            String want = "thread (15,0,0): bad metadata of a sparse matrix: indices " + (bad & 3) + " and " + (bad >> 2) + " of row 11, columns 24 to 27, do not increase";
            assertTrue(e.getMessage().contains(want), e.getMessage());
        }
    }

    @Test
    void metadataOfAnotherRowGivesWrongNumbersAndSelectorsAreChecked() {
        double[][] full = new double[16][32];
        Case of = sparse(SPARSE.get(1), types(16).getFirst(), "sp", 0, 3, full);
        int first = of.metadata[0];
        of.metadata[0] = of.metadata[4];
        of.metadata[4] = first;
        assertThrows(AssertionError.class, () -> check(of, full, of.run(0)));
        assertTrue(assertThrows(DriverException.class, () -> of.run(2)).getMessage().contains("sparsity selector 2, must be less than 2"));
        Case wide = sparse(SPARSE.get(3), types(8).getFirst(), "sp", 0, 3, new double[16][64]);
        assertTrue(assertThrows(DriverException.class, () -> wide.run(1)).getMessage().contains("sparsity selector 1, must be less than 1"));
    }
}
