package dev.jacquard.tensor.op;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.List;

/** Cross entropies of rows of logits, as means over the rows, and their gradients. A backend's kernels read the logits once and keep no logarithms for the backward. */
public sealed interface Loss extends Composite {
    @Override
    default Cost cost(List<TensorType> in, List<TensorType> out) {
        return Cost.of(in, out, 8 * Math.max(in.get(0).shape().size(), in.get(1).shape().size()));
    }

    private static void logits(Loss op, TensorType x) {
        Types.rank(op, "logits", x, 2, "(N, C)");
        if (x.shape().dim(1) == 0) {
            throw new ShapeException(op.name(), "no classes", x.toString(), "logits (N, C) with at least one class", "check the shape");
        }
    }

    private static void labels(Loss op, TensorType logits, TensorType labels) {
        Types.dtype(op, "labels", labels, DType.I32);
        Types.rank(op, "labels", labels, 1, "(N)");
        Types.equal(op, "logits and labels do not fit", labels.shape().dim(0), logits.shape().dim(0), "give one label per row");
    }

    private static double checked(double smoothing) {
        if (!(smoothing >= 0 && smoothing < 1)) {
            throw new CallerException("cross_entropy", "smoothing out of range", Double.toString(smoothing), "[0, 1)", "0.1 is usual, 0 is none");
        }
        return smoothing;
    }

    /** Rows that labels stand for: {@code e / C} everywhere and {@code 1 - e} more at the label, if that is a class. */
    private static Tensor smoothed(Tensor labels, Tensor logits, double smoothing) {
        long classes = logits.shape().dim(1);
        Tensor exact = labels.oneHot(classes).cast(logits.dtype());
        return smoothing == 0 ? exact : exact.apply(new Pointwise.Affine(1 - smoothing, smoothing / classes));
    }

    private static double perRow(Tensor logits) {
        return 1.0 / Math.max(logits.shape().dim(0), 1);
    }

    private static Tensor forward(Tensor logits, Tensor targets) {
        return logits.logSoftmax().mul(targets).sum().mul(-perRow(logits));
    }

    private static Tensor backward(Tensor dloss, Tensor logits, Tensor targets) {
        Tensor total = targets.apply(new Reduction.Sum(List.of(1), true));
        return logits.softmax().mul(total).sub(targets).mul(dloss.mul(perRow(logits)));
    }

    /**
     * Cross-entropy with labels, smoothed (Szegedy et al. 2016, arXiv:1512.00567): {@code -mean_n sum_c t log(softmax(logits))} with targets t of {@code e / C}, and
     * {@code 1 - e} more at the label. From logits (N, C) and labels I32 (N) to a scalar. A label outside [0, C) adds nothing to its row.
     *
     * @param smoothing e, in [0, 1)
     */
    record CrossEntropy(double smoothing) implements Loss {
        /** Checks the range. @throws CallerException if it is out of range */
        public CrossEntropy {
            checked(smoothing);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            Types.floating(this, in.subList(0, 1));
            logits(this, in.get(0));
            labels(this, in.get(0), in.get(1));
            return List.of(TensorType.of(in.getFirst().dtype()));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(in.getFirst().shape().dim(1));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(forward(in.get(0), smoothed(in.get(1), in.get(0), smoothing)));
        }
    }

    /** Gradient of {@link CrossEntropy}: dlogits (N, C) from dloss (), logits (N, C), labels I32 (N): {@code (softmax sum(t) - t) dloss / N}. */
    record CrossEntropyBackward(double smoothing) implements Loss {
        /** Checks the range. @throws CallerException if it is out of range */
        public CrossEntropyBackward {
            checked(smoothing);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 3);
            Types.same(this, in.subList(0, 2));
            Types.floating(this, in.subList(0, 2));
            Types.rank(this, "gradient", in.get(0), 0, "a scalar");
            logits(this, in.get(1));
            labels(this, in.get(1), in.get(2));
            return List.of(in.get(1));
        }

