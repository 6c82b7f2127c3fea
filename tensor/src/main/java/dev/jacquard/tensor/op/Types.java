package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DTypeException;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import java.util.List;

/** Checks that type rules share; each failure tells the op's name and what it got. */
final class Types {
    private Types() {}

    static void count(Op op, List<TensorType> in, int n) {
        if (in.size() != n) {
            throw new ShapeException(op.name(), "wrong number of inputs", Integer.toString(in.size()), n + " inputs", "pass what the op's record names");
        }
    }

    static void rank(Op op, String what, TensorType t, int rank, String letters) {
        if (t.shape().rank() != rank) {
            throw new ShapeException(op.name(), what + " has the wrong rank", t.toString(), letters, "reshape it to rank " + rank);
        }
    }

    static void floating(Op op, List<TensorType> in) {
        for (TensorType t : in) {
            if (!t.dtype().isFloating()) {
                throw new DTypeException(op.name(), "element type is not floating", t.toString(), "f32, f16, bf16 or f64", "cast it");
            }
        }
    }

    static void same(Op op, List<TensorType> in) {
        for (TensorType t : in) {
            if (t.dtype() != in.getFirst().dtype()) {
                throw new DTypeException(op.name(), "element types differ", in.toString(), "one element type", "cast one of them");
            }
        }
    }

    /** Whether element types are the first one's, but for those of {@link Op#wide} inputs, which are the wide type of it. */
    static void mixed(Op op, List<TensorType> in) {
        DType first = in.getFirst().dtype();
        for (int i = 0; i < in.size(); i++) {
            DType want = op.wide(i) ? first.wide() : first;
            if (in.get(i).dtype() != want) {
                throw new DTypeException(op.name(), "element types differ", in.toString(), want + " as input " + i + " of " + first, "cast it");
            }
        }
    }

    static void dtype(Op op, String what, TensorType t, DType dtype) {
        if (t.dtype() != dtype) {
            throw new DTypeException(op.name(), what + " has the wrong element type", t.toString(), dtype.toString(), "cast it");
        }
    }

    /** Whether a floating type is one or fewer bytes of it: what the other can hold without loss. */
    static void narrower(Op op, String what, TensorType t, DType wide) {
        if (t.dtype() != wide && t.dtype().bytes() >= wide.bytes()) {
            throw new DTypeException(op.name(), what + " has the wrong element type", t.toString(), wide + " or narrower", "cast it");
        }
    }

    static void equal(Op op, String what, long got, long expected, String remedy) {
        if (got != expected) {
            throw new ShapeException(op.name(), what, Long.toString(got), Long.toString(expected), remedy);
        }
    }

    static void shape(Op op, String what, TensorType t, TensorType expected) {
        if (!t.shape().equals(expected.shape())) {
            throw new ShapeException(op.name(), what + " has the wrong shape", t.toString(), expected.shape().toString(), "check what was passed");
        }
    }

    /** Whether x is (.., C), and all of the others are (C). */
    static void perChannel(Op op, TensorType x, List<TensorType> others) {
        if (x.shape().rank() < 2) {
            rank(op, "input", x, 2, "(.., C)");
        }
        for (TensorType t : others) {
            rank(op, "per-channel operand", t, 1, "(C)");
            equal(op, "channels differ", t.shape().dim(0), x.shape().dim(-1), "per-channel operands have as many elements as the last axis of the input");
        }
    }
}
