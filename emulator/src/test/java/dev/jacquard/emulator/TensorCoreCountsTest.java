package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import dev.jacquard.tensor.op.Sample;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What products on tensor cores cost, by the emulator's counters, and that their faults are caught. */
class TensorCoreCountsTest {
    private static final Pattern TILE = Pattern.compile("_(\\d+)x(\\d+)_");

    private static final CandidateBackends BACKENDS = new CandidateBackends(true, EmulatorOptions.DEFAULT.unchecked().counting(true));

    @AfterAll
    static void close() {
        BACKENDS.close();
    }

    /** The first launch of every candidate of a sample. */
    private static List<LaunchStats> counts(Sample sample, DType dtype) {
        List<LaunchStats> all = new ArrayList<>();
        BACKENDS.forEach(sample, dtype, (cuda, driver, _) -> {
            driver.takeStats();
            OpCheck.forward(cuda, sample, dtype, Variant.CONTIGUOUS, 1, dtype == DType.F32 ? Tolerance::tf32 : Tolerance::of);
            all.add(driver.takeStats().getFirst());
        });
        return all;
    }

    /** No conflicts in shared memory, and no more bytes than each tile's rows and columns. */
    private static void check(LaunchStats s, int m, int n, int k, int bytes, int epilogueBytes) {
        assertEquals(0, s.bankConflicts(), s.toString());
        Matcher tile = TILE.matcher(s.kernel());
        int rows = tile.find() ? Integer.parseInt(tile.group(1)) : 64;
        int columns = s.kernel().contains("ragged") ? 64 : Integer.parseInt(tile.group(2));
        long own = bytes * ((long) m * k * ((n + columns - 1) / columns) + (long) k * n * ((m + rows - 1) / rows)) + epilogueBytes;
        assertTrue(32 * s.loads().sectors() <= 1.1 * own, s + ": " + own + " bytes by its tiles");
    }

    @Test
    void productsReadWhatTheirTilesNeedWithoutConflicts() {
        int m = 192;
        int n = 320;
        int k = 160;
        TreeSet<String> seen = new TreeSet<>();
        for (DType dtype : new DType[] {DType.F16, DType.BF16, DType.F32}) {
            for (int t = 0; t < 3; t++) {
                Sample s = Sample.of(new MatMul(t == 2, t == 0), t == 2 ? Operand.of(k, m) : Operand.of(m, k), t == 0 ? Operand.of(n, k) : Operand.of(k, n));
                counts(s, dtype).stream().filter(c -> c.kernel().contains("x")).forEach(c -> {
                    check(c, m, n, k, dtype.bytes(), 0);
                    seen.add(c.kernel());
                });
            }
        }
        assertEquals(36, seen.size(), "tiles, layouts, types: " + seen);
    }

    /** Elements that begin anywhere come through registers, still in whole sectors but for the ends of rows. */
    @Test
    void raggedProductsReadNeighboursTogether() {
        int m = 65;
        int n = 129;
        int k = 399;
        for (int t = 0; t < 3; t++) {
            Sample s = Sample.of(new MatMul(t == 2, t == 0), t == 2 ? Operand.of(k, m) : Operand.of(m, k), t == 0 ? Operand.of(n, k) : Operand.of(k, n));
            counts(s, DType.F16).stream().filter(c -> c.kernel().contains("ragged")).forEach(c -> {
                assertEquals(0, c.bankConflicts(), c.toString());
                assertTrue(c.loads().sectorRatio() < 1.6, c.toString());
            });
        }
    }

    @Test
    void productsOfBytesReadWhatTheirTilesNeedWithoutConflicts() {
        Sample s = Sample.of(new QuantizedMatMul(Nonlinearity.NONE, 0, DType.F32), Operand.integers(DType.I8, -128, 128, 192, 320), Operand.integers(DType.I8, -128, 128, 320, 320),
                Operand.of(320), Operand.of(320));
        counts(s, DType.F32).forEach(c -> check(c, 192, 320, 320, 1, 8 * 320 * 3 * 2));
    }

    /** Kernel text with one thing changed. @return whether that is seen: a fault, a wrong result or a conflict */
    private static boolean caught(String kernel, String text) {
        int m = 64;
        int n = 64;
        int k = 160; // the last slice lies where results are written
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT.counting(true), "changed", text.getBytes(StandardCharsets.UTF_8))) {
            Random random = new Random(1);
            int[] a = random.ints(m * k, -2, 3).toArray();
            int[] b = random.ints(k * n, -2, 3).toArray();
            long y = rig.driver.allocate(2L * m * n);
            rig.launch(kernel, 1, 128, 256 * 128, rig.upload(halves(a)), rig.upload(halves(b)), y, 0L, m, n, k, k);
            int[] got = rig.ints(y, m * n / 2);
            for (int i = 0; i < m * n; i++) {
                int sum = 0;
                for (int j = 0; j < k; j++) {
                    sum += a[i / n * k + j] * b[j * n + i % n];
                }
                if (Float.float16ToFloat((short) (got[i / 2] >>> 16 * (i % 2))) != sum) {
                    return true;
                }
            }
            return rig.driver.takeStats().getFirst().bankConflicts() > 0;
        } catch (DriverException e) {
            return true;
        }
    }

    private static int[] halves(int[] values) {
        int[] words = new int[values.length / 2];
        for (int i = 0; i < values.length; i++) {
            words[i / 2] |= (Float.floatToFloat16(values[i]) & 0xffff) << 16 * (i % 2);
        }
        return words;
    }

    /**
     * Each exclusive or is a place in shared memory: one that is left out makes results wrong or banks meet. So are a wait that is too short and a fragment that is not transposed.
     */
    @Test
    void plantedErrorsAreCaught() {
        String kernel = "matmul_nn_64x64_f16";
        String module = Catalog.ptx("matmul_backward_f16");
        int from = module.indexOf(".entry " + kernel + "(");
        int end = module.indexOf("\n}", from);
        String body = module.substring(from, end);
        assertTrue(!caught(kernel, module), "the kernel as it is");
        List<String> missed = new ArrayList<>();
        int places = 0;
        for (String[] change : new String[][] {{"xor.b32", "or.b32"}, {"cp.async.wait_group 2", "cp.async.wait_group 3"}, {".x4.trans.", ".x4."},
                {"bar.sync 0;", "bar.warp.sync -1;"}}) {
            for (int at = body.indexOf(change[0]); at >= 0; at = body.indexOf(change[0], at + 1)) {
                String changed = body.substring(0, at) + change[1] + body.substring(at + change[0].length());
                places++;
                if (!caught(kernel, module.substring(0, from) + changed + module.substring(end))) {
                    missed.add(change[0] + " at " + at);
                }
            }
        }
        assertTrue(places > 10, "places to change: " + places);
        assertEquals(List.of(), missed);
    }
}
