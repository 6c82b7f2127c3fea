package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DTypeException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import java.util.ArrayList;
import java.util.List;

/**
 * 2:4 structured sparsity (Mishra et al. 2021, arXiv:2104.08378): of each four neighbours along the last axis two are zero, and tensor cores skip them. Weights are pruned by
 * magnitude while they are dense, trained on under the mask, compressed once, and multiplied as compressed. A 1x1 convolution of stride 1 is such a product over pixels: its
 * weights (K, 1, 1, C) are compressed as (K, C).
 */
public sealed interface Sparse24 extends Op {
    /** Columns of which two are kept. */
    int FOUR = 4;

    private static void quads(Op op, TensorType w) {
        long last = w.shape().rank() == 0 ? 1 : w.shape().dim(-1);
        if (last % FOUR != 0) {
            throw new ShapeException(op.name(), "last axis is not a multiple of 4", w.toString(), "(.., 4 n)", "leave this weight dense, or pad it");
        }
    }

    /** Checks a dense matrix (N, K). */
    private static TensorType matrix(Op op, TensorType w) {
        Types.rank(op, "matrix", w, 2, "(N, K)");
        if (!w.dtype().isFloating() && w.dtype() != DType.I8) {
            throw new DTypeException(op.name(), "element type is neither floating nor i8", w.toString(), "f32, f16, bf16, f64 or i8", "cast it");
        }
        quads(op, w);
        return w;
    }

    /** Checks values (N, K / 2) and their metadata. @return the type of the dense matrix (N, K) */
    private static TensorType expanded(Op op, TensorType values, TensorType metadata) {
        Types.rank(op, "values", values, 2, "(N, K / 2)");
        TensorType dense = matrix(op, TensorType.of(values.dtype(), values.shape().dim(0), 2 * values.shape().dim(1)));
        Types.dtype(op, "metadata", metadata, DType.I32);
        Types.shape(op, "metadata", metadata, Metadata24.of(dense).type());
        return dense;
    }

    /** The inputs x, values, metadata and others with the type of the dense matrix for values and metadata, which it checks. */
    private static List<TensorType> withDense(Op op, List<TensorType> in) {
        List<TensorType> all = new ArrayList<>(List.of(in.get(0), expanded(op, in.get(1), in.get(2))));
        all.addAll(in.subList(3, in.size()));
        return all;
    }

    /**
     * Checks that of each four neighbours along the last axis at most two are not zero.
     *
     * @param name of the matrix, for the message
     * @param shape its shape
     * @param values its elements, row-major
     * @throws ShapeException if the last axis is not a multiple of 4
     * @throws DataException with the place of the first four of which more than two are not zero
     */
    static void check(String name, Shape shape, double[] values) {
        quads(new Prune24(), TensorType.f32(shape.dims()));
        long last = shape.rank() == 0 ? FOUR : shape.dim(-1);
        for (int i = 0; i < values.length; i += FOUR) {
            int kept = 0;
            for (int j = i; j < i + FOUR; j++) {
                kept += values[j] != 0 ? 1 : 0;
            }
            if (kept > 2) {
                throw new DataException(name, "not 2:4 sparse", "%d non-zeros in columns %d to %d of row %d".formatted(kept, i % last, i % last + FOUR - 1, i / last),
                        "at most 2 of each 4 neighbours along the last axis", "prune it first, with Prune24");
            }
        }
    }

