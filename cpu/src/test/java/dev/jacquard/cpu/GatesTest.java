package dev.jacquard.cpu;

import dev.jacquard.tensor.backend.BackendOptions.CpuKernels;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Gates of few images, whose layers all threads share, and of more, against double precision under guard bands; one thread and three bit for bit the same. */
class GatesTest {
    @ParameterizedTest
    @CsvSource({"1, 49, 483, 20", "1, 1, 200, 50", "3, 196, 672, 28", "4, 30, 483, 20", "2, 7, 33, 3", "1, 1000, 96, 4"})
    void areThoseOfTheDefinition(int n, int pixels, int c, int s) {
        Simd simd = CpuPath.of(CpuKernels.AUTO).simd();
        try (Arena arena = Arena.ofConfined(); Workers one = new Workers(1); Workers three = new Workers(3)) {
            Guarded x = new Guarded(arena, (long) n * pixels * c).random(1);
            Guarded w1 = new Guarded(arena, (long) s * c).random(2);
            Guarded b1 = new Guarded(arena, s).random(3);
            Guarded w2 = new Guarded(arena, (long) c * s).random(4);
            Guarded b2 = new Guarded(arena, c).random(5);
            double[] want = expected(n, pixels, c, s, x, w1, b1, w2, b2);
            Guarded alone = new Guarded(arena, want.length);
            Guarded means = new Guarded(arena, want.length);
            run(arena, new Gates(n, pixels, c, s, Nonlinearity.SILU, one, simd), x, w1, b1, w2, b2, n * s, means, alone);
            alone.expect(want, c + s, "gates");
            Guarded together = new Guarded(arena, want.length);
            Guarded others = new Guarded(arena, want.length);
            run(arena, new Gates(n, pixels, c, s, Nonlinearity.SILU, three, simd), x, w1, b1, w2, b2, n * s, others, together);
            together.expectSame(alone, "gates");
            others.expectSame(means, "means");
        }
    }

    private static void run(Arena arena, Gates gates, Guarded x, Guarded w1, Guarded b1, Guarded w2, Guarded b2, int units, Guarded means, Guarded out) {
        Guarded hidden = new Guarded(arena, units);
        Guarded workspace = Guarded.bytes(arena, gates.workspaceBytes());
        gates.gates(x.address, w1.address, b1.address, w2.address, b2.address, means.address, hidden.address, out.address, workspace.address);
        workspace.check("workspace");
        hidden.check("hidden");
        means.check("means");
        out.check("gates");
    }

    private static double[] expected(int n, int pixels, int c, int s, Guarded x, Guarded w1, Guarded b1, Guarded w2, Guarded b2) {
        double[] gates = new double[n * c];
        for (int i = 0; i < n; i++) {
            double[] mean = new double[c];
            for (int p = 0; p < pixels * c; p++) {
                mean[p % c] += x.get(i * pixels * c + p) / (double) pixels;
            }
            double[] hidden = new double[s];
            for (int h = 0; h < s; h++) {
                double sum = b1.get(h);
                for (int j = 0; j < c; j++) {
                    sum += mean[j] * w1.get(h * c + j);
                }
                hidden[h] = sum / (1 + Math.exp(-sum));
            }
            for (int j = 0; j < c; j++) {
                double sum = b2.get(j);
                for (int h = 0; h < s; h++) {
                    sum += hidden[h] * w2.get(j * s + h);
                }
                gates[i * c + j] = 1 / (1 + Math.exp(-sum));
            }
        }
        return gates;
    }
}
