package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.EmittedSimd;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Results that go past the caches, being larger than those, are bit by bit what they are elsewhere. */
class NormalizationPassesTest {
    private static final int CHANNELS = 256;
    private static final int ROWS = (24 << 20) / 4 / CHANNELS + 3;

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void largeResults(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), () -> "no " + set + " here");
        Simd simd = new EmittedSimd(set);
        long n = (long) ROWS * CHANNELS;
        try (Arena arena = Arena.ofConfined(); Workers one = new Workers(1); Workers two = new Workers(2)) {
            Guarded x = new Guarded(arena, n).random(1);
            Guarded channels = new Guarded(arena, 6L * CHANNELS).random(2);
            for (int c = 0; c < CHANNELS; c++) {
                channels.set(3 * CHANNELS + c, 0.5f + c / 512f);
            }
            // What does not lie on whole vectors does not go past the caches.
            Guarded[] past = run(arena, one, simd, x, channels, 0);
            Guarded[] through = run(arena, two, simd, x, channels, 1);
            for (int i = 0; i < past.length; i++) {
                for (long at = 0; at < n; at++) {
                    assertEquals(Float.floatToRawIntBits(through[i].get(at + 1)), Float.floatToRawIntBits(past[i].get(at)), "result " + i + " of " + set + " at " + at);
                }
            }
        }
    }

    /** y, dx and the residual's gradient. */
    private static Guarded[] run(Arena arena, Workers workers, Simd simd, Guarded x, Guarded channels, int offset) {
        NormalizationPasses passes = new NormalizationPasses(ROWS, CHANNELS, Nonlinearity.RELU, workers, simd);
        long workspace = Guarded.bytes(arena, passes.workspaceBytes()).address;
        long row = 4L * CHANNELS;
        long p = channels.address;
        Guarded[] out = new Guarded[3];
        for (int i = 0; i < out.length; i++) {
            out[i] = new Guarded(arena, (long) ROWS * CHANNELS + offset);
        }
        long shift = 4L * offset;
        passes.normalize(x.address, p + 2 * row, p + 3 * row, p, p + row, 1e-5, x.address, out[0].address + shift, workspace);
        passes.backward(new NormalizationPasses.Forward(x.address, p, p + row, p + 2 * row, p + 3 * row, 1e-5, x.address), x.address, out[1].address + shift, p + 4 * row,
                p + 5 * row, out[2].address + shift, workspace);
        for (Guarded g : out) {
            g.check("past its end");
        }
        return out;
    }
}
