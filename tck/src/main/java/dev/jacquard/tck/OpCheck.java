package dev.jacquard.tck;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.OpRow;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.ViewOp;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Checks of one op on one backend; each throws AssertionError with the command that reruns the case. */
public final class OpCheck {
    /** What scratch memory and outputs hold before a run: NaN, then something else. */
    private static final int[] GARBAGE = {0xff, 0x5a};

    private OpCheck() {}

    /**
     * Runs a kernel twice and compares with the oracle: values within tolerance, guard bands of operands, results and scratch memory intact, inputs
     * unchanged, the second run equal to the first bit for bit though memory held something else before.
     *
     * @return the part of the tolerance that the worst element uses
     */
    public static double forward(Backend backend, Sample sample, DType dtype, Variant variant, long seed) {
        return forward(backend, sample, dtype, variant, seed, Tolerance::of);
    }

    /** The same. @param tolerances by which results are judged */
    public static double forward(Backend backend, Sample sample, DType dtype, Variant variant, long seed, Tolerance.Table tolerances) {
        Case c = new Case(backend.name(), sample.withDType(dtype), dtype, variant.toString(), seed);
        Sample s = c.sample();
        List<double[]> values = new ArrayList<>();
        List<double[]> made = c.values();
        for (int i = 0; i < made.size(); i++) {
            values.add(variant.values(s.types().get(i), made.get(i)));
        }
        List<TensorType> types = s.op().infer(s.types());
        List<double[]> want = Oracle.outputs(s.op(), s.types(), values);
        List<double[]> got = s.op() instanceof ViewOp ? throughScope(backend, s, values, variant) : run(c, backend, values, variant);
        return compare(c, types, got, want, s.op(), variant.scale(s.op().accuracy(s.types())), tolerances);
    }

    private static double compare(Case c, List<TensorType> types, List<double[]> got, List<double[]> want, Op op, double scale, Tolerance.Table tolerances) {
        double used = 0;
        for (int i = 0; i < types.size(); i++) {
            String output = types.size() > 1 ? "output " + i + ": " : "";
            Tolerance tolerance = tolerances.row(types.get(i).dtype(), op.accuracy(c.sample().types()));
            Comparator.difference(types.get(i), got.get(i), want.get(i), tolerance, scale).ifPresent(problem -> {
                throw c.failure(output + problem);
            });
            used = Math.max(used, Comparator.used(types.get(i), got.get(i), want.get(i), tolerance, scale));
        }
        return used;
    }

    /** Views have no kernel: scopes make them, and reading them back copies. */
    private static List<double[]> throughScope(Backend backend, Sample s, List<double[]> values, Variant variant) {
        try (Scope scope = Scope.open(backend)) {
            List<Tensor> in = new ArrayList<>();
            for (int i = 0; i < values.size(); i++) {
                TensorType type = s.types().get(i);
                Tensor t = scope.tensor(type, values.get(i));
                if (variant == Variant.STRIDED) {
                    int rank = type.shape().rank();
                    int[] reverse = IntStream.range(0, rank).map(a -> rank - 1 - a).toArray();
                    Tensor turned = scope.tensor(TensorType.of(type.dtype(), t.transpose(reverse).shape().dims()), ((EagerTensor) t.transpose(reverse)).doubles());
                    t = turned.transpose(reverse);
                }
                in.add(t);
            }
            return scope.apply(s.op(), in).stream().map(t -> ((EagerTensor) t).doubles()).toList();
        }
    }

    private static List<double[]> run(Case c, Backend backend, List<double[]> values, Variant variant) {
        List<GuardedBuffer> memory = new ArrayList<>();
        try {
            return new Run(c, backend, variant, memory).twice(values);
        } finally {
            memory.forEach(GuardedBuffer::close);
        }
    }

    /** One kernel with its guarded operands. */
    private record Run(Case c, Backend backend, Variant variant, List<GuardedBuffer> memory) {
        List<double[]> twice(List<double[]> values) {
            Op op = c.sample().op();
            List<TensorType> inTypes = c.sample().types();
            List<TensorType> outTypes = op.infer(inTypes);
            List<GuardedBuffer> in = new ArrayList<>();
            List<View> inViews = new ArrayList<>();
            for (int i = 0; i < inTypes.size(); i++) {
                inViews.add(input(op, i, inTypes.get(i), values.get(i), in));
            }
            List<GuardedBuffer> out = new ArrayList<>();
            List<View> outViews = new ArrayList<>();
            for (int o = 0; o < outTypes.size(); o++) {
                boolean shared = variant == Variant.IN_PLACE && Variant.inPlace(op, o, inTypes, outTypes);
                out.add(shared ? in.get(op.overwrites(o)) : guarded(outTypes.get(o).bytes(), "output " + o));
                outViews.add(out.get(o).view(outTypes.get(o).dtype(), Layout.contiguous(outTypes.get(o).shape())));
            }
            GuardedBuffer workspace = guarded(backend.workspace(op, inTypes), "the workspace");
            Launch launch = backend.prepare(op, inViews, outViews, workspace.buffer());

            List<byte[]> before = in.stream().map(GuardedBuffer::contents).toList();
            List<byte[]> first = null;
            for (int garbage : GARBAGE) {
                for (int i = 0; i < in.size(); i++) {
                    in.get(i).set(before.get(i));
                }
                out.stream().filter(b -> !in.contains(b)).forEach(b -> b.fill(garbage));
                workspace.fill(garbage);
                launch.run();
                backend.synchronize();
                List<byte[]> results = out.stream().map(GuardedBuffer::contents).toList();
                intact(in, out, before);
                if (first == null) {
                    first = results;
                } else {
                    repeatable(first, results, outTypes);
                }
            }
            return decode(first, outTypes);
        }

