package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.TensorMap;
import dev.jacquard.kernels.driver.TensorMap.Swizzle;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code wgmma} from end to end: tiles that tensor maps swizzle, products of warpgroups, and planted bugs. The kernels are in src/test/cuda/hopper_gemm.cu. */
class GroupProductTest {
    private final Rig rig = new Rig(EmulatorOptions.DEFAULT, "hopper_gemm.ptx");
    private final Random random = new Random(9);

    @AfterEach
    void close() {
        rig.close();
    }

    /** Small integers, which halves and sums of their products hold exactly. */
    private short[] matrix(int rows, int columns) {
        short[] m = new short[rows * columns];
        for (int i = 0; i < m.length; i++) {
            m[i] = Float.floatToFloat16(random.nextInt(17) - 8);
        }
        return m;
    }

    /** A map of a matrix of halves whose rows go along k, in boxes of 64 of k. */
    private MemorySegment map(short[] m, int rows, int columns, Swizzle swizzle) {
        long base = rig.driver.allocate(2L * m.length);
        rig.driver.copyToDevice(base, MemorySegment.ofArray(m), rig.stream);
        TensorMap map = new TensorMap(2, base, List.of((long) columns, (long) rows), List.of(2L * columns), List.of(64, rows), swizzle);
        return rig.struct(TensorMap.BYTES).copyFrom(MemorySegment.ofArray(rig.driver.encode(map)));
    }

    private static double product(short[] a, short[] b, int row, int column, int depth) {
        double sum = 0;
        for (int k = 0; k < depth; k++) {
            sum += (double) Float.float16ToFloat(a[row * depth + k]) * Float.float16ToFloat(b[column * depth + k]);
        }
        return sum;
    }

    private static void check(short[] a, short[] b, int size, int depth, float[] got) {
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                assertEquals(product(a, b, i, j, depth), got[i * size + j], "row " + i + ", column " + j);
            }
        }
    }

    private float[] small(short[] a, short[] b, Swizzle swizzle, int mode) {
        long y = rig.driver.allocate(4 * 64 * 64);
        rig.launch("gemm64", 1, 128, 0, map(a, 64, 64, Swizzle.B128), map(b, 64, 64, swizzle), y, mode);
        return rig.floats(y, 64 * 64);
    }

    @Test
    void oneWarpgroup() {
        short[] a = matrix(64, 64);
        short[] b = matrix(64, 64);
        check(a, b, 64, 64, small(a, b, Swizzle.B128, 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 3})
    void aWrongModeInTheDescriptor(int mode) {
        short[] a = matrix(64, 64);
        short[] b = matrix(64, 64);
        float[] got = small(a, b, Swizzle.B128, mode);
        assertThrows(AssertionError.class, () -> check(a, b, 64, 64, got));
    }

    @Test
    void aMapThatDoesNotSwizzle() {
        short[] a = matrix(64, 64);
        short[] b = matrix(64, 64);
        float[] got = small(a, b, Swizzle.NONE, 1);
        assertThrows(AssertionError.class, () -> check(a, b, 64, 64, got));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 7})
    void twoWarpgroupsAndAProducer(int steps) {
        short[] a = matrix(128, 64 * steps);
        short[] b = matrix(128, 64 * steps);
        long y = rig.driver.allocate(4 * 128 * 128);
        rig.driver.maxDynamicShared(rig.function("gemm128"), 98304);
        rig.launch("gemm128", 1, 288, 98304, map(a, 128, 64 * steps, Swizzle.B128), map(b, 128, 64 * steps, Swizzle.B128), y, steps, 32);
        check(a, b, 128, 64 * steps, rig.floats(y, 128 * 128));
    }

    @Test
    void oneWarpReleasesForFour() throws IOException {
        short[] m = matrix(128, 64 * 7);
        rig.driver.maxDynamicShared(rig.function("gemm128"), 98304);
        TensorFaults.caughtIn("hopper_gemm.cu", rig, "gemm128", 288, 98304, "(256,0,0)", "cp.async.bulk after a read by thread (32,0,0)", map(m, 128, 64 * 7, Swizzle.B128),
                map(m, 128, 64 * 7, Swizzle.B128), rig.driver.allocate(4 * 128 * 128), 7, 128);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "gemm_no_wait_for_tiles | (0,0,0) | read of shared memory that cp.async.bulk (hopper_gemm.cu",
        "gemm_no_wait | (0,0,0) | read of an accumulator of a wgmma that has not been waited for",
        "gemm_wait_for_too_few | (0,0,0) | read of an accumulator of a wgmma that has not been waited for",
        "gemm_no_commit | (0,0,0) | read of an accumulator of a wgmma that has not been waited for",
        "gemm_no_fence | (0,0,0) | missing wgmma.fence: a register of this wgmma has been written since the last one",
        "gemm_no_proxy_fence | (0,0,0) | missing fence.proxy.async: read by wgmma of shared memory that thread (0,0,0) (hopper_gemm.cu",
        "gemm_refill_while_reading | (0,0,0) | write to shared memory that wgmma.mma_async.sync (hopper_gemm.cu",
        "gemm_never_waited | (0,0,0) | the block has ended and the warp has not waited for this wgmma",
        "gemm_three_warps | (96,0,0) | wgmma: the warp has ended without this product of its warpgroup"})
    void plantedBugs(String kernel, String thread, String expected) throws IOException {
        short[] m = matrix(64, 64);
        TensorFaults.caughtIn("hopper_gemm.cu", rig, kernel, 128, 0, thread, expected, map(m, 64, 64, Swizzle.B128), map(m, 64, 64, Swizzle.B128),
                rig.driver.allocate(4 * 64 * 64));
    }

    @Test
    void aPatternThatStartsElsewhere() {
        Fault e = assertThrows(Fault.class, () -> SharedMatrix.of(1L << 62 | (1024 + 128) >> 4, 0));
        assertTrue(e.getMessage().contains("must be aligned to 1024 bytes"), e.getMessage());
    }
}
