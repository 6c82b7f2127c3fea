package dev.jacquard.tensor;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * How a shape lies in storage: strides and offset, in elements. A value apart from the storage, so that transposing,
 * slicing and broadcasting move no bytes. Strides are never negative; a stride of 0 repeats.
 */
public final class Layout {
    private final Shape shape;
    private final long[] strides;
    private final long offset;

    private Layout(Shape shape, long[] strides, long offset) {
        this.shape = shape;
        this.strides = strides;
        this.offset = offset;
    }

    /** Row-major without gaps, from offset 0. */
    public static Layout contiguous(Shape shape) {
        long[] s = new long[shape.rank()];
        long step = 1;
        for (int i = s.length - 1; i >= 0; i--) {
            s[i] = step;
            step *= Math.max(shape.dim(i), 1);
        }
        return new Layout(shape, s, 0);
    }

    /** A layout of given strides and offset, in elements. */
    public static Layout strided(Shape shape, long[] strides, long offset) {
        if (strides.length != shape.rank() || offset < 0 || Arrays.stream(strides).anyMatch(s -> s < 0)) {
            throw new ShapeException("layout", "strides do not fit the shape", Arrays.toString(strides) + " at " + offset,
                    shape.rank() + " strides of 0 or more", "give one stride per dimension");
        }
        return new Layout(shape, strides.clone(), offset);
    }

    /** One stored element repeated over a shape. */
    public static Layout repeated(Shape shape) {
        return new Layout(shape, new long[shape.rank()], 0);
    }

    /** Extents. */
    public Shape shape() {
        return shape;
    }

    /** Distance, in elements, between neighbours along an axis; negative axes count from the back. */
    public long stride(int axis) {
        return strides[shape.axis(axis)];
    }

    /** The strides, a fresh copy. */
    public long[] strides() {
        return strides.clone();
    }

    /** First element's position in the storage, in elements. */
    public long offset() {
        return offset;
    }

    /** Whether the elements lie row-major without gaps (the offset may be anything). */
    public boolean isContiguous() {
        long step = 1;
        for (int i = strides.length - 1; i >= 0; i--) {
            long d = shape.dim(i);
            if (d != 1 && strides[i] != step) {
                return shape.size() == 0;
            }
            step *= d;
        }
        return true;
    }

    /** One past the largest element position that is touched; 0 if empty. */
    public long end() {
        if (shape.size() == 0) {
            return 0;
        }
        long last = offset;
        for (int i = 0; i < strides.length; i++) {
            last += (shape.dim(i) - 1) * strides[i];
        }
        return last + 1;
    }

    /** Position in storage of the element at an index. */
    public long position(long... index) {
        long p = offset;
        for (int i = 0; i < strides.length; i++) {
            p += index[i] * strides[i];
        }
        return p;
    }

    /** Dimensions reordered: dimension i of the result is dimension {@code permutation[i]} of this one. */
    public Layout permute(int... permutation) {
        long[] d = new long[permutation.length];
        long[] s = new long[permutation.length];
        for (int i = 0; i < permutation.length; i++) {
            d[i] = shape.dim(permutation[i]);
            s[i] = stride(permutation[i]);
        }
        return new Layout(Shape.of(d), s, offset);
    }

    /** The part {@code from} (inclusive) to {@code to} (exclusive) of one axis. */
    public Layout slice(int axis, long from, long to) {
        int a = shape.axis(axis);
        return new Layout(shape.with(a, to - from), strides, offset + from * strides[a]);
    }

    /** Repeated along missing dimensions and those of extent 1, to a shape that this one broadcasts to. */
    public Layout broadcastTo(Shape target) {
        if (target.equals(shape)) {
            return this;
        }
        if (!Shape.broadcast("broadcast", shape, target).equals(target)) {
            throw new ShapeException("broadcast", "target is smaller", shape + " to " + target, "a target with every extent equal, or 1 here", "check the target shape");
        }
        int lead = target.rank() - shape.rank();
        long[] s = new long[target.rank()];
        for (int i = lead; i < s.length; i++) {
            s[i] = shape.dim(i - lead) == 1 ? 0 : strides[i - lead];
        }
        return new Layout(target, s, offset);
    }

    /** The same elements in the same order under another shape, if strides can say so; empty if a copy is needed. */
    public Optional<Layout> reshape(Shape target) {
        if (target.size() != shape.size()) {
            throw new ShapeException("reshape", "element counts differ", shape + " to " + target, shape.size() + " elements", "check the target shape");
        }
        if (isContiguous()) {
            return Optional.of(new Layout(target, contiguous(target).strides, offset));
        }
        // Source dimensions of extent 1 say nothing. Of the others, each run that covers a run of target dimensions must
        // itself be gap-free; the target run then steps by the source run's innermost stride.
        int[] kept = IntStream.range(0, shape.rank()).filter(k -> shape.dim(k) != 1).toArray();
        long[] s = new long[target.rank()];
        int i = 0;
        int j = 0;
        while (i < kept.length || j < target.rank()) {
            int i0 = i;
            int j0 = j;
            long p = i < kept.length ? shape.dim(kept[i++]) : 1;
            long q = j < target.rank() ? target.dim(j++) : 1;
            while (p != q) {
                if (p < q) {
                    p *= shape.dim(kept[i++]);
                } else {
                    q *= target.dim(j++);
                }
            }
            for (int k = i0; k < i - 1; k++) {
                if (strides[kept[k]] != strides[kept[k + 1]] * shape.dim(kept[k + 1])) {
                    return Optional.empty();
                }
            }
            long inner = i > i0 ? strides[kept[i - 1]] : 0;
            for (int k = j - 1; k >= j0; k--) {
                s[k] = inner;
                inner *= target.dim(k);
            }
        }
        return Optional.of(new Layout(target, s, offset));
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Layout l && offset == l.offset && shape.equals(l.shape) && Arrays.equals(strides, l.strides);
    }

    @Override
    public int hashCode() {
        return (shape.hashCode() * 31 + Arrays.hashCode(strides)) * 31 + Long.hashCode(offset);
    }

    /** {@code (3, 4):[4, 1]+0}. */
    @Override
    public String toString() {
        return shape + ":" + Arrays.toString(strides) + "+" + offset;
    }
}