        @Override
        public int overwrites(int output) {
            return 1;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(backward(in.get(0), in.get(1), smoothed(in.get(2), in.get(1), smoothing)));
        }
    }

    /** Cross-entropy with targets of one's own, as mixtures of images have them: {@code -mean_n sum_c targets log(softmax(logits))}. From logits and targets, both (N, C), to a scalar. */
    record SoftCrossEntropy() implements Loss {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            Types.same(this, in);
            Types.floating(this, in);
            logits(this, in.get(0));
            Types.shape(this, "targets", in.get(1), in.get(0));
            return List.of(TensorType.of(in.getFirst().dtype()));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(in.getFirst().shape().dim(1));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(forward(in.get(0), in.get(1)));
        }
    }

    /** Gradient of {@link SoftCrossEntropy} by the logits: dlogits (N, C) from dloss (), logits (N, C), targets (N, C). */
    record SoftCrossEntropyBackward() implements Loss {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 3);
            Types.same(this, in);
            Types.floating(this, in);
            Types.rank(this, "gradient", in.get(0), 0, "a scalar");
            logits(this, in.get(1));
            Types.shape(this, "targets", in.get(2), in.get(1));
            return List.of(in.get(1));
        }

        @Override
        public int overwrites(int output) {
            return 1;
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(in.get(1).shape().dim(1));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(backward(in.get(0), in.get(1), in.get(2)));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        Operand dloss = Operand.range(0.5, 1.5);
        Operand strays = Operand.integers(DType.I32, -3, 13, 9);
        TensorType scalar = TensorType.f32();
        TensorType logits = TensorType.f32(4, 3);
        return List.of(
                OpRow.of(CrossEntropy.class, "-mean log softmax at the label, smoothed",
                        Sample.of(new CrossEntropy(0.1), Operand.range(-4, 4, 7, 33), Operand.labels(33, 7)), Sample.of(new CrossEntropy(0), Operand.range(-4, 4, 3, 1000), Operand.labels(1000, 3)),
                        Sample.of(new CrossEntropy(0.1), Operand.range(-4, 4, 9, 10), strays), Sample.of(new CrossEntropy(0), Operand.range(-4, 4, 9, 10), strays),
                        Sample.of(new CrossEntropy(0.5), Operand.of(1, 1), Operand.labels(1, 1)), Sample.of(new CrossEntropy(0.1), Operand.range(-4, 4, 300, 4), Operand.labels(4, 300)),
                        Sample.of(new CrossEntropy(0.1), Operand.range(-4, 4, 2, 2048), Operand.labels(2048, 2)))
                        .refuses(new CrossEntropy(0.1), "do not fit", logits, TensorType.of(DType.I32, 3))
                        .refuses(new CrossEntropy(0.1), "element type", logits, TensorType.f32(4))
                        .refuses(new CrossEntropy(0.1), "no classes", TensorType.f32(4, 0), TensorType.of(DType.I32, 4)),
                OpRow.of(CrossEntropyBackward.class, "gradient of cross-entropy with labels",
                        Sample.of(new CrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 7, 33), Operand.labels(33, 7)),
                        Sample.of(new CrossEntropyBackward(0), dloss, Operand.range(-4, 4, 3, 1000), Operand.labels(1000, 3)),
                        Sample.of(new CrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 9, 10), strays), Sample.of(new CrossEntropyBackward(0), dloss, Operand.range(-4, 4, 9, 16), strays),
                        Sample.of(new CrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 2, 2048), Operand.labels(2048, 2)))
                        .refuses(new CrossEntropyBackward(0), "gradient has the wrong rank", TensorType.f32(4), logits, TensorType.of(DType.I32, 4)),
                OpRow.of(SoftCrossEntropy.class, "-mean sum targets log softmax",
                        Sample.of(new SoftCrossEntropy(), Operand.range(-4, 4, 7, 33), Operand.range(0, 0.1, 7, 33)), Sample.of(new SoftCrossEntropy(), Operand.range(-4, 4, 2, 1000), Operand.range(0, 0.01, 2, 1000)),
                        Sample.of(new SoftCrossEntropy(), Operand.range(-4, 4, 2, 1032), Operand.range(0, 0.01, 2, 1032)))
                        .refuses(new SoftCrossEntropy(), "targets has the wrong shape", logits, TensorType.f32(3, 4)),
                OpRow.of(SoftCrossEntropyBackward.class, "gradient of cross-entropy with targets",
                        Sample.of(new SoftCrossEntropyBackward(), dloss, Operand.range(-4, 4, 7, 33), Operand.range(0, 0.1, 7, 33)),
                        Sample.of(new SoftCrossEntropyBackward(), dloss, Operand.range(-4, 4, 2, 1000), Operand.range(0, 0.01, 2, 1000)),
                        Sample.of(new SoftCrossEntropyBackward(), dloss, Operand.range(-4, 4, 2, 1032), Operand.range(0, 0.01, 2, 1032)))
                        .refuses(new SoftCrossEntropyBackward(), "targets has the wrong shape", scalar, logits, TensorType.f32(3, 4)));
    }
}
