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

    /** Rows of {@link #smoothed} that two labels share. */
    private static Tensor mixed(Tensor labels, Tensor partners, Tensor weights, Tensor logits, double smoothing) {
        Tensor weight = weights.reshape(logits.shape().dim(0), 1);
        long classes = logits.shape().dim(1);
        Tensor exact = labels.oneHot(classes).cast(logits.dtype()).mul(weight).add(partners.oneHot(classes).cast(logits.dtype()).mul(weight.rsub(1)));
        return smoothing == 0 ? exact : exact.apply(new Pointwise.Affine(1 - smoothing, smoothing / classes));
    }

    /** The type rule of labels that two images share; {@code at} is the logits' place. */
    private static void pairs(Loss op, List<TensorType> in, int at) {
        logits(op, in.get(at));
        labels(op, in.get(at), in.get(at + 1));
        labels(op, in.get(at), in.get(at + 2));
        Types.same(op, List.of(in.get(at), in.get(at + 3)));
        Types.floating(op, in.subList(at, at + 1));
        Types.rank(op, "weights", in.get(at + 3), 1, "(N)");
        Types.equal(op, "logits and weights do not fit", in.get(at + 3).shape().dim(0), in.get(at).shape().dim(0), "give one weight per row");
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

    /**
     * Cross-entropy with two labels per row, as mixup and cutmix make them: targets of {@code w onehot(label) + (1 - w) onehot(partner)}, then smoothed: times {@code 1 - e}, and
     * {@code e / C} more everywhere. From logits (N, C), labels I32 (N), partners' labels I32 (N) and weights w (N) of the logits' type to a scalar. A label outside [0, C) has no
     * part in its row.
     *
     * @param smoothing e, in [0, 1)
     */
    record MixedCrossEntropy(double smoothing) implements Loss {
        /** Checks the range. @throws CallerException if it is out of range */
        public MixedCrossEntropy {
            checked(smoothing);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 4);
            pairs(this, in, 0);
            return List.of(TensorType.of(in.getFirst().dtype()));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(in.getFirst().shape().dim(1));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(forward(in.get(0), mixed(in.get(1), in.get(2), in.get(3), in.get(0), smoothing)));
        }
    }

    /** Gradient of {@link MixedCrossEntropy} by the logits: dlogits (N, C) from dloss (), logits (N, C), labels I32 (N), partners' labels I32 (N), weights (N). */
    record MixedCrossEntropyBackward(double smoothing) implements Loss {
        /** Checks the range. @throws CallerException if it is out of range */
        public MixedCrossEntropyBackward {
            checked(smoothing);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 5);
            Types.same(this, in.subList(0, 2));
            Types.rank(this, "gradient", in.get(0), 0, "a scalar");
            pairs(this, in, 1);
            return List.of(in.get(1));
        }

        @Override
        public int overwrites(int output) {
            return 1;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(backward(in.get(0), in.get(1), mixed(in.get(2), in.get(3), in.get(4), in.get(1), smoothing)));
        }
    }

    /** Cross-entropy with targets of one's own, a teacher's, say: {@code -mean_n sum_c targets log(softmax(logits))}. From logits and targets, both (N, C), to a scalar. */
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
                        Sample.of(new CrossEntropy(0.1), Operand.range(-4, 4, 7, 33), Operand.labels(33, 7)),
                        Sample.of(new CrossEntropy(0), Operand.range(-4, 4, 3, 1000), Operand.labels(1000, 3)),
                        Sample.of(new CrossEntropy(0.1), Operand.range(-4, 4, 9, 10), strays), Sample.of(new CrossEntropy(0), Operand.range(-4, 4, 9, 10), strays),
                        Sample.of(new CrossEntropy(0.5), Operand.of(1, 1), Operand.labels(1, 1)),
                        Sample.of(new CrossEntropy(0.1), Operand.range(-4, 4, 300, 4), Operand.labels(4, 300)),
                        Sample.of(new CrossEntropy(0.1), Operand.range(-4, 4, 2, 2048), Operand.labels(2048, 2)))
                        .refuses(new CrossEntropy(0.1), "do not fit", logits, TensorType.of(DType.I32, 3))
                        .refuses(new CrossEntropy(0.1), "element type", logits, TensorType.f32(4))
                        .refuses(new CrossEntropy(0.1), "no classes", TensorType.f32(4, 0), TensorType.of(DType.I32, 4)),
                OpRow.of(CrossEntropyBackward.class, "gradient of cross-entropy with labels",
                        Sample.of(new CrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 7, 33), Operand.labels(33, 7)),
                        Sample.of(new CrossEntropyBackward(0), dloss, Operand.range(-4, 4, 3, 1000), Operand.labels(1000, 3)),
                        Sample.of(new CrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 9, 10), strays),
                        Sample.of(new CrossEntropyBackward(0), dloss, Operand.range(-4, 4, 9, 16), strays),
                        Sample.of(new CrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 2, 2048), Operand.labels(2048, 2)))
                        .refuses(new CrossEntropyBackward(0), "gradient has the wrong rank", TensorType.f32(4), logits, TensorType.of(DType.I32, 4)),
                OpRow.of(MixedCrossEntropy.class, "-mean log softmax at two labels, weighted and smoothed",
                        Sample.of(new MixedCrossEntropy(0.1), Operand.range(-4, 4, 7, 33), Operand.labels(33, 7), Operand.labels(33, 7), weights(7)),
                        Sample.of(new MixedCrossEntropy(0), Operand.range(-4, 4, 3, 1000), Operand.labels(1000, 3), Operand.labels(1000, 3), weights(3)),
                        Sample.of(new MixedCrossEntropy(0.1), Operand.range(-4, 4, 9, 10), strays, Operand.labels(10, 9), weights(9)),
                        Sample.of(new MixedCrossEntropy(0), Operand.range(-4, 4, 9, 10), Operand.labels(10, 9), strays, weights(9)),
                        Sample.of(new MixedCrossEntropy(0.1), Operand.range(-4, 4, 30, 2), Operand.labels(2, 30), Operand.labels(2, 30), weights(30)),
                        Sample.of(new MixedCrossEntropy(0.1), Operand.range(-4, 4, 2, 2048), Operand.labels(2048, 2), Operand.labels(2048, 2), Operand.values(0, 1)))
                        .refuses(new MixedCrossEntropy(0.1), "weights do not fit", logits, TensorType.of(DType.I32, 4), TensorType.of(DType.I32, 4), TensorType.f32(3))
                        .refuses(new MixedCrossEntropy(0.1), "element types differ", logits, TensorType.of(DType.I32, 4), TensorType.of(DType.I32, 4), TensorType.of(DType.F16, 4)),
                OpRow.of(MixedCrossEntropyBackward.class, "gradient of cross-entropy with two labels",
                        Sample.of(new MixedCrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 7, 33), Operand.labels(33, 7), Operand.labels(33, 7), weights(7)),
                        Sample.of(new MixedCrossEntropyBackward(0), dloss, Operand.range(-4, 4, 3, 1000), Operand.labels(1000, 3), Operand.labels(1000, 3), weights(3)),
                        Sample.of(new MixedCrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 9, 16), strays, Operand.labels(16, 9), weights(9)),
                        Sample.of(new MixedCrossEntropyBackward(0.1), dloss, Operand.range(-4, 4, 30, 2), Operand.labels(2, 30), Operand.labels(2, 30), weights(30)),
                        Sample.of(new MixedCrossEntropyBackward(0), dloss, Operand.range(-4, 4, 2, 2048), Operand.labels(2048, 2), Operand.labels(2048, 2), Operand.values(0, 1)))
                        .refuses(new MixedCrossEntropyBackward(0), "gradient has the wrong rank", TensorType.f32(4), logits, TensorType.of(DType.I32, 4),
                        TensorType.of(DType.I32, 4), TensorType.f32(4)),
                OpRow.of(SoftCrossEntropy.class, "-mean sum targets log softmax",
                        Sample.of(new SoftCrossEntropy(), Operand.range(-4, 4, 7, 33), Operand.range(0, 0.1, 7, 33)),
                        Sample.of(new SoftCrossEntropy(), Operand.range(-4, 4, 2, 1000), Operand.range(0, 0.01, 2, 1000)),
                        Sample.of(new SoftCrossEntropy(), Operand.range(-4, 4, 2, 1032), Operand.range(0, 0.01, 2, 1032)))
                        .refuses(new SoftCrossEntropy(), "targets has the wrong shape", logits, TensorType.f32(3, 4)),
                OpRow.of(SoftCrossEntropyBackward.class, "gradient of cross-entropy with targets",
                        Sample.of(new SoftCrossEntropyBackward(), dloss, Operand.range(-4, 4, 7, 33), Operand.range(0, 0.1, 7, 33)),
                        Sample.of(new SoftCrossEntropyBackward(), dloss, Operand.range(-4, 4, 2, 1000), Operand.range(0, 0.01, 2, 1000)),
                        Sample.of(new SoftCrossEntropyBackward(), dloss, Operand.range(-4, 4, 2, 1032), Operand.range(0, 0.01, 2, 1032)))
                        .refuses(new SoftCrossEntropyBackward(), "targets has the wrong shape", scalar, logits, TensorType.f32(3, 4)));
    }

    private static Operand weights(long n) {
        return Operand.range(0, 1, n);
    }
}
