package dev.jacquard.cpu;

import java.lang.foreign.Arena;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChannelOpsTest {
    private static final double EPSILON = 1e-5;

    @ParameterizedTest
    @CsvSource({"1,1", "2,3", "7,16", "128,64", "1000,5", "4097,65", "33,130", "9,2048", "700,192"})
    void batchNormBothWays(int rows, int c) {
        for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
            try (Workers one = new Workers(1); Workers two = new Workers(2); Arena arena = Arena.ofConfined()) {
                Guarded x = new Guarded(arena, (long) rows * c).random(1);
                for (int i = 0; i < x.n; i++) {
                    x.set(i, x.get(i) + 100 * (i % c % 2)); // a large mean against a small spread
                }
                Guarded dy = new Guarded(arena, x.n).random(2);
                Guarded gamma = new Guarded(arena, c).random(3);
                Guarded beta = new Guarded(arena, c).random(4);
                Guarded[] a = run(new ChannelOps(rows, c, one, simd), arena, x, dy, gamma, beta);
                Guarded[] b = run(new ChannelOps(rows, c, two, simd), arena, x, dy, gamma, beta);
                double[][] want = naive(rows, c, x, dy, gamma, beta);
                String[] names = {"mean", "variance", "y", "dx", "dgamma", "dbeta", "sums"};
                for (int i = 0; i < names.length; i++) {
                    // Where the variance is tiny against the mean, x itself has lost digits.
                    a[i].expect(want[i], i == 6 ? 1e4 * rows : 1e4 + rows, names[i] + " " + rows + "x" + c + " " + simd.describe());
                    b[i].expectSame(a[i], names[i]);
                }
            }
        }
    }

    private static Guarded[] run(ChannelOps ops, Arena arena, Guarded x, Guarded dy, Guarded gamma, Guarded beta) {
        int c = gamma.n;
        Guarded mean = new Guarded(arena, c);
        Guarded variance = new Guarded(arena, c);
        Guarded y = new Guarded(arena, x.n);
        Guarded dx = new Guarded(arena, x.n);
        Guarded dgamma = new Guarded(arena, c);
        Guarded dbeta = new Guarded(arena, c);
        Guarded sums = new Guarded(arena, c);
        Guarded workspace = Guarded.bytes(arena, ops.workspaceBytes());
        ops.stats(x.address, mean.address, variance.address, workspace.address);
        ops.batchNorm(x.address, mean.address, variance.address, gamma.address, beta.address, EPSILON, y.address, true, workspace.address);
        ops.batchNormBackward(dy.address, x.address, mean.address, variance.address, gamma.address, EPSILON, dx.address, dgamma.address, dbeta.address, workspace.address);
        ops.sums(x.address, sums.address, workspace.address);
        workspace.check("workspace");
        return new Guarded[] {mean, variance, y, dx, dgamma, dbeta, sums};
    }

    private static double[][] naive(int rows, int c, Guarded x, Guarded dy, Guarded gamma, Guarded beta) {
        double[][] out = {new double[c], new double[c], new double[x.n], new double[x.n], new double[c], new double[c], new double[c]};
        for (int k = 0; k < c; k++) {
            for (int i = k; i < x.n; i += c) {
                out[6][k] += x.get(i);
                out[5][k] += dy.get(i);
            }
            double mean = out[6][k] / rows;
            double variance = 0;
            for (int i = k; i < x.n; i += c) {
                variance += (x.get(i) - mean) * (x.get(i) - mean) / rows;
            }
            double inverse = 1 / Math.sqrt(variance + EPSILON);
            for (int i = k; i < x.n; i += c) {
                out[4][k] += dy.get(i) * (x.get(i) - mean) * inverse;
            }
            for (int i = k; i < x.n; i += c) {
                double hat = (x.get(i) - mean) * inverse;
                out[2][i] = Math.max(0, hat * gamma.get(k) + beta.get(k));
                out[3][i] = gamma.get(k) * inverse * (dy.get(i) - out[5][k] / rows - hat * out[4][k] / rows);
            }
            out[0][k] = mean;
            out[1][k] = variance;
        }
        return out;
    }
}
