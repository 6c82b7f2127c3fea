package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Copies, conversions, joins. They move bytes, so every element type is welcome. */
final class MovementKernels {
    private MovementKernels() {}

    /** A kernel that takes every element type; copies read every layout too. */
    private record Any<O extends Op>(boolean strided, java.util.function.BiFunction<O, Call, Launch> body) implements CpuKernel<O> {
        @Override
        public Launch bind(O op, Call call) {
            return body.apply(op, call);
        }

        @Override
        public boolean takes(O op, List<TensorType> in) {
            return true;
        }

        @Override
        public boolean reads(int input, Layout layout) {
            return strided || layout.isContiguous();
        }
    }

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                Movement.Copy.class, new Any<Movement.Copy>(true, (_, call) -> copy(call)),
                Movement.Cast.class, new Any<>(false, MovementKernels::cast),
                Movement.Concat.class, new Any<>(false, MovementKernels::concat),
                Movement.Pad.class, new Any<>(false, MovementKernels::pad),
                Movement.OneHot.class, new Any<>(false, MovementKernels::oneHot));
    }

    private static Launch copy(Call call) {
        View from = call.in().getFirst();
        View to = call.out().getFirst();
        int size = from.dtype().bytes();
        long src = call.in(0);
        long dst = call.out(0);
        Strided s = Strided.of(from.shape(), List.of(from.layout(), to.layout()));
        if (s.innerStrides()[0] == 1 && s.innerStrides()[1] == 1) {
            return call.parallel(s.outer(), s.inner(), (a, b) -> {
                for (long i = a; i < b; i++) {
                    Raw.copy(src + size * s.offset(0, i), dst + size * s.offset(1, i), size * s.inner());
                }
            });
        }
        long step = s.innerStrides()[0] * size;
        long outStep = s.innerStrides()[1] * size;
        return call.parallel(s.outer(), s.inner(), (a, b) -> {
            for (long i = a; i < b; i++) {
                elements(s.inner(), size, src + size * s.offset(0, i), step, dst + size * s.offset(1, i), outStep);
            }
        });
    }

    private static void elements(long n, int size, long from, long fromStep, long to, long toStep) {
        for (long i = 0; i < n; i++) {
            long f = from + i * fromStep;
            long t = to + i * toStep;
            switch (size) {
                case 1 -> Raw.setByte(t, Raw.getByte(f));
                case 2 -> Raw.setShort(t, Raw.getShort(f));
                case 4 -> Raw.setInt(t, Raw.getInt(f));
                default -> Raw.setLong(t, Raw.getLong(f));
            }
        }
    }

    static Launch cast(Movement.Cast op, Call call) {
        DType from = call.in().getFirst().dtype();
        DType to = op.to();
        long src = call.in(0);
        long dst = call.out(0);
        long n = call.outShape(0).size();
        if (from == to) {
            return copy(call);
        }
        Conversion conversion = conversion(from, to, call.team().simd());
        if (conversion != null) {
            return call.parallel(n, 1, (a, b) -> conversion.run(src, dst, a, b));
        }
        return call.parallel(n, 1, (a, b) -> {
            for (long i = a; i < b; i++) {
                Raw.set(dst + to.bytes() * i, to, Raw.get(src + from.bytes() * i, from));
            }
        });
    }

    /** The loop that widens a half-precision type; null for another type. */
    static Conversion widening(DType from, Simd simd) {
        return HalfAdaptor.half(from) ? conversion(from, DType.F32, simd) : null;
    }

    /** Converts elements a to b. */
    interface Conversion {
        void run(long src, long dst, long a, long b);
    }

    /** The conversions of every training step have loops of their own; null for the others, which go through doubles. */
    private static Conversion conversion(DType from, DType to, Simd simd) {
        if (to == DType.F32 && HalfAdaptor.half(from)) {
            return (src, dst, a, b) -> simd.widen(from, 1, (int) (b - a), src + 2 * a, 0, dst + 4 * a, 0);
        }
        if (from == DType.F32 && HalfAdaptor.half(to)) {
            return (src, dst, a, b) -> simd.narrow(to, 1, (int) (b - a), src + 4 * a, 0, dst + 2 * a, 0);
        }
        return from == DType.U8 && to == DType.F32 ? MovementKernels::bytes : null;
    }

    private static void bytes(long src, long dst, long a, long b) {
        for (long i = a; i < b; i++) {
            Raw.set(dst + 4 * i, Raw.getByte(src + i) & 0xff);
        }
    }

    /** Elements from one index of the axis to the next, times the element size. */
    private static long inner(View v, int axis) {
        long n = v.dtype().bytes();
        for (int i = v.shape().axis(axis) + 1; i < v.shape().rank(); i++) {
            n *= v.shape().dim(i);
        }
        return n;
    }

    private static Launch concat(Movement.Concat op, Call call) {
        View to = call.out().getFirst();
        long step = inner(to, op.axis());
        long outRow = step * to.shape().dim(op.axis());
        List<Launch> parts = new ArrayList<>();
        long at = 0;
        for (int i = 0; i < call.in().size(); i++) {
            long row = step * call.inShape(i).dim(op.axis());
            if (row > 0) {
                parts.add(rows(call, to.type().bytes() / Math.max(outRow, 1), call.in(i), row, call.out(0) + at, outRow, row));
            }
            at += row;
        }
        Launch[] all = parts.toArray(Launch[]::new);
        return () -> {
            for (Launch l : all) {
                l.run();
            }
        };
    }

    private static Launch rows(Call call, long rows, long from, long fromRow, long to, long toRow, long bytes) {
        return call.parallel(rows, bytes / 4, (a, b) -> {
            for (long i = a; i < b; i++) {
                Raw.copy(from + i * fromRow, to + i * toRow, bytes);
            }
        });
    }

    private static Launch pad(Movement.Pad op, Call call) {
        View from = call.in().getFirst();
        View to = call.out().getFirst();
        long step = inner(to, op.axis());
        long inRow = step * from.shape().dim(op.axis());
        long outRow = step * to.shape().dim(op.axis());
        long src = call.in(0);
        long dst = call.out(0);
        return call.parallel(to.type().bytes() / outRow, outRow / 4, (a, b) -> {
            for (long i = a; i < b; i++) {
                long row = dst + i * outRow;
                Raw.zero(row, op.before() * step);
                Raw.copy(src + i * inRow, row + op.before() * step, inRow);
                Raw.zero(row + op.before() * step + inRow, op.after() * step);
            }
        });
    }

    private static Launch oneHot(Movement.OneHot op, Call call) {
        long labels = call.in(0);
        long dst = call.out(0);
        long classes = op.classes();
        return call.parallel(call.inShape(0).size(), classes, (a, b) -> {
            for (long i = a; i < b; i++) {
                Raw.zero(dst + 4 * i * classes, 4 * classes);
                int label = Raw.getInt(labels + 4 * i);
                if (label >= 0 && label < classes) {
                    Raw.set(dst + 4 * (i * classes + label), 1f);
                }
            }
        });
    }
}
