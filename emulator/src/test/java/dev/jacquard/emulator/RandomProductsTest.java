package dev.jacquard.emulator;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Random products and convolutions on the CUDA kernels: combinations of stride, dilation, padding and groups that no sample has. */
class RandomProductsTest {
    private static final Backend CUDA = new CudaBackend("emulator", new EmulatorDriver(), false);
    private static final int PROBLEMS = Integer.getInteger("problems", 60);
    private static final DType[] TYPES = {DType.F32, DType.F16, DType.BF16};

    private final Random random = new Random(20_261_121);

    @AfterAll
    static void close() {
        CUDA.close();
    }

    private int from(int least, int most) {
        return least + random.nextInt(most - least + 1);
    }

    /** Half of the problems are in fours, which have other kernels. */
    private int extent(int most, boolean fours) {
        return fours ? 4 * from(1, most / 4) : from(1, most);
    }

    private void check(Sample sample, int i) {
        OpCheck.forward(CUDA, sample, TYPES[i % TYPES.length], Variant.CONTIGUOUS, i);
    }

    @Test
    void convolutions() {
        for (int i = 0; i < PROBLEMS; i++) {
            Window window = new Window(from(1, 3), from(1, 3), from(0, 3), from(0, 3), from(0, 3), from(0, 3), from(1, 3), from(1, 3));
            int groups = random.nextBoolean() ? 1 : from(2, 4);
            boolean fours = random.nextBoolean();
            three(window, groups, from(1, 2), from(4, 9), from(4, 9), groups * extent(12, fours), groups * extent(12, fours), from(1, 4), from(1, 4), i);
        }
    }

    @Test
    void depthwiseConvolutions() {
        for (int i = 0; i < PROBLEMS; i++) {
            int r = random.nextBoolean() ? 3 : 5;
            int stride = from(1, 2);
            Window window = new Window(stride, stride, from(0, r), from(0, r), from(0, r), from(0, r), 1, 1);
            int c = 4 * from(1, 12);
            three(window, c, from(1, 3), from(5, 33), from(5, 14), c, c, r, r, i);
        }
    }

    private void three(Window window, int groups, int n, int h, int w, int c, int k, int r, int s, int i) {
        long oh = window.outH(h, r);
        long ow = window.outW(w, s);
        if (oh < 1 || ow < 1) {
            return;
        }
        Operand x = Operand.of(n, h, w, c);
        Operand weights = Operand.of(k, r, s, c / groups);
        Operand y = Operand.of(n, oh, ow, k);
        check(Sample.of(new Conv2d(window, groups), x, weights), i);
        check(Sample.of(new Conv2dBackwardData(window, groups, h, w), y, weights), i);
        check(Sample.of(new Conv2dBackwardWeight(window, groups, r, s), x, y), i);
    }

    @Test
    void products() {
        for (int i = 0; i < PROBLEMS; i++) {
            boolean fours = random.nextBoolean();
            int m = extent(140, fours);
            int n = extent(140, fours);
            int k = extent(400, fours);
            boolean ta = random.nextBoolean();
            boolean tb = random.nextBoolean();
            check(Sample.of(new MatMul(ta, tb), ta ? Operand.of(k, m) : Operand.of(m, k), tb ? Operand.of(n, k) : Operand.of(k, n)), i);
        }
    }
}
