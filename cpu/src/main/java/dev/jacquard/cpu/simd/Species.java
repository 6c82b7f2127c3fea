package dev.jacquard.cpu.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** The vector width of this process, and float loads and stores at native addresses. Property {@code jacquard.cpu.vectorbits} overrides the width. */
@SuppressWarnings("restricted") // reinterpret: the JVM is started with --enable-native-access
final class Species {
    /** Floats of the chosen width. */
    static final VectorSpecies<Float> F = choose();

    /** Ints of the same width. */
    static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());

    /** Floats per vector. */
    static final int LANES = F.length();

    /** Bytes per vector. */
    static final int BYTES = F.vectorByteSize();

    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private Species() {}

    private static VectorSpecies<Float> choose() {
        return switch (Integer.getInteger("jacquard.cpu.vectorbits", 0)) {
            case 128 -> FloatVector.SPECIES_128;
            case 256 -> FloatVector.SPECIES_256;
            case 512 -> FloatVector.SPECIES_512;
            default -> FloatVector.SPECIES_PREFERRED;
        };
    }

    static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(F, ALL, address, ORDER);
    }

    static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(F, ALL, address, ORDER, mask);
    }

    static void store(FloatVector v, long address) {
        v.intoMemorySegment(ALL, address, ORDER);
    }

    static void store(FloatVector v, long address, VectorMask<Float> mask) {
        v.intoMemorySegment(ALL, address, ORDER, mask);
    }

    static void store(IntVector v, long address) {
        v.intoMemorySegment(ALL, address, ORDER);
    }

    static void store(IntVector v, long address, VectorMask<Integer> mask) {
        v.intoMemorySegment(ALL, address, ORDER, mask);
    }

    static IntVector loadInts(long address) {
        return IntVector.fromMemorySegment(I, ALL, address, ORDER);
    }

    static IntVector loadInts(long address, VectorMask<Integer> mask) {
        return IntVector.fromMemorySegment(I, ALL, address, ORDER, mask);
    }

    /** One number in all lanes, rounded to float. */
    static FloatVector all(double x) {
        return FloatVector.broadcast(F, (float) x);
    }

    static FloatVector splat(long address) {
        return FloatVector.broadcast(F, ALL.get(FLOAT, address));
    }

    static float get(long address) {
        return ALL.get(FLOAT, address);
    }

    static void set(long address, float value) {
        ALL.set(FLOAT, address, value);
    }
}
