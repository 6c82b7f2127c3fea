package dev.jacquard.tck;

import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.ViewOp;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** How operands lie in memory. Every sample is replayed under each that makes a difference; authors of ops do not write them. */
public enum Variant {
    /** Row-major without gaps. */
    CONTIGUOUS,
    /** Stored with the axes in reverse order, and permuted back. */
    STRIDED,
    /** A slice of a larger buffer, with NaN before, between and after. */
    OFFSET,
    /** The last axis repeats one stored element (stride 0). */
    BROADCAST,
    /** Outputs take the storage of the inputs that the op says they may. */
    IN_PLACE;

    /** Whether a sample looks any different under this variant. */
    boolean applies(Sample sample) {
        List<TensorType> types = sample.types();
        return switch (this) {
            case CONTIGUOUS -> true;
            case STRIDED -> types.stream().anyMatch(t -> !layout(t.shape()).isContiguous());
            case OFFSET -> !(sample.op() instanceof ViewOp) && types.stream().anyMatch(t -> t.shape().size() > 0);
            case BROADCAST -> !(sample.op() instanceof ViewOp) && types.stream().anyMatch(Variant::repeats);
            case IN_PLACE -> {
                List<TensorType> outputs = sample.op().infer(types);
                yield IntStream.range(0, outputs.size()).anyMatch(o -> inPlace(sample.op(), o, types, outputs));
            }
        };
    }

    /** Whether an output may take its input's storage: the op allows it and the types agree. */
    static boolean inPlace(Op op, int output, List<TensorType> inputs, List<TensorType> outputs) {
        int i = op.overwrites(output);
        return i >= 0 && inputs.get(i).equals(outputs.get(output));
    }

    private static boolean repeats(TensorType t) {
        return t.shape().rank() > 0 && t.shape().dim(-1) > 1;
    }

    /** Where an operand of a shape lies. */
    Layout layout(Shape shape) {
        int rank = shape.rank();
        return switch (this) {
            case CONTIGUOUS, IN_PLACE -> Layout.contiguous(shape);
            case STRIDED -> {
                int[] reverse = IntStream.range(0, rank).map(i -> rank - 1 - i).toArray();
                yield Layout.contiguous(Layout.contiguous(shape).permute(reverse).shape()).permute(reverse);
            }
            case OFFSET -> {
                long[] larger = shape.dims();
                for (int a = 0; a < rank; a++) {
                    larger[a] += 2;
                }
                Layout l = Layout.contiguous(Shape.of(larger));
                for (int a = 0; a < rank; a++) {
                    l = l.slice(a, 1, larger[a] - 1);
                }
                yield rank == 0 ? Layout.strided(shape, new long[0], 3) : l;
            }
            case BROADCAST -> rank > 0 && shape.dim(-1) > 1 ? Layout.contiguous(shape.with(-1, 1)).broadcastTo(shape) : Layout.contiguous(shape);
        };
    }

    /** The values that an operand has under this variant. */
    double[] values(TensorType type, double[] values) {
        if (this != BROADCAST || !repeats(type)) {
            return values;
        }
        int n = type.shape().intDim(-1);
        return IntStream.range(0, values.length).mapToDouble(i -> values[i - i % n]).toArray();
    }

    /**
     * How much larger the errors of an op's sums are than those of independent terms. Repeated terms do not cancel: their partial sums grow like n, not like sqrt(n). Nor do the
     * rounding errors, as adding the same term within one binade rounds the same way each time: a plain sequential sum of n terms of size 1 may be off by the sum of u k, which is
     * u n^2 / 2. With the table's factor 16 u sqrt(n) this makes sqrt(n), and n sqrt(n) / 32 for sums that are long enough for it to be more.
     */
    double scale(Accuracy accuracy) {
        double root = Math.sqrt(accuracy.length());
        return this == BROADCAST ? Math.max(root, accuracy.length() * root / 32) : 1;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