        private GuardedBuffer guarded(long bytes, String what) {
            GuardedBuffer b = new GuardedBuffer(backend, bytes, what);
            memory.add(b);
            return b;
        }

        /** An operand in its layout, or, where the kernel does not read that, a contiguous copy of it made by the backend: as scopes and plans do. */
        private View input(Op op, int i, TensorType type, double[] values, List<GuardedBuffer> in) {
            Layout layout = variant.layout(type.shape());
            GuardedBuffer b = GuardedBuffer.holding(backend, type.dtype(), layout, values, "input " + i);
            memory.add(b);
            View view = b.view(type.dtype(), layout);
            if (backend.accepts(op, i, layout)) {
                in.add(b);
                return view;
            }
            GuardedBuffer copy = guarded(type.bytes(), "the copy of input " + i);
            GuardedBuffer none = guarded(backend.workspace(new Movement.Copy(), List.of(type)), "the copy's workspace");
            View target = copy.view(type.dtype(), Layout.contiguous(type.shape()));
            backend.prepare(new Movement.Copy(), List.of(view), List.of(target), none.buffer()).run();
            backend.synchronize();
            in.add(copy);
            return target;
        }

        private void intact(List<GuardedBuffer> in, List<GuardedBuffer> out, List<byte[]> before) {
            for (GuardedBuffer b : memory) {
                b.damage().ifPresent(problem -> {
                    throw c.failure(problem);
                });
            }
            for (int i = 0; i < in.size(); i++) {
                if (!out.contains(in.get(i)) && !Arrays.equals(in.get(i).contents(), before.get(i))) {
                    throw c.failure("input " + i + " was changed by the kernel");
                }
            }
        }

        private void repeatable(List<byte[]> first, List<byte[]> second, List<TensorType> types) {
            for (int o = 0; o < first.size(); o++) {
                int at = Arrays.mismatch(first.get(o), second.get(o));
                if (at >= 0) {
                    throw c.failure("not repeatable: output " + o + " of the second run differs at element " + at / types.get(o).dtype().bytes()
                            + "; an element that is not written, a read of scratch memory before it is written, or a race");
                }
            }
        }

        private static List<double[]> decode(List<byte[]> results, List<TensorType> types) {
            List<double[]> all = new ArrayList<>();
            for (int o = 0; o < types.size(); o++) {
                MemorySegment m = MemorySegment.ofArray(results.get(o));
                double[] v = new double[Math.toIntExact(types.get(o).shape().size())];
                for (int i = 0; i < v.length; i++) {
                    v[i] = Elements.get(m, types.get(o).dtype(), i);
                }
                all.add(v);
            }
            return all;
        }
    }

    /** Checks that a use which must be refused is, by the type rule and by a scope on the backend, with the promised message. */
    public static void refused(Backend backend, OpRow.ErrorSample error) {
        requireMessage(error, () -> error.op().infer(error.types()), "its type rule");
        try (Scope s = Scope.open(backend)) {
            List<double[]> zeros = error.types().stream().map(t -> new double[Math.toIntExact(t.shape().size())]).toList();
            List<Tensor> in = Oracle.tensors(s, error.types(), zeros);
            requireMessage(error, () -> s.apply(error.op(), in), backend.name());
        }
    }

    private static void requireMessage(OpRow.ErrorSample error, Runnable use, String by) {
        String what = error.op() + " of " + error.types();
        try {
            use.run();
        } catch (JacquardException e) {
            if (!Pattern.compile(error.message()).matcher(e.getMessage()).find()) {
                throw new AssertionError(what + " is refused by " + by + ", but not with /" + error.message() + "/: " + e.getMessage(), e);
            }
            return;
        }
        throw new AssertionError(what + " is not refused by " + by + ", want /" + error.message() + "/");
    }

    /** Checks a composite's own kernel against its definition, both on the backend. */
    public static void lowered(Backend backend, Sample sample, DType dtype, long seed) {
        lowered(backend, sample, dtype, seed, Tolerance::of);
    }

    /** The same. @param tolerances by which results are judged */
    public static void lowered(Backend backend, Sample sample, DType dtype, long seed, Tolerance.Table tolerances) {
        Case c = new Case(backend.name(), sample.withDType(dtype), dtype, "definition", seed);
        Sample s = c.sample();
        try (Scope scope = Scope.open(backend)) {
            List<Tensor> in = Oracle.tensors(scope, s.types(), c.values());
            List<double[]> want = ((Composite) s.op()).define(in).stream().map(t -> ((EagerTensor) t).doubles()).toList();
            List<Tensor> got = scope.apply(s.op(), in);
            List<TensorType> types = got.stream().map(Tensor::type).toList();
            if (!types.equals(s.op().infer(s.types()))) {
                throw c.failure("the definition has types " + types + ", the op " + s.op().infer(s.types()));
            }
            // The definition itself is in limited precision here: its intermediate values, up to the largest result, are rounded too.
            double scale = want.stream().flatMapToDouble(Arrays::stream).map(Math::abs).filter(Double::isFinite).max().orElse(1);
            compare(c, types, got.stream().map(t -> ((EagerTensor) t).doubles()).toList(), want, s.op(), Math.max(1, scale), (result, accuracy) -> tolerances.row(result, accuracy).ofTwo(result));
        }
    }
}
