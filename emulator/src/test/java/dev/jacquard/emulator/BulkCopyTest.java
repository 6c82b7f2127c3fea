package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
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
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code cp.async.bulk} and tensor maps: what they copy, when, and how kernels get it wrong. The kernels are in src/test/cuda/hopper.cu. */
class BulkCopyTest {
    private final Rig rig = new Rig(EmulatorOptions.DEFAULT, "hopper.ptx");
    private final float[] x = new float[64 * 16];

    BulkCopyTest() {
        for (int i = 0; i < x.length; i++) {
            x[i] = i + 1;
        }
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void caught(String kernel, int threads, String thread, String expected, Object... more) throws IOException {
        Object[] values = new Object[more.length + 2];
        values[0] = rig.upload(x);
        values[1] = rig.driver.allocate(256);
        System.arraycopy(more, 0, values, 2, more.length);
        TensorFaults.caughtIn("hopper.cu", rig, kernel, threads, 0, thread, expected, values);
    }

    @Test
    void copies() {
        long y = rig.driver.allocate(256);
        rig.launch("bulk", 1, 64, 0, rig.upload(x), y);
        float[] got = rig.floats(y, 64);
        for (int i = 0; i < 64; i++) {
            assertEquals(64 - i, got[i]);
        }
    }

    @Test
    void counted() {
        rig.driver.count(true);
        byte[] m = matrix(20, 160);
        TensorMap map = new TensorMap(2, rig.upload(m), List.of(80L, 20L), List.of(160L), List.of(16, 8), Swizzle.B32);
        rig.launch("tile_out", 1, 32, map.boxBytes(), parameter(map), parameter(map), 70, 14, map.boxBytes());
        LaunchStats s = rig.driver.takeStats().getFirst();
        assertEquals(6 * 20, s.bytesRead()); // of the box's 8 rows and 16 columns 6 and 10 are inside
        assertEquals(6 * 20, s.stores().bytes());
        assertEquals(6, s.loads().count());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 11})
    void pipelines(int k) {
        long y = rig.driver.allocate(256);
        rig.launch("bulk_pipeline", 1, 96, 0, rig.upload(x), y, k);
        float[] got = rig.floats(y, 64);
        for (int i = 0; i < 64; i++) {
            float sum = 0;
            for (int j = 0; j < k; j++) {
                sum += x[64 * j + 63 - i];
            }
            assertEquals(sum, got[i]);
        }
    }

    @Test
    void refilledTooEarly() throws IOException {
        caught("bulk_refill_too_early", 64, "(32,0,0)", "race in shared memory: cp.async.bulk after a read by thread (31,0,0)");
    }

    @Test
    void withoutWait() throws IOException {
        caught("bulk_without_wait", 64, "(0,0,0)", "read of shared memory that cp.async.bulk (hopper.cu");
    }

    @Test
    void parityWrong() throws IOException {
        caught("bulk_parity_wrong", 64, "(0,0,0)", "is filling and that has not been waited for, at offset 128 of");
    }

    @Test
    void allThreadsWait() throws IOException {
        caught("bulk_others_do_not_wait", 64, "(32,0,0)", "has filled, without a wait of this thread for its mbarrier, at offset 256 of");
    }

    @Test
    void expectsTooMuch() throws IOException {
        caught("bulk_expects", 64, "(32,0,0)", "which nobody can complete: phase 0 still expects 0 of 1 arrivals and 16 bytes", 272);
    }

    @Test
    void expectsTooLittle() throws IOException {
        caught("bulk_expects", 64, "(32,0,0)", "which nobody can complete: phase 0 still expects 0 of 1 arrivals and -16 bytes", 240);
    }

    @Test
    void expectsOneOfTwo() throws IOException {
        caught("bulk_expects_less", 64, "(32,0,0)", "is filling and that has not been waited for, at offset 256 of");
    }

    @Test
    void initWithoutFence() throws IOException {
        caught("bulk_init_without_fence", 64, "(0,0,0)", "missing fence.mbarrier_init or fence.proxy.async");
    }

