package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.reference.Array;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Sparse24;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** That the comparison with the reference sees what may go wrong in a sparse product: each fault is planted in the metadata or in the kernel's text. */
class SparseFaultsTest {
    private static final String KERNEL = "sparse_matmul_64x32_f16";
    private static final int M = 37;
    private static final int N = 72;
    private static final int K = 416; // seven stages, more than shared memory has
    private static final int SHARED = 34 << 10;

    private final int[] x = halves(M * K, 1);
    private final List<double[]> compressed = ReferenceBackend.compute(new Sparse24.Compress24(), List.of(new Array(TensorType.f32(N, K), doubles(halves(N * K, 2)))));
    private final int[] metadata = Arrays.stream(compressed.get(1)).mapToInt(v -> (int) v).toArray();

    private static int[] halves(int n, long seed) {
        Random random = new Random(seed);
        return words(IntStream.range(0, n).mapToDouble(_ -> random.nextDouble(-1, 1)).toArray());
    }

    private static int[] words(double[] values) {
        int[] words = new int[values.length / 2];
        for (int i = 0; i < values.length; i++) {
            words[i / 2] |= (Float.floatToFloat16((float) values[i]) & 0xffff) << 16 * (i % 2);
        }
        return words;
    }

    private static double[] doubles(int[] words) {
        return IntStream.range(0, 2 * words.length).mapToDouble(i -> Float.float16ToFloat((short) (words[i / 2] >>> 16 * (i % 2)))).toArray();
    }

    private static String kernel() {
        try (InputStream in = CudaBackend.class.getResourceAsStream("ptx/matmul_sparse_f16.ptx")) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return text.substring(0, text.indexOf(".visible .entry")) + text.substring(text.indexOf(".visible .entry " + KERNEL + "("));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Runs the kernel with a changed text and changed metadata. @return how many results are beyond their tolerance */
    private long wrong(UnaryOperator<String> change, int[] words) {
        String text = change.apply(kernel());
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT, "changed", text.getBytes(StandardCharsets.UTF_8))) {
            long y = rig.driver.allocate(2 * M * N);
            rig.launch(KERNEL, (N + 63) / 64 * ((M + 31) / 32), 128, SHARED, rig.upload(x), rig.upload(words(compressed.get(0))), rig.upload(words), y, 0L, M, N,
                    K, K, rig.struct(32)); // no epilogue
            double[] got = doubles(rig.ints(y, M * N / 2));
            double[] want = want();
            Tolerance tolerance = Tolerance.of(DType.F16, Accuracy.matmul(K / 2));
            return IntStream.range(0, got.length).filter(i -> !(Math.abs(got[i] - want[i]) <= tolerance.at(want[i], 1))).count();
        }
    }

    private double[] want() {
        Array values = new Array(TensorType.f32(N, K / 2), doubles(words(compressed.get(0))));
        double[] w = ReferenceBackend.compute(new Sparse24.Expand24(), List.of(values, new Array(new dev.jacquard.tensor.op.Metadata24(N, K, false).type(), compressed.get(1))))
                .getFirst();
        double[] left = doubles(x);
        double[] y = new double[M * N];
        for (int i = 0; i < y.length; i++) {
            for (int k = 0; k < K; k++) {
                y[i] += left[i / N * K + k] * w[i % N * K + k];
            }
        }
        return y;
    }

    private long wrongWith(String from, String to) {
        String found = kernel();
        assertTrue(found.contains(from), from);
        return wrong(t -> t.replace(from, to), metadata);
    }

    @Test
    void asItIsItIsRight() {
        assertEquals(0, wrong(t -> t, metadata));
    }

    @Test
    void metadataInTheWrongOrderIsSeen() {
        int[] rows = IntStream.range(0, metadata.length).map(i -> metadata[i ^ 4]).toArray(); // two lanes' rows exchanged
        assertTrue(wrong(t -> t, rows) > M * N / 2);
        int[] columns = IntStream.range(0, metadata.length).map(i -> metadata[i ^ 1]).toArray();
        assertTrue(wrong(t -> t, columns) > M * N / 2);
        int[] halves = Arrays.stream(metadata).map(w -> Integer.rotateLeft(w, 16)).toArray();
        assertTrue(wrong(t -> t, halves) > M * N / 2);
        int[] one = metadata.clone();
        one[5] ^= (one[5] & 15) == 4 ? 4 ^ 14 : (one[5] & 15) ^ 4; // one nibble of one row
        assertTrue(wrong(t -> t, one) > 0);
    }

    @Test
    void indicesThatDoNotIncreaseAreAFault() {
        int[] one = metadata.clone();
        one[40] = one[40] & ~15 | 1; // 1 and 0
        String message = assertThrows(DriverException.class, () -> wrong(t -> t, one)).getMessage();
        assertTrue(message.contains("bad metadata of a sparse matrix: indices 1 and 0"), message);
    }

    @Test
    void aWrongSelectorIsSeen() {
        String text = kernel();
        assertTrue(text.matches("(?s).*mma\\.sp::ordered_metadata[^;]*, 1;.*"));
        assertTrue(wrong(t -> t.replaceAll("(mma\\.sp::ordered_metadata[^;]*, )1;", "$10;"), metadata) > M * N / 2);
    }

    /** Each exclusive or is a chunk's place, where it is copied to or where it is read. */
    @Test
    void aBrokenSwizzleIsSeen() {
        String text = kernel();
        int places = 0;
        for (int at = text.indexOf("xor.b32"); at >= 0; at = text.indexOf("xor.b32", at + 1)) {
            int here = at;
            boolean seen;
            try {
                seen = wrong(t -> t.substring(0, here) + "or.b32" + t.substring(here + "xor.b32".length()), metadata) > 0;
            } catch (DriverException e) {
                seen = true; // what was never written was read
            }
            assertTrue(seen, text.substring(at, at + 40));
            places++;
        }
        assertTrue(places >= 4, places + " places");
    }

    @Test
    void anEarlyReadIsSeen() {
        String message = assertThrows(DriverException.class, () -> wrongWith("cp.async.wait_group 2;", "cp.async.wait_group 3;")).getMessage();
        assertTrue(message.contains("has not been waited for"), message);
        String unordered = assertThrows(DriverException.class, () -> wrongWith("bar.sync 0;", "bar.warp.sync -1;")).getMessage();
        assertFalse(unordered.isEmpty());
    }
}
