package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Halves;
import java.lang.foreign.Arena;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Halves to floats and back, bit for bit what the scalar conversions give, in vectors and in their scalar ends. */
class HalfRowsTest {
    private static final int COLUMNS = 97; // whole vectors of every width, and an end
    private static final long TO_ROW = 4 * COLUMNS + 12;

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void everyHalfWidens(DType half) {
        int rows = 65_536 / COLUMNS + 1;
        for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
            try (Arena arena = Arena.ofConfined()) {
                long from = arena.allocate(2L * rows * COLUMNS).address();
                for (int i = 0; i < rows * COLUMNS; i++) {
                    Raw.setShort(from + 2L * i, (short) i);
                }
                Guarded to = Guarded.bytes(arena, rows * TO_ROW);
                simd.widen(half, rows, COLUMNS, from, 2 * COLUMNS, to.address, TO_ROW);
                to.check("widened");
                for (int i = 0; i < rows * COLUMNS; i++) {
                    float want = half == DType.F16 ? Float.float16ToFloat((short) i) : Halves.bf16ToFloat((short) i);
                    int got = Raw.getInt(to.address + i / COLUMNS * TO_ROW + 4L * (i % COLUMNS));
                    assertEquals(Float.floatToRawIntBits(want), got, simd.describe() + ", " + half + " " + Integer.toHexString(i & 0xffff));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void floatsNarrow(DType half) {
        int[] bits = floats(half);
        int rows = bits.length / COLUMNS + 1;
        long toRow = 2 * COLUMNS + 6;
        for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
            try (Arena arena = Arena.ofConfined()) {
                long from = arena.allocate(4L * rows * COLUMNS).address();
                for (int i = 0; i < bits.length; i++) {
                    Raw.setInt(from + 4L * i, bits[i]);
                }
                Guarded to = Guarded.bytes(arena, rows * toRow);
                simd.narrow(half, rows, COLUMNS, from, 4 * COLUMNS, to.address, toRow);
                to.check("narrowed");
                for (int i = 0; i < bits.length; i++) {
                    float x = Float.intBitsToFloat(bits[i]);
                    short want = half == DType.F16 ? Float.floatToFloat16(x) : Halves.floatToBf16(x);
                    assertEquals(want, Raw.getShort(to.address + i / COLUMNS * toRow + 2L * (i % COLUMNS)), simd.describe() + ", " + half + " of " + Integer.toHexString(bits[i]));
                }
            }
        }
    }

    /** Every half, the middle between it and the next with the floats around it, both signs, NaNs with payloads in either half of the mantissa; and random bits. */
    private static int[] floats(DType half) {
        int unit = half == DType.F16 ? 1 << 13 : 1 << 16;
        IntStream near = IntStream.range(0, 65_536).flatMap(h -> {
            int at = Float.floatToRawIntBits(half == DType.F16 ? Float.float16ToFloat((short) h) : Halves.bf16ToFloat((short) h));
            float here = Math.abs(Float.intBitsToFloat(at));
            float next = half == DType.F16 && here < 0x1p-14f ? here + 0x1p-24f : Float.intBitsToFloat((at & 0x7fffffff) + unit);
            int middle = Float.floatToRawIntBits(here + (next - here) / 2) | at & 0x80000000;
            return IntStream.of(at, middle - 1, middle, middle + 1);
        });
        IntStream special = IntStream.of(0x7f800001, 0xff800001, 0x7f801fff, 0x7fc00000, 0xffffffff, 0x7fbfffff, 1, 0x80000001, 0x007fffff, 0x33000000, 0x33000001, 0x477fefff,
                0x477ff000, 0x7f7fffff);
        return IntStream.concat(IntStream.concat(near, special), new Random(5).ints(200_000)).toArray();
    }
}
