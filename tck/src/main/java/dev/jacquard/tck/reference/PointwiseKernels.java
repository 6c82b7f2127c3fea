package dev.jacquard.tck.reference;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.op.Pointwise;
import java.util.List;

/** Each element from those at its place: the op's own formula. */
final class PointwiseKernels {
    private PointwiseKernels() {}

    static double[] run(Pointwise op, List<Array> in, Shape shape) {
        double[] y = new double[Math.toIntExact(shape.size())];
        Index.forEach(shape, (index, i) -> y[i] = op.apply(value(in, 0, index), value(in, 1, index), value(in, 2, index)));
        return y;
    }

    private static double value(List<Array> in, int operand, long[] index) {
        return operand < in.size() ? in.get(operand).values()[Index.broadcast(in.get(operand).shape(), index)] : 0;
    }
}
