package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Update.Accumulate;
import dev.jacquard.tensor.op.Update.Adam;
import dev.jacquard.tensor.op.Update.Average;
import dev.jacquard.tensor.op.Update.ExtendedUpdate;
import dev.jacquard.tensor.op.Update.FusedUpdate;
import dev.jacquard.tensor.op.Update.RmsProp;
import dev.jacquard.tensor.op.Update.Rule;
import dev.jacquard.tensor.op.Update.Scalar;
import dev.jacquard.tensor.op.Update.Sgd;
import dev.jacquard.tensor.op.Update.SgdMomentum;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Uses of the updates that tests replay. In half precision the gradient is, and nothing else ({@link Op#wide}). */
final class UpdateSamples {
    private UpdateSamples() {}

    /** The family's rows. */
    static List<OpRow> rows() {
        SgdMomentum plain = new SgdMomentum(0.9, 0, false);
        Rule keras = new SgdMomentum(0.9, 1e-3, false, SgdMomentum.Form.KERAS);
        Rule rms = new RmsProp(0.9, 1e-2, 0.9, 1e-3, RmsProp.Form.PYTORCH);
        Rule tf = new RmsProp(0.9, 1e-3, 0.9, 0, RmsProp.Form.TENSORFLOW);
        Rule adam = new Adam(0.9, 0.999, 1e-3, 1e-2, false);
        Rule adamW = new Adam(0.9, 0.99, 1e-3, 1e-2, true);
        return List.of(
                OpRow.of(Sgd.class, "step without memory", sample(new Sgd(0), 0, 7), sample(new Sgd(1e-3), 0, 33, 3, 5), sample(new Sgd(1e-2), 0, 1025)),
                OpRow.of(Average.class, "step of a moving average", sample(new Average(), 0, 7), sample(new Average(), 0, 1033), sample(new Average(1.125), 0, 61)),
                OpRow.of(Accumulate.class, "sum of gradients", sum(1, Operand.of(7)), sum(0, Operand.of(3, 5)), sum(1, Operand.of(1033)),
                sum(0, Operand.values(Double.NaN, 1, Double.NEGATIVE_INFINITY)))
                        .refuses(new Accumulate(), "gradient has the wrong element type", TensorType.f32(3), TensorType.of(DType.F64, 3), TensorType.f32())
                        .refuses(new Accumulate(), "parameter has the wrong element type", TensorType.of(DType.F16, 3), TensorType.of(DType.F16, 3), TensorType.of(DType.F16)),
                OpRow.of(SgdMomentum.class, "momentum step",
                        sample(plain, 0, 7), sample(new SgdMomentum(0.9, 5e-4, false), 0, 33, 3, 3, 5), sample(new SgdMomentum(0.875, 1e-4, true), 0, 1025),
                        sample(keras, 0, 263), sample(new SgdMomentum(0.875, 0, true, SgdMomentum.Form.KERAS), 0, 35))
                        .refuses(plain, "gradient has the wrong shape", TensorType.f32(3), TensorType.f32(3), TensorType.f32(4), TensorType.f32()),
                OpRow.of(RmsProp.class, "RMSprop step", sample(rms, 0, 7), sample(tf, 0, 33, 3, 3, 5), sample(rms, 0, 1025), sample(tf, 0, 12)),
                OpRow.of(Adam.class, "Adam step", sample(adam, 0, 7), sample(adamW, 0, 33, 3, 3, 5), sample(adamW, 0, 1025), sample(adam, 0, 12))
                        .refuses(adam, "step has the wrong element type", TensorType.f32(3), TensorType.f32(3), TensorType.f32(3), TensorType.f32(3), TensorType.f32(),
                        TensorType.f32()),
                OpRow.of(ExtendedUpdate.class, "step with a moving average, or skipped by a flag",
                        sample(new ExtendedUpdate(plain, true, false), 0, 13, 3),
                        sample(new ExtendedUpdate(plain, false, true), 1, 255), sample(new ExtendedUpdate(plain, true, true), 0, 33),
                        sample(new ExtendedUpdate(keras, true, true), 0, 41), sample(new ExtendedUpdate(new Average(), false, true), 1, 19),
                        sample(new ExtendedUpdate(new Sgd(1e-3), true, false), 0, 29),
                        sample(new ExtendedUpdate(new Accumulate(), false, true), 1, 21), sample(new ExtendedUpdate(new Average(0.75), false, true), 0, 22),
                        sample(new ExtendedUpdate(rms, true, true), 0, 257), sample(new ExtendedUpdate(tf, true, true), 1, 65),
                        sample(new ExtendedUpdate(adamW, true, true), 0, 263), sample(new ExtendedUpdate(adam, true, true), 1, 7)),
                OpRow.of(FusedUpdate.class, "steps of many parameters at once",
                        fused(List.of(plain, new SgdMomentum(0.9, 1e-3, false)), new long[] {3, 5}, new long[] {121}),
                        fused(Collections.nCopies(3, new SgdMomentum(0.9, 1e-3, true)), new long[] {9}, new long[] {2, 2}, new long[] {}),
                        fused(Collections.nCopies(2, new ExtendedUpdate(tf, true, true)), new long[] {17}, new long[] {67}),
                        fused(List.of(adam, adam.undecayed()), new long[] {31}, new long[] {25, 3}),
                        fused(List.of(new Accumulate(), new Accumulate()), new long[] {19}, new long[] {2, 4}),
                        fused(List.of(new ExtendedUpdate(new Average(), false, true), new ExtendedUpdate(new Average(1.5), false, true)), new long[] {11}, new long[] {16}))
                        .refuses(new FusedUpdate(List.of(plain, plain)), "wrong number of inputs", TensorType.f32(3), TensorType.f32(3), TensorType.f32(3), TensorType.f32()));
    }

    private static Operand scalar(DType dtype, double value) {
        return new Operand(TensorType.of(dtype), Operand.Fill.GIVEN, 0, 0, value);
    }

    private static Sample sample(Rule rule, int skip, long... dims) {
        List<Operand> all = tensors(rule, dims);
        rule.scalars().forEach(s -> all.add(scalar(s, skip)));
        return new Sample(rule, all);
    }

    private static Sample sum(int keep, Operand sum) {
        return Sample.of(new Accumulate(), sum, Operand.of(sum.type().shape().dims()), scalar(DType.F32, keep));
    }

    private static Sample fused(List<Rule> parts, long[]... shapes) {
        List<Operand> all = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            all.addAll(tensors(parts.get(i), shapes[i % shapes.length]));
        }
        parts.getFirst().scalars().forEach(s -> all.add(scalar(s, 0)));
        return new Sample(new FusedUpdate(parts), all);
    }

    /** States and gradient; mean squares, which are the second state of RMSprop and the third of Adam, are not negative, and far enough from 0 for finite differences. */
    private static List<Operand> tensors(Rule rule, long... dims) {
        Rule plain = rule instanceof ExtendedUpdate e ? e.rule() : rule;
        int square = plain instanceof RmsProp ? 1 : plain instanceof Adam ? 2 : -1;
        List<Operand> all = new ArrayList<>();
        for (int i = 0; i <= rule.states(); i++) {
            all.add(i == square ? Operand.range(0.1, 1, dims) : Operand.of(dims));
        }
        return all;
    }

    private static Operand scalar(Scalar s, int skip) {
        return switch (s) {
            case LEARNING_RATE -> Operand.range(0.01, 0.2);
            case STEP -> scalar(DType.I32, 3);
            case AVERAGE_DECAY -> Operand.range(0.5, 0.9);
            case KEEP -> scalar(DType.F32, 1);
            case SKIP -> scalar(DType.I32, skip);
        };
    }
}
