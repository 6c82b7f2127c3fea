package dev.jacquard.tck.reference;

import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.random.Philox;

/** Random numbers, element by element. */
final class RandomKernels {
    private RandomKernels() {}

    static void rows() {
        Kernels.one(Random.Uniform.class, (op, in, type) -> {
            long seed = in.getFirst().integers()[0];
            long step = in.getFirst().integers()[1];
            double[] y = new double[Math.toIntExact(type.shape().size())];
            for (int i = 0; i < y.length; i++) {
                y[i] = Philox.uniform(Philox.word(seed, op.stream(), step, i));
            }
            return y;
        });
    }
}
