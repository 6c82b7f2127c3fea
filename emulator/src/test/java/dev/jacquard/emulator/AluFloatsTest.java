package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Arithmetic in F32 on operands of whose bits the host's processor might keep more than devices do. */
class AluFloatsTest {
    private static final Map<String, Alu32.Op> TABLE = new HashMap<>();

    static {
        AluFloats.add(TABLE);
    }

    /** Else a kernel's NaN would depend on whether the host's compiler had already seen the loop: runs would differ in bits. */
    @ParameterizedTest
    @ValueSource(strings = {"add.f32", "sub.f32", "mul.f32", "fma.f32", "div.f32", "min.f32", "max.NaN.f32", "rcp.f32", "sqrt.f32"})
    void allResultsThatAreNoNumbersAreTheSame(String key) {
        int[] nan = {0xffc00001, 0x7fc01234, 0xffffffff};
        int[] d = new int[3];
        TABLE.get(key).run(d, nan, nan, nan, nan);
        for (int bits : d) {
            assertEquals(0x7fffffff, bits, key);
        }
    }
}
