package dev.jacquard.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * The extents of a tensor, outermost first. Immutable. Rank 0 is a scalar; an extent of 0 makes the tensor empty.
 *
 * <p>Letters used throughout: N batch, H W height and width, C channels (of the input), K output channels, R S kernel
 * height and width. Images are N H W C, convolution weights K R S C/groups.
 */
public final class Shape {
    private static final Shape SCALAR = new Shape(new long[0]);

    private final long[] dims;

    private Shape(long[] dims) {
        this.dims = dims;
    }

    /** A shape of the given extents. @throws ShapeException if one is negative or the product overflows */
    public static Shape of(long... dims) {
        if (dims.length == 0) {
            return SCALAR;
        }
        long size = 1;
        for (long d : dims) {
            if (d < 0) {
                throw new ShapeException("shape", "negative extent", Arrays.toString(dims), "extents of 0 or more", "check the sizes passed in");
            }
            if (d != 0 && size > Long.MAX_VALUE / 16 / d) {
                throw new ShapeException("shape", "too many elements", Arrays.toString(dims), "fewer than 2^59 elements", "check the sizes passed in");
            }
            size *= Math.max(d, 1);
        }
        return new Shape(dims.clone());
    }

    /** The shape of rank 0, with one element. */
    public static Shape scalar() {
        return SCALAR;
    }

    /** Number of dimensions. */
    public int rank() {
        return dims.length;
    }

    /** Extent of a dimension; negative counts from the back. */
    public long dim(int axis) {
        return dims[axis(axis)];
    }

    /** Extent of a dimension as an int. @throws ArithmeticException if it does not fit */
    public int intDim(int axis) {
        return Math.toIntExact(dim(axis));
    }

    /** Number of elements: the product of the extents, 1 for a scalar. */
    public long size() {
        long n = 1;
        for (long d : dims) {
            n *= d;
        }
        return n;
    }

    /** The extents, a fresh copy. */
    public long[] dims() {
        return dims.clone();
    }

    /** Normalises an axis: negative counts from the back. @throws ShapeException if out of range */
    public int axis(int axis) {
        int a = axis < 0 ? axis + dims.length : axis;
        if (a < 0 || a >= dims.length) {
            throw new ShapeException("shape", "axis out of range", axis + " of " + this, "-" + dims.length + " to " + (dims.length - 1), "check the axis");
        }
        return a;
    }

    /** This shape with one extent replaced. */
    public Shape with(int axis, long extent) {
        long[] d = dims.clone();
        d[axis(axis)] = extent;
        return of(d);
    }

    /** This shape without one dimension. */
    public Shape without(int axis) {
        int a = axis(axis);
        return of(LongStream.range(0, dims.length).filter(i -> i != a).map(i -> dims[(int) i]).toArray());
    }

    /** The dimensions from {@code from} (inclusive) to {@code to} (exclusive). */
    public Shape slice(int from, int to) {
        return of(Arrays.copyOfRange(dims, from, to));
    }

    /**
     * The common shape of two operands by NumPy's rule: aligned at the back, extents equal or 1.
     *
     * @param op the op's name, for the message
     * @throws ShapeException if the two do not broadcast
     */
    public static Shape broadcast(String op, Shape a, Shape b) {
        int rank = Math.max(a.rank(), b.rank());
        long[] out = new long[rank];
        for (int i = 1; i <= rank; i++) {
            long x = i <= a.rank() ? a.dim(-i) : 1;
            long y = i <= b.rank() ? b.dim(-i) : 1;
            if (x != y && x != 1 && y != 1) {
                throw new ShapeException(op, "operands do not broadcast", a + " and " + b,
                        "extents equal or 1, aligned at the last dimension", "reshape or transpose one of them");
            }
            out[rank - i] = x == 1 ? y : x;
        }
        return of(out);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Shape s && Arrays.equals(dims, s.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    /** {@code (8, 56, 56, 64)}; {@code ()} for a scalar. */
    @Override
    public String toString() {
        return Arrays.stream(dims).mapToObj(Long::toString).collect(Collectors.joining(", ", "(", ")"));
    }
}
