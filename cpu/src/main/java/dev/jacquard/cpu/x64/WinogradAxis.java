package dev.jacquard.cpu.x64;

/**
 * Winograd's minimal algorithm for a correlation with three taps along one axis (S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms
 * for Convolutional Neural Networks", 2016): some outputs from two inputs more, by as many products as there are inputs. An input transform B, a transform G of the taps and an
 * output transform A; an image is transformed along both axes. Transforms are emitted on registers, in place where it can be.
 *
 * <p>Products are values of polynomials at points; their choice decides how rounding errors grow. {@link #FOUR} has 0, 5/8, -5/8, 3/2, -3/2 and infinity: errors are two and a half
 * times smaller than with the usual 0, 1, -1, 2, -2 (measured on random operands), pairs of opposite points share half of the work, and all constants of A and B are exact in a
 * float.
 */
enum WinogradAxis {
    /** Two outputs by four products, at 0, 1, -1 and infinity. */
    TWO(2) {
        @Override
        float[] inputConstants() {
            return new float[0];
        }

        @Override
        Vec[] input(Assembler a, Vec[] d, Vec[] constants, VectorPool pool) {
            Vec sum = pool.take();
            a.vsubps(d[0], d[0], d[2]);
            a.vsubps(d[3], d[3], d[1]);
            a.vaddps(sum, d[1], d[2]);
            a.vsubps(d[2], d[2], d[1]);
            pool.give(d[1]);
            return new Vec[] {d[0], sum, d[2], d[3]};
        }

        @Override
        float[] outputConstants() {
            return new float[0];
        }

        @Override
        Vec[] output(Assembler a, Vec[] m, Vec[] constants, VectorPool pool) {
            a.vaddps(m[0], m[0], m[1]);
            a.vaddps(m[0], m[0], m[2]);
            a.vsubps(m[1], m[1], m[2]);
            a.vaddps(m[1], m[1], m[3]);
            pool.give(m[2], m[3]);
            return new Vec[] {m[0], m[1]};
        }

        @Override
        Vec[] taps(Assembler a, Vec[] g, VectorPool pool) {
            Literal half = Literal.of(0.5f);
            Vec plus = pool.take();
            Vec minus = pool.take();
            a.vaddps(plus, g[0], g[2]);
            a.vsubps(minus, plus, g[1]);
            a.vaddps(plus, plus, g[1]);
            a.vmulps(plus, plus, half);
            a.vmulps(minus, minus, half);
            pool.give(g[1]);
            return new Vec[] {g[0], plus, minus, g[2]};
        }

        @Override
        Vec[] spread(Assembler a, Vec[] e, Vec[] constants, VectorPool pool) {
            Vec[] t = pool.take(2);
            a.vaddps(t[0], e[0], e[1]);
            a.vsubps(t[1], e[0], e[1]);
            return new Vec[] {e[0], t[0], t[1], e[1]};
        }

        @Override
        Vec[] gather(Assembler a, Vec[] m, VectorPool pool) {
            Literal half = Literal.of(0.5f);
            Vec sum = pool.take();
            a.vaddps(sum, m[1], m[2]);
            a.vsubps(m[1], m[1], m[2]);
            a.vfmadd231ps(m[0], sum, half);
            a.vmulps(m[1], m[1], half);
            a.vfmadd231ps(m[3], sum, half);
            pool.give(m[2], sum);
            return new Vec[] {m[0], m[1], m[3]};
        }
    },