    /**
     * 1 where an element of w (.., 4 n) is among the two of its four neighbours that are largest in magnitude, else 0; two ones in any case. Of equals the first is kept; NaN
     * counts as infinite.
     */
    record Mask24() implements Sparse24, Composite {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            Types.floating(this, in);
            quads(this, in.getFirst());
            return List.of(in.getFirst());
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 3 * in.getFirst().shape().size());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }

        /** Each two of the four play once, the earlier one winning draws; who loses at most once is kept. */
        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor w = in.getFirst();
            Tensor isNumber = w.apply(new Pointwise.Equal(), w);
            Tensor size = isNumber.apply(new Pointwise.Select(), w.abs(), constant(w, Double.POSITIVE_INFINITY)).reshape(w.shape().size() / FOUR, FOUR);
            Tensor[] losses = new Tensor[FOUR];
            for (int later = 1; later < FOUR; later++) {
                for (int earlier = 0; earlier < later; earlier++) {
                    Tensor wins = column(size, later).greater(column(size, earlier));
                    losses[earlier] = plus(losses[earlier], wins);
                    losses[later] = plus(losses[later], wins.rsub(1));
                }
            }
            Tensor[] kept = new Tensor[FOUR];
            for (int i = 0; i < FOUR; i++) {
                kept[i] = constant(w, 1.5).greater(losses[i]);
            }
            return List.of(kept[0].concat(1, kept[1], kept[2], kept[3]).reshape(w.shape().dims()));
        }

        private static Tensor column(Tensor quads, int i) {
            return quads.slice(1, i, i + 1);
        }

        private static Tensor plus(Tensor sum, Tensor x) {
            return sum == null ? x : sum.add(x);
        }
    }

    private static Tensor constant(Tensor like, double value) {
        return like.context().fill(like.type().withShape(Shape.scalar()), value);
    }

    /** w (.., 4 n) with zeros where {@link Mask24} has them. The gradient is that of the elements that are kept. */
    record Prune24() implements Sparse24, Composite {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return new Mask24().infer(in);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 3 * in.getFirst().shape().size());
        }

        @Override
        public int overwrites(int output) {
            return 0;
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor w = in.getFirst();
            return List.of(w.apply(new Mask24()).apply(new Pointwise.Select(), w, constant(w, 0)));
        }
    }

    /**
     * From w (N, K), floating or I8, to the elements that {@link Mask24} keeps, in order: values (N, K / 2), and their places, {@link Metadata24} I32. Of a matrix that is 2:4
     * nothing is lost; of another one, what pruning takes away: see {@link #check}.
     */
    record Compress24() implements Sparse24 {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            TensorType w = matrix(this, in.getFirst());
            return List.of(TensorType.of(w.dtype(), w.shape().dim(0), w.shape().dim(1) / 2), Metadata24.of(w).type());
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 3 * in.getFirst().shape().size());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** The inverse of {@link Compress24}: from values (N, K / 2) and metadata to w (N, K). */
    record Expand24() implements Sparse24 {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            return List.of(expanded(this, in.get(0), in.get(1)));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** {@code x w^T} of x (M, K) and a compressed w (N, K): from x, values (N, K / 2), metadata to (M, N). */
    record SparseMatMul() implements Sparse24, Composite {
        @Override
        public String name() {
            return "sparse_matmul";
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 3);
            return new MatMul(false, true).infer(withDense(this, in));
        }

        /** Multiply-adds of the kept elements count two, the others nothing. */
        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, out.getFirst().shape().size() * in.get(0).shape().dim(1));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.matmul(in.get(1).shape().dim(1));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(in.get(0).matmul(in.get(1).apply(new Expand24(), in.get(2)), true));
        }
    }

    /**
     * {@code activation(x w^T + shift)} of x (M, K) and a compressed w (N, K): from x, values (N, K / 2), metadata, shift (N) to (M, N). A linear layer with its bias.
     *
     * @param activation what comes last
     */
    record SparseMatMulShift(Nonlinearity activation) implements Sparse24, Composite {
        @Override
        public boolean wide(int input) {
            return input == 3;
        }

        @Override
        public String name() {
            return "sparse_matmul_shift";
        }

        /** The same of the dense matrix. */
        public MatMulShift dense() {
            return new MatMulShift(false, true, activation);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 4);
            return dense().infer(withDense(this, in));
        }

        /** Multiply-adds of the kept elements count two, the others nothing. */
        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, out.getFirst().shape().size() * (in.get(0).shape().dim(1) + 2));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.matmul(in.get(1).shape().dim(1));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(in.get(0).apply(dense(), in.get(1).apply(new Expand24(), in.get(2)), in.get(3)));
        }
    }

    /**
     * {@link QuantizedMatMul} of a compressed matrix: from x (M, K) I8, values (N, K / 2) I8, metadata, scale (N), shift (N) and, with a residual, r (M, N) I8 to (M, N).
     *
     * @param activation what comes before the rounding
     * @param residualScale factor of the residual, 0 for none
     * @param to element type of the result: I8, F16, BF16 or F32
     */
    record QuantizedSparseMatMul(Nonlinearity activation, double residualScale, DType to) implements Sparse24, Composite {
        /** Checks the attributes. @throws dev.jacquard.tensor.CallerException if the residual's scale is not finite @throws DTypeException if there is no such result */
        public QuantizedSparseMatMul {
            new QuantizedMatMul(activation, residualScale, to);
        }

        @Override
        public String name() {
            return "quantized_sparse_matmul";
        }

        /** The same of the dense matrix. */
        public QuantizedMatMul dense() {
            return new QuantizedMatMul(activation, residualScale, to);
        }

        /** Whether a residual is the last input. */
        public boolean residual() {
            return residualScale != 0;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, residual() ? 6 : 5);
            return dense().infer(withDense(this, in));
        }

        /** Multiply-adds of the kept elements count two, the others nothing. */
        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, out.getFirst().shape().size() * (in.get(0).shape().dim(1) + 5));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return dense().accuracy(withDense(this, in));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            List<Tensor> others = new ArrayList<>(List.of(in.get(1).apply(new Expand24(), in.get(2))));
            others.addAll(in.subList(3, in.size()));
            return List.of(in.get(0).apply(dense(), others.toArray(Tensor[]::new)));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        Operand odd = Operand.values(1, -2, 3, -4, 0, 0, 5, 0, 2, 2, -2, 2, Double.NaN, 1, Double.NEGATIVE_INFINITY, 7, -0.0, 0, 0, 0, 1, 1, 2, 1);
        List<Sample> products = new ArrayList<>();
        for (long[] s : new long[][] {{1, 1, 4}, {3, 5, 8}, {7, 16, 32}, {9, 17, 64}, {2, 40, 36}, {33, 130, 96}, {130, 24, 160}, {5, 33, 224}, {0, 3, 8}}) {
            products.add(Sample.of(new SparseMatMul(), Operand.of(s[0], s[2]), Operand.of(s[1], s[2] / 2), metadata(s[1], s[2], false)));
        }
        return List.of(
                OpRow.of(Mask24.class, "1 at the two largest of each four in magnitude, else 0",
                        Sample.of(new Mask24(), sizes(8)), Sample.of(new Mask24(), odd), Sample.of(new Mask24(), Operand.of(3, 260)),
                        Sample.of(new Mask24(), Operand.of(5, 3, 3, 12)))
                        .refuses(new Mask24(), "not a multiple of 4", TensorType.f32(8, 6))
                        .refuses(new Mask24(), "not floating", TensorType.of(DType.I8, 8, 8)),
                OpRow.of(Prune24.class, "w where it is among the two largest of each four in magnitude, else 0",
                        Sample.of(new Prune24(), sizes(8)), Sample.of(new Prune24(), odd), Sample.of(new Prune24(), sizes(3, 260)), Sample.of(new Prune24(), sizes(5, 3, 3, 12)))
                        .refuses(new Prune24(), "not a multiple of 4", TensorType.f32(8, 6)),
                OpRow.of(Compress24.class, "the two largest of each four in magnitude, and which they are",
                        Sample.of(new Compress24(), sizes(1, 4)), Sample.of(new Compress24(), sizes(17, 68)), Sample.of(new Compress24(), sizes(33, 32)),
                        Sample.of(new Compress24(), new Operand(TensorType.f32(6, 8), Operand.Fill.GIVEN, 0, 0, odd.given())),
                        Sample.of(new Compress24(), Operand.integers(DType.I8, -128, 128, 19, 100)), Sample.of(new Compress24(), Operand.integers(DType.I8, -2, 3, 16, 64)))
                        .refuses(new Compress24(), "not a multiple of 4", TensorType.f32(8, 6))
                        .refuses(new Compress24(), "neither floating nor i8", TensorType.of(DType.I32, 8, 8))
                        .refuses(new Compress24(), "wrong rank", TensorType.f32(8)),
                OpRow.of(Expand24.class, "values at their places, else 0",
                        Sample.of(new Expand24(), Operand.of(1, 2), metadata(1, 4, false)), Sample.of(new Expand24(), Operand.of(17, 34), metadata(17, 68, false)),
                        Sample.of(new Expand24(), Operand.of(33, 16), metadata(33, 32, false)),
                        Sample.of(new Expand24(), Operand.integers(DType.I8, -128, 128, 19, 50), metadata(19, 100, true)))
                        .refuses(new Expand24(), "metadata has the wrong shape", TensorType.f32(8, 8), TensorType.of(DType.I32, 1, 1, 16))
                        .refuses(new Expand24(), "metadata has the wrong element type", TensorType.f32(8, 8), TensorType.f32(1, 1, 32)),
                new OpRow(QuantizedSparseMatMul.class, "x w^T of I8 and a compressed w, with scales, shifts and an activation, rounded", quantized(), List.of())
                        .refuses(new QuantizedSparseMatMul(Nonlinearity.NONE, 0, DType.I8), "wrong element type", TensorType.f32(4, 8), TensorType.f32(4, 4),
                        TensorType.of(DType.I32, 1, 1, 32),
                                TensorType.f32(4), TensorType.f32(4))
                        .refuses(new QuantizedSparseMatMul(Nonlinearity.NONE, 0, DType.I8), "channels differ", TensorType.of(DType.I8, 4, 8), TensorType.of(DType.I8, 4, 4),
                                TensorType.of(DType.I32, 1, 1, 32), TensorType.f32(3), TensorType.f32(3)),
                new OpRow(SparseMatMulShift.class, "activation(x w^T + shift) of a compressed w", shifted(), List.of())
                        .refuses(new SparseMatMulShift(Nonlinearity.NONE), "wrong number of inputs", TensorType.f32(4, 8), TensorType.f32(4, 4),
                        TensorType.of(DType.I32, 1, 1, 32)),
                new OpRow(SparseMatMul.class, "x w^T of a compressed w", List.copyOf(products), List.of())
                        .refuses(new SparseMatMul(), "inner dimensions differ", TensorType.f32(4, 8), TensorType.f32(4, 8), TensorType.of(DType.I32, 1, 1, 32)));
    }

    private static List<Sample> shifted() {
        List<Sample> all = new ArrayList<>();
        long[][] shapes = {{3, 5, 8}, {9, 17, 64}, {33, 68, 96}, {2, 7, 544}};
        for (int i = 0; i < shapes.length; i++) {
            long n = shapes[i][1];
            long k = shapes[i][2];
            Nonlinearity activation = Nonlinearity.values()[i % 3];
            all.add(Sample.of(new SparseMatMulShift(activation), Operand.of(shapes[i][0], k), Operand.of(n, k / 2), metadata(n, k, false), Operand.of(n)));
        }
        return List.copyOf(all);
    }

    /**
     * Scales are small multiples of a power of two; with the shifts they make values that F32 has exactly, and ties. Results in I8 are compared bit for bit, so SiLU goes with
     * floating ones.
     */
    private static List<Sample> quantized() {
        List<QuantizedSparseMatMul> ops = List.of(
                new QuantizedSparseMatMul(Nonlinearity.NONE, 0, DType.I8), new QuantizedSparseMatMul(Nonlinearity.RELU, 0.75, DType.I8),
                new QuantizedSparseMatMul(Nonlinearity.SILU, 0, DType.F32),
                new QuantizedSparseMatMul(Nonlinearity.RELU, -0.5, DType.F16), new QuantizedSparseMatMul(Nonlinearity.NONE, 0, DType.BF16));
        long[][] shapes = {{3, 5, 8}, {7, 17, 32}, {33, 130, 96}, {130, 24, 160}, {9, 33, 224}};
        List<Sample> all = new ArrayList<>();
        for (int i = 0; i < shapes.length; i++) {
            long n = shapes[i][1];
            long k = shapes[i][2];
            double step = Math.scalb(1.0, (ops.get(i).to == DType.I8 ? 5 : 0) - 15);
            List<Operand> operands = new ArrayList<>(List.of(Operand.integers(DType.I8, -128, 128, shapes[i][0], k), Operand.integers(DType.I8, -128, 128, n, k / 2),
                    metadata(n, k, true),
                    new Operand(TensorType.f32(n), Operand.Fill.GIVEN, 0, 0, step, 2 * step, 3 * step, -step),
                    new Operand(TensorType.f32(n), Operand.Fill.GIVEN, 0, 0, 0.5, -3, 7.25, 0, -0.5)));
            if (ops.get(i).residual()) {
                operands.add(Operand.integers(DType.I8, -128, 128, shapes[i][0], n));
            }
            all.add(new Sample(ops.get(i), List.copyOf(operands)));
        }
        return List.copyOf(all);
    }

    /** Distinct magnitudes, so that no small change exchanges what is kept. */
    private static Operand sizes(long... dims) {
        return new Operand(TensorType.f32(dims), Operand.Fill.DISTINCT, 0.1, 1);
    }

    /** Metadata of a matrix (n, k) in which every nibble that is possible comes at every place: seven words, as 7 and the 32 words of a block have no common divisor. */
    private static Operand metadata(long n, long k, boolean bytes) {
        int[] nibbles = {4, 8, 12, 9, 13, 14};
        double[] words = new double[7];
        for (int i = 0; i < words.length; i++) {
            int word = 0;
            for (int j = 0; j < 8; j++) {
                word |= nibbles[(i + j) % nibbles.length] << 4 * j;
            }
            words[i] = word;
        }
        return new Operand(new Metadata24(n, k, bytes).type(), Operand.Fill.GIVEN, 0, 0, words);
    }
}
