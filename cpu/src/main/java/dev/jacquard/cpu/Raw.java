package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Halves;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Unchecked access to native memory: one segment over the whole address space, so that the compiler sees a constant. */
@SuppressWarnings("restricted") // reinterpret: the JVM is started with --enable-native-access
public final class Raw {
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private Raw() {}

    /** A float. */
    public static float get(long address) {
        return ALL.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
    }

    /** Sets a float. */
    public static void set(long address, float value) {
        ALL.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, value);
    }

    /** An int. */
    public static int getInt(long address) {
        return ALL.get(ValueLayout.JAVA_INT_UNALIGNED, address);
    }

    /** Sets an int. */
    public static void setInt(long address, int value) {
        ALL.set(ValueLayout.JAVA_INT_UNALIGNED, address, value);
    }

    static long getLong(long address) {
        return ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    /** Writes 64 bits. */
    public static void setLong(long address, long value) {
        ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
    }

    /** A byte. */
    public static byte getByte(long address) {
        return ALL.get(ValueLayout.JAVA_BYTE, address);
    }

    /** Sets a byte. */
    public static void setByte(long address, byte value) {
        ALL.set(ValueLayout.JAVA_BYTE, address, value);
    }

    static short getShort(long address) {
        return ALL.get(ValueLayout.JAVA_SHORT_UNALIGNED, address);
    }

    static void setShort(long address, short value) {
        ALL.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, value);
    }

    /** Copies bytes; the two places do not overlap. */
    public static void copy(long from, long to, long bytes) {
        MemorySegment.copy(ALL, from, ALL, to, bytes);
    }

    /** Sets bytes to zero. */
    public static void zero(long address, long bytes) {
        if (bytes > 0) {
            ALL.asSlice(address, bytes).fill((byte) 0);
        }
    }

    /** An element as a double. */
    static double get(long address, DType type) {
        return switch (type) {
            case F32 -> get(address);
            case F64 -> ALL.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, address);
            case F16 -> Float.float16ToFloat(getShort(address));
            case BF16 -> Halves.bf16ToFloat(getShort(address));
            case I8 -> getByte(address);
            case U8 -> getByte(address) & 0xff;
            case I32 -> getInt(address);
            case I64 -> getLong(address);
        };
    }

    /** Sets an element from a double, as {@link Elements#set} does. */
    static void set(long address, DType type, double value) {
        if (type == DType.F32) {
            set(address, (float) value);
        } else {
            Elements.setAt(ALL, type, address, value);
        }
    }

    /** Memory as a segment of its own. */
    public static MemorySegment segment(long address, long bytes) {
        return ALL.asSlice(address, bytes);
    }

    /** The next multiple of 64: scratch parts start on cache lines of their own. */
    public static long align(long bytes) {
        return bytes + 63 & -64L;
    }
}
