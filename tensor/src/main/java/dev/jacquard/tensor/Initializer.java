package dev.jacquard.tensor;

/** Makes a variable's first values: a pure function of its shape and a seed that differs from variable to variable. */
@FunctionalInterface
public interface Initializer {
    /** All zeros. */
    Initializer ZEROS = (shape, seed) -> new float[Math.toIntExact(shape.size())];

    /** The values, row-major, in the engine's own layout (weights KRSC). */
    float[] values(Shape shape, long seed);

    /** One value everywhere. */
    static Initializer constant(float value) {
        return (shape, seed) -> {
            float[] v = new float[Math.toIntExact(shape.size())];
            java.util.Arrays.fill(v, value);
            return v;
        };
    }
}