    @Test
    void neverWaited() throws IOException {
        caught("bulk_never_waited", 64, "(0,0,0)", "the block has ended and nobody has waited for this copy");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"0|24|must be a multiple of 16", "8|16|must be aligned to 16 bytes", "4000|128|read by cp.async.bulk of 128 bytes at ",
        "0|400|write by cp.async.bulk of 400 bytes of shared memory"})
    void sizesAndPlaces(int from, int n, String expected) throws IOException {
        caught("bulk_size", 64, "(0,0,0)", expected, from, n);
    }

    @Test
    void out() {
        long y = rig.driver.allocate(256);
        rig.launch("bulk_out", 1, 64, 0, rig.upload(x), y);
        float[] got = rig.floats(y, 64);
        for (int i = 0; i < 64; i++) {
            assertEquals(i + 2, got[i]);
        }
    }

    @Test
    void outWithoutFence() throws IOException {
        caught("bulk_out_without_fence", 64, "(0,0,0)", "missing fence.proxy.async: read by cp.async.bulk of shared memory that thread (0,0,0) (hopper.cu");
    }

    @Test
    void outWithoutBarrier() throws IOException {
        caught("bulk_out_without_barrier", 64, "(32,0,0)", "race in shared memory: read by cp.async.bulk after a write by thread (31,0,0)");
    }

    @Test
    void outOverwritten() throws IOException {
        caught("bulk_out_overwritten", 64, "(0,0,0)", "write to shared memory that cp.async.bulk (hopper.cu");
    }

    @Test
    void outNotCommitted() throws IOException {
        caught("bulk_out_not_committed", 64, "(0,0,0)", "the thread has not waited for this copy to have read shared memory");
    }

    // Tensors.

    private MemorySegment parameter(TensorMap map) {
        return rig.struct(TensorMap.BYTES).copyFrom(MemorySegment.ofArray(rig.driver.encode(map)));
    }

    /** A matrix of 16-bit elements in rows of so many bytes. */
    private byte[] matrix(int rows, int stride) {
        byte[] m = new byte[rows * stride];
        new Random(5).nextBytes(m);
        return m;
    }

    /**
     * Where a box's byte must be, by the PTX ISA's figures: rows of the span, of whose 16-byte chunks the numbers are xor-ed with that of the row, or of each second or fourth row.
     */
    private static int swizzled(int row, int byteOfRow, int width, Swizzle swizzle) {
        int chunk = byteOfRow / 16;
        int moved = switch (swizzle) {
            case NONE -> chunk;
            case B32 -> chunk ^ row / 4 % 2;
            case B64 -> chunk ^ row / 2 % 4;
            case B128 -> chunk ^ row % 8;
        };
        return row * width + moved * 16 + byteOfRow % 16;
    }

    private void checkTile(Swizzle swizzle, int columns, int rows, int column, int row) {
        int width = swizzle == Swizzle.NONE ? 48 : swizzle.span();
        int boxRows = 24;
        int stride = (2 * columns + 15) / 16 * 16;
        byte[] m = matrix(rows, stride);
        TensorMap map = new TensorMap(2, rig.upload(m), List.of((long) columns, (long) rows), List.of((long) stride), List.of(width / 2, boxRows), swizzle);
        int bytes = map.boxBytes();
        long y = rig.driver.allocate(bytes);
        rig.launch("tile", 1, 64, bytes, parameter(map), y, column, row, bytes);
        byte[] want = new byte[bytes];
        for (int i = 0; i < boxRows; i++) {
            for (int b = 0; b < width; b++) {
                int c = column + b / 2;
                int r = row + i;
                boolean inside = c >= 0 && c < columns && r >= 0 && r < rows;
                want[swizzled(i, b, width, swizzle)] = inside ? m[r * stride + 2 * c + b % 2] : 0;
            }
        }
        byte[] got = new byte[bytes];
        rig.driver.copyToHost(MemorySegment.ofArray(got), y, rig.stream);
        assertArrayEquals(want, got);
    }

    @ParameterizedTest
    @EnumSource(Swizzle.class)
    void tiles(Swizzle swizzle) {
        checkTile(swizzle, 128, 64, 8, 16);
        checkTile(swizzle, 128, 64, 3, 7);
    }

    @ParameterizedTest
    @EnumSource(Swizzle.class)
    void zerosOutside(Swizzle swizzle) {
        checkTile(swizzle, 77, 33, 60, 20);
        checkTile(swizzle, 77, 33, -5, -2);
        checkTile(swizzle, 77, 33, 200, 0);
        checkTile(swizzle, 5, 3, -1, -1);
    }

    @Test
    void threeDimensions() {
        byte[] m = matrix(4 * 5, 64);
        TensorMap map = new TensorMap(4, rig.upload(m), List.of(16L, 5L, 4L), List.of(64L, 320L), List.of(4, 3, 2), Swizzle.NONE);
        long y = rig.driver.allocate(96);
        rig.launch("tile3", 1, 32, 96, parameter(map), y, 2, 3, 1, 96);
        byte[] got = new byte[96];
        rig.driver.copyToHost(MemorySegment.ofArray(got), y, rig.stream);
        for (int i = 0; i < 96; i++) {
            int row = 3 + i / 16 % 3;
            int at = (1 + i / 48) * 320 + row * 64 + 8 + i % 16;
            assertEquals(row < 5 ? m[at] : 0, got[i], "byte " + i);
        }
    }

    /** Every second row and every third matrix, from outside of the tensor on. */
    @Test
    void steps() {
        byte[] m = matrix(7 * 5, 64);
        TensorMap map = new TensorMap(4, rig.upload(m), List.of(16L, 5L, 7L), List.of(64L, 320L), List.of(4, 6, 6), List.of(1, 2, 3), Swizzle.NONE);
        assertEquals(4 * 4 * 3 * 2, map.boxBytes());
        long y = rig.driver.allocate(96);
        rig.launch("tile3", 1, 32, 96, parameter(map), y, 2, -1, 1, 96);
        byte[] got = new byte[96];
        rig.driver.copyToHost(MemorySegment.ofArray(got), y, rig.stream);
        for (int i = 0; i < 96; i++) {
            int row = -1 + 2 * (i / 16 % 3);
            int at = (1 + 3 * (i / 48)) * 320 + row * 64 + 8 + i % 16;
            assertEquals(row >= 0 ? m[at] : 0, got[i], "byte " + i);
        }
    }

    @ParameterizedTest
    @EnumSource(Swizzle.class)
    void tilesOut(Swizzle swizzle) {
        byte[] m = matrix(20, 160);
        int width = swizzle == Swizzle.NONE ? 32 : swizzle.span();
        long to = rig.upload(new byte[m.length]);
        TensorMap from = new TensorMap(2, rig.upload(m), List.of(77L, 20L), List.of(160L), List.of(width / 2, 8), swizzle);
        TensorMap into = new TensorMap(2, to, List.of(70L, 18L), List.of(160L), List.of(width / 2, 8), swizzle);
        rig.launch("tile_out", 1, 32, from.boxBytes(), parameter(from), parameter(into), 60, 12, from.boxBytes());
        byte[] got = new byte[m.length];
        rig.driver.copyToHost(MemorySegment.ofArray(got), to, rig.stream);
        for (int i = 0; i < m.length; i++) {
            int row = i / 160;
            int column = i % 160 / 2;
            boolean copied = row >= 12 && row < 18 && column >= 60 && column < Math.min(70, 60 + width / 2);
            assertEquals(copied ? m[i] : 0, got[i], "byte " + i);
        }
    }

    @Test
    void notAMap() throws IOException {
        TensorFaults.caughtIn("hopper.cu", rig, "tile", 32, 1024, "(0,0,0)", "not a tensor map", rig.struct(TensorMap.BYTES), rig.driver.allocate(1024), 0, 0, 1024);
    }

    @Test
    void aMapBeyondItsBuffer() throws IOException {
        TensorMap map = new TensorMap(2, rig.upload(matrix(9, 128)), List.of(64L, 10L), List.of(128L), List.of(64, 8), Swizzle.B128);
        TensorFaults.caughtIn("hopper.cu", rig, "tile", 32, 1024, "(0,0,0)", "read by cp.async.bulk.tensor of 128 bytes at ", parameter(map), rig.driver.allocate(1024),
                0, 2, 1024);
    }

    @Test
    void mapsThatTheDriverRefuses() {
        List<Integer> box = List.of(64, 8);
        List<Long> sizes = List.of(64L, 8L);
        refused("multiple of 16", () -> new TensorMap(2, 8, sizes, List.of(128L), box, Swizzle.NONE));
        refused("strides", () -> new TensorMap(2, 0, sizes, List.of(120L), box, Swizzle.NONE));
        refused("span of the swizzle", () -> new TensorMap(2, 0, sizes, List.of(128L), box, Swizzle.B64));
        refused("1 to 256", () -> new TensorMap(2, 0, sizes, List.of(128L), List.of(64, 257), Swizzle.NONE));
        refused("rows are multiples", () -> new TensorMap(2, 0, sizes, List.of(128L), List.of(4, 8), Swizzle.NONE));
        refused("steps of 1 to 8", () -> new TensorMap(2, 0, sizes, List.of(128L), box, List.of(1, 9), Swizzle.NONE));
        refused("the first of 1", () -> new TensorMap(2, 0, sizes, List.of(128L), box, List.of(2, 1), Swizzle.NONE));
    }

    private static void refused(String expected, Runnable make) {
        String message = assertThrows(DriverException.class, make::run).getMessage();
        assertTrue(message.contains(expected), message);
    }
}
