package dev.jacquard.cpu.x64;

import java.util.List;
import java.util.function.IntFunction;

/**
 * Emits a transform along both axes of a tile: lines one way, then the other. What lies between stays in registers as far as there are any; the first lines go to scratch.
 *
 * @param a where to emit
 * @param set instruction set
 * @param pool free registers
 * @param scratch memory for vectors that find no register
 */
record WinogradPasses(Assembler a, InstructionSet set, VectorPool pool, Mem scratch) {
    private static final int LINE = 64;

    /** Bytes of scratch that are enough for every transform. */
    static final int SCRATCH = 36 * LINE;

    /** Begins a function with some bytes of scratch on the stack, at a cache line. @param at register that will hold its address */
    static void enter(Assembler a, int bytes, Gp at) {
        a.enter(bytes + LINE);
        a.lea(at, Mem.at(Gp.RSP, LINE - 1));
        a.and(at, -LINE);
    }

    /** Ends it. */
    static void leave(Assembler a, int bytes) {
        a.leave(bytes + LINE);
    }

    /** The code of one vector of channels of a tile. */
    @FunctionalInterface
    interface Vector {
        /** @param mask of the channels that there are */
        void emit(LaneMask mask);
    }

    /** How far a pointer moves on from a tile to the next. */
    record Step(Gp pointer, int bytes) {}

    /** Emits a loop over tiles, in r10, and vectors of channels, in bytes in r11. @param tail mask of the channels of the last vector if that is not a whole one */
    void tiles(int count, int channels, LaneMask tail, List<Step> steps, Vector vector) {
        a.mov(Gp.R10, count);
        a.align(32);
        Label tile = a.here();
        a.xor(Gp.R11, Gp.R11);
        int whole = channels / set.lanes() * set.bytes();
        if (whole > 0) {
            Label next = a.here();
            vector.emit(LaneMask.all(a));
            a.add(Gp.R11, set.bytes());
            a.cmp(Gp.R11, whole);
            a.j(Condition.L, next);
        }
        if (channels % set.lanes() != 0) {
            vector.emit(tail);
        }
        steps.forEach(s -> a.add(s.pointer, s.bytes));
        a.dec(Gp.R10);
        a.j(Condition.NE, tile);
    }

    /** Takes what a line of the second pass is made of, and gives all of it back. */
    @FunctionalInterface
    interface Second {
        void line(int line, Vec[] values);
    }

    /**
     * Sizes of a transform.
     *
     * @param lines of the first pass, values of a line of the second
     * @param in values of a line of the first pass when it begins
     * @param width its values when it ends, lines of the second pass
     * @param last values of a line of the second pass when it ends
     * @param extra registers that the second pass then needs besides
     */
    record Sizes(int lines, int in, int width, int last, int extra) {
        /** How many lines of the first pass may keep their registers: each axis transform needs one register besides its values. */
        private int kept(int free) {
            for (int k = lines; k > 0; k--) {
                int first = (k == lines ? k - 1 : k) * width + in + 1;
                int gathered = k * width + lines - k + 1;
                int end = k * (width - 1) + last + extra;
                if (Math.max(first, Math.max(gathered, end)) <= free) {
                    return k;
                }
            }
            return 0;
        }
    }

    /** Emits both passes. @param first takes the registers of a line from the pool, and returns them */
    void run(Sizes sizes, IntFunction<Vec[]> first, Second second) {
        int spilled = sizes.lines - sizes.kept(pool.size());
        Vec[][] kept = new Vec[sizes.lines][];
        for (int i = 0; i < sizes.lines; i++) {
            Vec[] line = first.apply(i);
            if (i >= spilled) {
                kept[i] = line;
                continue;
            }
            for (int j = 0; j < sizes.width; j++) {
                a.vmovups(slot(i * sizes.width + j), line[j]);
            }
            pool.give(line);
        }
        for (int j = 0; j < sizes.width; j++) {
            Vec[] line = new Vec[sizes.lines];
            for (int i = 0; i < sizes.lines; i++) {
                line[i] = i < spilled ? pool.take() : kept[i][j];
                if (i < spilled) {
                    a.vmovups(line[i], slot(i * sizes.width + j));
                }
            }
            second.line(j, line);
        }
    }

    private Mem slot(int i) {
        return scratch.plus(i * set.bytes());
    }

    /** Numbers in registers, which stay taken. */
    Vec[] constants(float[] values) {
        Vec[] v = pool.take(values.length);
        for (int i = 0; i < values.length; i++) {
            a.constant(v[i], values[i]);
        }
        return v;
    }
}
