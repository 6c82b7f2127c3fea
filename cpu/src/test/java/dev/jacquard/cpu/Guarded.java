package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.Arena;
import java.util.Random;

/** A native float array between two guard bands that {@link #check} proves untouched. */
public final class Guarded {
    private static final int BAND = 256;
    private static final int CANARY = 0x7fc0dead; // a NaN: reading it shows as well

    public final long address;
    public final int n;

    public Guarded(Arena arena, long floats) {
        n = Math.toIntExact(floats);
        address = arena.allocate(4L * (n + 2L * BAND) + 64, 64).address() + 4L * BAND;
        for (int i = -BAND; i < n + BAND; i++) {
            Raw.setInt(address + 4L * i, CANARY);
        }
    }

    public static Guarded bytes(Arena arena, long bytes) {
        return new Guarded(arena, (bytes + 3) / 4);
    }

    public Guarded random(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < n; i++) {
            Raw.set(address + 4L * i, random.nextFloat() * 2 - 1);
        }
        return this;
    }

    public float get(long i) {
        return Raw.get(address + 4 * i);
    }

    public void set(long i, float v) {
        Raw.set(address + 4 * i, v);
    }

    public void check(String what) {
        for (int i = 1; i <= BAND; i++) {
            assertEquals(CANARY, Raw.getInt(address - 4L * i), what + ": written before its start");
            assertEquals(CANARY, Raw.getInt(address + 4L * (n + i - 1)), what + ": written past its end");
        }
    }

    /** Compares with expected values; the tolerance is for sums of {@code terms} products of numbers below one. */
    public void expect(double[] expected, double terms, String what) {
        check(what);
        double tolerance = 1e-6 * (1 + Math.sqrt(terms)) * 4;
        for (int i = 0; i < n; i++) {
            if (!(Math.abs(get(i) - expected[i]) <= tolerance * (1 + Math.abs(expected[i])))) {
                fail(what + ": element " + i + " got " + get(i) + " want " + expected[i]);
            }
        }
    }

    public void expectSame(Guarded other, String what) {
        for (int i = 0; i < n; i++) {
            assertEquals(Float.floatToRawIntBits(other.get(i)), Float.floatToRawIntBits(get(i)), what + ": element " + i);
        }
    }

    double[] toArray() {
        double[] v = new double[n];
        for (int i = 0; i < n; i++) {
            v[i] = get(i);
        }
        return v;
    }
}