    /** Four outputs by six products. */
    FOUR(4) {
        @Override
        float[] inputConstants() {
            return new float[] {A * A * B * B, A * A + B * B, A * A, B * B, A, B};
        }

        /** Products of (x - p_j) over all points but one; those of a pair of opposite points are even + odd and even - odd. */
        @Override
        Vec[] input(Assembler a, Vec[] d, Vec[] c, VectorPool pool) {
            Vec even = pool.take();
            a.vfmadd213ps(d[0], c[0], d[4]);
            a.vfnmadd231ps(d[0], c[1], d[2]);
            a.vfmadd231ps(d[5], c[0], d[1]);
            a.vfnmadd231ps(d[5], c[1], d[3]);
            a.vmovups(even, d[4]);
            a.vfnmadd231ps(even, c[3], d[2]);
            a.vfnmadd231ps(d[4], c[2], d[2]);
            a.vmovups(d[2], d[3]);
            a.vfnmadd231ps(d[2], c[3], d[1]);
            a.vfnmadd231ps(d[3], c[2], d[1]);
            a.vmovups(d[1], even);
            a.vfmadd231ps(d[1], c[4], d[2]);
            a.vfnmadd231ps(even, c[4], d[2]);
            a.vmovups(d[2], d[4]);
            a.vfmadd231ps(d[2], c[5], d[3]);
            a.vfnmadd231ps(d[4], c[5], d[3]);
            pool.give(d[3]);
            return new Vec[] {d[0], d[1], even, d[2], d[4], d[5]};
        }

        @Override
        float[] outputConstants() {
            return new float[] {A, B, A * A, B * B, A * A * A, B * B * B};
        }

        @Override
        Vec[] output(Assembler a, Vec[] m, Vec[] c, VectorPool pool) {
            Vec sum = pool.take();
            a.vaddps(sum, m[1], m[2]);
            a.vsubps(m[1], m[1], m[2]);
            a.vaddps(m[2], m[3], m[4]);
            a.vsubps(m[3], m[3], m[4]);
            a.vaddps(m[0], m[0], sum);
            a.vaddps(m[0], m[0], m[2]);
            a.vmulps(m[4], c[0], m[1]);
            a.vfmadd231ps(m[4], c[1], m[3]);
            a.vmulps(sum, c[2], sum);
            a.vfmadd231ps(sum, c[3], m[2]);
            a.vfmadd231ps(m[5], c[4], m[1]);
            a.vfmadd231ps(m[5], c[5], m[3]);
            pool.give(m[1], m[2], m[3]);
            return new Vec[] {m[0], m[4], sum, m[5]};
        }

        @Override
        Vec[] taps(Assembler a, Vec[] g, VectorPool pool) {
            Vec[] low = pair(a, g, A, B, pool);
            Vec[] high = pair(a, g, B, A, pool);
            a.vmulps(g[0], g[0], Literal.of((float) (1 / (double) (A * A * B * B))));
            pool.give(g[1]);
            return new Vec[] {g[0], low[0], low[1], high[0], high[1], g[2]};
        }

        @Override
        Vec[] spread(Assembler a, Vec[] e, Vec[] c, VectorPool pool) {
            Vec[] t = pool.take(3);
            a.vmovups(t[0], e[0]);
            a.vfmadd231ps(t[0], c[2], e[2]);
            a.vmulps(t[1], c[0], e[1]);
            a.vfmadd231ps(t[1], c[4], e[3]);
            a.vaddps(t[2], t[0], t[1]);
            a.vsubps(t[0], t[0], t[1]);
            a.vfmadd213ps(e[2], c[3], e[0]);
            a.vmulps(e[1], c[1], e[1]);
            a.vfmadd231ps(e[1], c[5], e[3]);
            a.vaddps(t[1], e[2], e[1]);
            a.vsubps(e[2], e[2], e[1]);
            pool.give(e[1]);
            return new Vec[] {e[0], t[2], t[0], t[1], e[2], e[3]};
        }

        @Override
        Vec[] gather(Assembler a, Vec[] m, VectorPool pool) {
            double low = over(A, B);
            double high = over(B, A);
            Vec sum = pool.take();
            a.vaddps(sum, m[1], m[2]);
            a.vsubps(m[1], m[1], m[2]);
            a.vaddps(m[2], m[3], m[4]);
            a.vsubps(m[3], m[3], m[4]);
            a.vmulps(m[0], m[0], literal(1 / (double) (A * A * B * B)));
            a.vfmadd231ps(m[0], sum, literal(low));
            a.vfmadd231ps(m[0], m[2], literal(high));
            a.vmulps(m[1], m[1], literal(low * A));
            a.vfmadd231ps(m[1], m[3], literal(high * B));
            a.vfmadd231ps(m[5], sum, literal(low * A * A));
            a.vfmadd231ps(m[5], m[2], literal(high * B * B));
            pool.give(m[2], m[3], m[4], sum);
            return new Vec[] {m[0], m[1], m[5]};
        }

        private static Literal literal(double value) {
            return Literal.of((float) value);
        }

        /** Of the derivative at a point, what belongs to one half of a pair. */
        private static double over(double at, double other) {
            return 1 / (2 * at * at * (at * at - other * other));
        }

        /** Values at a point and at its opposite, over the derivative there. */
        private Vec[] pair(Assembler a, Vec[] g, double at, double other, VectorPool pool) {
            double over = over(at, other);
            Vec plus = pool.take();
            Vec minus = pool.take();
            Vec odd = pool.take();
            a.vmulps(plus, g[0], Literal.of((float) over));
            a.vmovups(minus, g[2]);
            a.vfmadd132ps(minus, plus, Literal.of((float) (over * at * at)));
            a.vmulps(odd, g[1], Literal.of((float) (over * at)));
            a.vaddps(plus, minus, odd);
            a.vsubps(minus, minus, odd);
            pool.give(odd);
            return new Vec[] {plus, minus};
        }
    };

    private static final float A = 0.625f;
    private static final float B = 1.5f;

    private final int outputs;

    WinogradAxis(int outputs) {
        this.outputs = outputs;
    }

    /** Outputs of a tile. */
    int outputs() {
        return outputs;
    }

    /** Inputs of a tile, and products. */
    int points() {
        return outputs + 2;
    }

    /** Tiles that cover a length. */
    int tiles(int length) {
        return Math.ceilDiv(length, outputs);
    }

    /** Numbers that {@link #input} wants in registers. */
    abstract float[] inputConstants();

    /** B: {@link #points} values from as many. Overwrites its operands; takes one register while at it, and gives back what it does not return. */
    abstract Vec[] input(Assembler a, Vec[] d, Vec[] constants, VectorPool pool);

    /** Numbers that {@link #output} wants in registers. */
    abstract float[] outputConstants();

    /** A: {@link #outputs} values from {@link #points}. Overwrites its operands; takes one register while at it, and gives back what it does not return. */
    abstract Vec[] output(Assembler a, Vec[] m, Vec[] constants, VectorPool pool);

    /** G: {@link #points} values from three taps. Overwrites its operands. */
    abstract Vec[] taps(Assembler a, Vec[] g, VectorPool pool);

    /**
     * A transposed: {@link #points} values from gradients of as many {@link #outputs} as there are. Overwrites its operands; takes one register more than it returns while at it.
     *
     * @param constants {@link #outputConstants} in registers
     */
    abstract Vec[] spread(Assembler a, Vec[] e, Vec[] constants, VectorPool pool);

    /** G transposed: gradients of three taps from {@link #points} values. Overwrites its operands; takes one register while at it, and gives back what it does not return. */
    abstract Vec[] gather(Assembler a, Vec[] m, VectorPool pool);
}
