package dev.jacquard.emulator.ptx;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** A fundamental type of PTX. */
public enum PtxType {
    /** A truth value. */
    PRED(0, 'p'),
    /** Untyped bits. */
    B8(1, 'b'), B16(2, 'b'), B32(4, 'b'), B64(8, 'b'), B128(16, 'b'),
    /** Unsigned integers. */
    U8(1, 'u'), U16(2, 'u'), U32(4, 'u'), U64(8, 'u'),
    /** Signed integers. */
    S8(1, 's'), S16(2, 's'), S32(4, 's'), S64(8, 's'),
    /** IEEE floats. */
    F16(2, 'f'), F32(4, 'f'), F64(8, 'f'),
    /** Other floats, and pairs. */
    BF16(2, 'f'), TF32(4, 'f'), F16X2(4, 'f'), BF16X2(4, 'f');

    private static final Map<String, PtxType> BY_NAME = new HashMap<>();

    static {
        for (PtxType t : values()) {
            BY_NAME.put(t.name().toLowerCase(Locale.ROOT), t);
        }
    }

    private final int bytes;
    private final char kind;

    PtxType(int bytes, char kind) {
        this.bytes = bytes;
        this.kind = kind;
    }

    /** Bytes in memory; 0 for a predicate. */
    public int bytes() {
        return bytes;
    }

    /** Whether its registers are 64 bits wide. */
    public boolean wide() {
        return bytes == 8;
    }

    /** Whether it is a signed integer. */
    public boolean signed() {
        return kind == 's';
    }

    /** Whether it is a floating type. */
    public boolean floating() {
        return kind == 'f';
    }

    /** The type of a name without its dot, or null. */
    public static PtxType of(String name) {
        return BY_NAME.get(name);
    }
}
