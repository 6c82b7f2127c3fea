package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Update.Rule;
import dev.jacquard.tensor.op.Update.Scalar;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Optimizer updates: many tensors in a launch. */
final class OptimizerKernels {
    private OptimizerKernels() {}

    /** A kernel over parts of F32, or of half precision where the op has it, none of which may be empty: a part has at least one block. */
    interface OfParts<O extends Op> extends CudaKernel<O> {
        @Override
        default boolean takes(O op, List<TensorType> in) {
            return in.stream().noneMatch(t -> t.shape().size() == 0 || t.dtype() == DType.F64);
        }
    }

    /** The gradients of parts that go in one launch are of one type. */
    private interface Fused extends OfParts<Update.FusedUpdate> {
        @Override
        default boolean takes(Update.FusedUpdate op, List<TensorType> in) {
            return OfParts.super.takes(op, in) && IntStream.range(0, in.size()).filter(op::narrow).mapToObj(i -> in.get(i).dtype()).distinct().count() == 1;
        }
    }

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        OfParts<Rule> one = (rule, call) -> update(List.of(rule), call);
        return Map.of(
                Update.Sgd.class, one,
                Update.Average.class, one,
                Update.Accumulate.class, one,
                Update.SgdMomentum.class, one,
                Update.RmsProp.class, one,
                Update.Adam.class, one,
                Update.ExtendedUpdate.class, one,
                Update.FusedUpdate.class, (Fused) (op, call) -> update(op.parts(), call));
    }

    /** What the kernels are measured on. */
    static List<Workload> workloads(long batch) {
        long n = batch * 256 * 256;
        Operand x = Operand.of(batch * 256, 256);
        Operand positive = Operand.range(0.1, 1, batch * 256, 256);
        Operand rate = Operand.range(0.01, 0.2);
        Operand flag = Operand.integers(DType.I32, 0, 1);
        Rule sgd = new Update.SgdMomentum(0.9, 1e-4, false);
        Map<String, Long> plain = Map.of("n", n, "a", 0L);
        return List.of(
                new Workload("update", Sample.of(sgd, x, x, x, rate), plain),
                new Workload("update", Sample.of(new Update.Average(), x, x, rate), plain),
                new Workload("update", Sample.of(new Update.Accumulate(), x, x, Operand.range(1, 2)), plain),
                new Workload("update", Sample.of(new Update.FusedUpdate(List.of(sgd, sgd.undecayed())), x, x, x, x, x, x, rate), Map.of("n", 2 * n, "a", 0L)),
                new Workload("update", Sample.of(new Update.ExtendedUpdate(sgd, true, true), x, x, x, x, rate, rate, flag), Map.of("n", n, "a", 1L)),
                new Workload("update", Sample.of(new Update.RmsProp(0.9, 1e-2, 0.9, 1e-5, Update.RmsProp.Form.PYTORCH), x, positive, x, x, rate), plain),
                new Workload("update", Sample.of(new Update.Adam(0.9, 0.999, 1e-8, 1e-2, true), x, x, positive, x, rate, Operand.integers(DType.I32, 1, 9)), plain));
    }

    /** Operands of an update: parts, then scalars; see update.cu for the order of a part's addresses. */
    private record Operands(Rule rule, int parts, Call call) {
        private long firstScalar() {
            return (long) parts * (rule.states() + 1);
        }

        /** Address of a scalar; 0 if the rule has none of it. */
        long scalar(Scalar s) {
            int i = rule.scalars().indexOf(s);
            return i < 0 ? 0 : call.in(Math.toIntExact(firstScalar()) + i);
        }

        private boolean average() {
            return rule instanceof Update.ExtendedUpdate e && e.average();
        }

        /** Tensors of a part in the kernel's table: old states, average, gradient, new states, new average. */
        int tensors() {
            int plain = rule.states() - (average() ? 1 : 0);
            return 2 * plain + 3;
        }

        long[] addresses(int part) {
            int states = rule.states();
            int plain = states - (average() ? 1 : 0);
            long[] at = new long[tensors()];
            for (int j = 0; j < states; j++) { // the average is the last state, and the last of the kernel's
                at[j] = call.in(part * (states + 1) + j);
                at[plain + 2 + j] = call.out(part * states + j);
            }
            at[plain + 1] = call.in(part * (states + 1) + states);
            return at;
        }

        long size(int part) {
            return call.inShape(part * (rule.states() + 1)).size();
        }
    }

    private static CudaLaunch update(List<Rule> rules, Call call) {
        Operands o = new Operands(rules.getFirst(), rules.size(), call);
        Parts parts = new Parts(o.tensors());
        for (int i = 0; i < rules.size(); i++) {
            parts.add(o.addresses(i), o.size(i), rules.get(i).coefficient());
        }
        DType gradient = call.in().get(o.rule().states()).dtype();
        List<CudaLaunch> launches = new ArrayList<>();
        for (Parts.Table t : parts.tables()) {
            Rule plain = o.rule() instanceof Update.ExtendedUpdate e ? e.rule() : o.rule();
            Scalar rate = plain.scalars().getFirst(); // an average follows by its decay as a parameter by its rate
            KernelLaunch.Builder b = call.launch("update", symbol(plain), gradient).grid(t.blocks()).block(Call.BLOCK).struct(t.bytes())
                    .pointer(o.scalar(rate)).pointer(o.scalar(Scalar.STEP)).pointer(o.scalar(Scalar.AVERAGE_DECAY)).pointer(o.scalar(Scalar.SKIP));
            launches.add(attributes(b, plain).build());
        }
        return call.sequence(launches.toArray(CudaLaunch[]::new));
    }

    private static String symbol(Rule plain) {
        return switch (plain) {
            case Update.Sgd _, Update.Average _, Update.Accumulate _ -> "slotless";
            case Update.SgdMomentum _ -> "sgd";
            case Update.RmsProp _ -> "rmsprop";
            case Update.Adam _ -> "adam";
            case Update.ExtendedUpdate e -> throw new AssertionError(e);
        };
    }

    /** What is known before the step: {@code 1 - x} is rounded here, once, from the exact one. */
    private static KernelLaunch.Builder attributes(KernelLaunch.Builder b, Rule plain) {
        return switch (plain) {
            case Update.Sgd _ -> b.i32(0);
            case Update.Average _ -> b.i32(1);
            case Update.Accumulate _ -> b.i32(2);
            case Update.SgdMomentum s -> b.f32(s.momentum()).i32(s.nesterov() ? 1 : 0).i32(s.form() == Update.SgdMomentum.Form.KERAS ? 1 : 0);
            case Update.RmsProp r -> b.f32(r.alpha()).f32(1 - r.alpha()).f32(r.eps()).f32(r.momentum()).i32(r.form() == Update.RmsProp.Form.TENSORFLOW ? 1 : 0);
            case Update.Adam a -> b.f32(a.beta1()).f32(1 - a.beta1()).f32(a.beta2()).f32(1 - a.beta2()).f32(Math.log(a.beta1())).f32(Math.log(a.beta2())).f32(a.eps())
                    .i32(a.decoupled() ? 1 : 0);
            case Update.ExtendedUpdate e -> throw new AssertionError(e);
        };
    }
}
