package dev.jacquard.tck.reference;

import dev.jacquard.tensor.Shape;

/** Walks over the indices of a shape, the last axis fastest. */
final class Index {
    private Index() {}

    /** Sees every index. */
    @FunctionalInterface
    interface Visitor {
        /** @param index reused from call to call @param flat its position, row-major */
        void visit(long[] index, int flat);
    }

    static void forEach(Shape shape, Visitor visitor) {
        long[] dims = shape.dims();
        long[] index = new long[dims.length];
        int n = Math.toIntExact(shape.size());
        for (int flat = 0; flat < n; flat++) {
            visitor.visit(index, flat);
            for (int a = dims.length - 1; a >= 0 && ++index[a] == dims[a]; a--) {
                index[a] = 0;
            }
        }
    }

    /** Row-major position of an index. */
    static int flat(Shape shape, long... index) {
        long at = 0;
        for (int a = 0; a < index.length; a++) {
            at = at * shape.dim(a) + index[a];
        }
        return Math.toIntExact(at);
    }

    /** Row-major position, in an operand that broadcasts to a larger shape, of the element that an index of the larger shape reads. */
    static int broadcast(Shape operand, long... index) {
        long at = 0;
        int lead = index.length - operand.rank();
        for (int a = 0; a < operand.rank(); a++) {
            at = at * operand.dim(a) + (operand.dim(a) == 1 ? 0 : index[a + lead]);
        }
        return Math.toIntExact(at);
    }
}
