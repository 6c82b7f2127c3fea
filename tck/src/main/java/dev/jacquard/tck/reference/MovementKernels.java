package dev.jacquard.tck.reference;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Movement;
import java.util.List;

/** Ops that put elements elsewhere. */
final class MovementKernels {
    private MovementKernels() {}

    static void rows() {
        // The store rounds: a cast has nothing else to do
        Kernels.one(Movement.Cast.class, (op, in, type) -> in.getFirst().values().clone());
        Kernels.one(Movement.Copy.class, (op, in, type) -> in.getFirst().values().clone());
        Kernels.one(Movement.Reshape.class, (op, in, type) -> in.getFirst().values().clone());
        Kernels.one(Movement.Transpose.class, (op, in, type) -> transpose(op, in.getFirst(), type));
        Kernels.one(Movement.Slice.class, (op, in, type) -> from(type, index -> {
            index[type.shape().axis(op.axis())] += op.from();
            return in.getFirst().at(index);
        }));
        Kernels.one(Movement.Broadcast.class, (op, in, type) -> from(type, index -> in.getFirst().values()[Index.broadcast(in.getFirst().shape(), index)]));
        Kernels.one(Movement.Concat.class, MovementKernels::concat);
        Kernels.one(Movement.Pad.class, (op, in, type) -> from(type, index -> {
            int axis = type.shape().axis(op.axis());
            index[axis] -= op.before();
            return index[axis] < 0 || index[axis] >= in.getFirst().dim(axis) ? 0 : in.getFirst().at(index);
        }));
        Kernels.one(Movement.OneHot.class, (op, in, type) -> from(type, index -> {
            long label = index[index.length - 1];
            return in.getFirst().at(java.util.Arrays.copyOf(index, index.length - 1)) == label ? 1 : 0;
        }));
    }

    /** The value that an index of the output takes; may change its argument. */
    @FunctionalInterface
    private interface Source {
        double at(long[] index);
    }

    private static double[] from(TensorType type, Source source) {
        double[] y = new double[Math.toIntExact(type.shape().size())];
        Index.forEach(type.shape(), (index, i) -> y[i] = source.at(index.clone()));
        return y;
    }

    private static double[] transpose(Movement.Transpose op, Array x, TensorType type) {
        return from(type, index -> {
            long[] source = new long[index.length];
            for (int a = 0; a < index.length; a++) {
                source[op.permutation().get(a)] = index[a];
            }
            return x.at(source);
        });
    }

    private static double[] concat(Movement.Concat op, List<Array> in, TensorType type) {
        int axis = type.shape().axis(op.axis());
        return from(type, index -> {
            int part = 0;
            while (index[axis] >= in.get(part).dim(axis)) {
                index[axis] -= in.get(part++).dim(axis);
            }
            return in.get(part).at(index);
        });
    }
}
