package dev.jacquard.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class HalvesTest {
    @Test
    void everyBf16SurvivesTheRoundTrip() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = Halves.bf16ToFloat((short) bits);
            int expected = Float.isNaN(value) ? bits | 0x40 : bits;
            assertEquals((short) expected, Halves.floatToBf16(value), "bits " + Integer.toHexString(bits));
        }
    }

    @Test
    void roundsToNearestTiesToEven() {
        assertEquals((short) 0x3f80, bf16(0x3f808000), "a tie goes down to even");
        assertEquals((short) 0x3f82, bf16(0x3f818000), "a tie goes up to even");
        assertEquals((short) 0x3f81, bf16(0x3f808001));
        assertEquals((short) 0x3f80, bf16(0x3f807fff));
        assertEquals((short) 0x7f80, bf16(0x7f7fffff), "the largest float is nearer to infinity");
        assertEquals((short) 0x8000, bf16(0x80000000));
    }

    @Test
    void nanStaysNan() {
        for (int bits : new int[] {0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc00000}) {
            short half = bf16(bits);
            assertTrue(Float.isNaN(Halves.bf16ToFloat(half)), "bits " + Integer.toHexString(bits));
            assertEquals(bits < 0, half < 0, "sign of " + Integer.toHexString(bits));
        }
    }

    private static short bf16(int bits) {
        return Halves.floatToBf16(Float.intBitsToFloat(bits));
    }
}
