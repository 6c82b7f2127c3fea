package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Update.Rule;
import dev.jacquard.tensor.op.Update.Scalar;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Optimizer updates, of one parameter or of all together: one pass over memory. Parts are cut into chunks by their sizes alone, and chunks into blocks that stay in the
 * first cache while a gradient in half precision is widened, and while an average follows the parameter.
 */
final class UpdateKernels {
    /** Elements of a block: five tensors of it are half of a first cache of 48 KB, or less. */
    static final long BLOCK = 1024;

    private UpdateKernels() {}

    /** States are F32, gradients of that or half precision. None of the parts may be empty: what has no elements is left to the definition. */
    interface OfParts<O extends Op> extends CpuKernel<O> {
        @Override
        default boolean takes(O op, List<TensorType> in) {
            return in.stream().noneMatch(t -> t.shape().size() == 0 || t.dtype() == DType.F64);
        }

        /** A block of each worker's own, for widened gradients. */
        @Override
        default long workspace(O op, List<TensorType> in, Team team) {
            return in.stream().anyMatch(t -> HalfAdaptor.half(t.dtype())) ? Gradient.scratch(0, team.workers().size()) : 0;
        }
    }

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        OfParts<Rule> one = (rule, call) -> update(List.of(rule), call);
        return Map.of(
                Update.Sgd.class, one,
                Update.Average.class, one,
                Update.Accumulate.class, one,
                Update.SgdMomentum.class, one,
                Update.RmsProp.class, one,
                Update.Adam.class, one,
                Update.ExtendedUpdate.class, one,
                Update.FusedUpdate.class, (OfParts<Update.FusedUpdate>) (op, call) -> update(op.parts(), call));
    }

    /** A tensor that is read as F32. @param widening null if it is */
    record Gradient(long address, int bytes, MovementKernels.Conversion widening) {
        static Gradient of(Call call, int input) {
            DType type = call.in().get(input).dtype();
            return new Gradient(call.in(input), type.bytes(), MovementKernels.widening(type, call.team().simd()));
        }

        /** Address of a worker's own scratch memory in a workspace that has some for each: {@link #BLOCK} elements. */
        static long scratch(long workspace, int worker) {
            return workspace + 4 * BLOCK * worker;
        }

        /** Address of n elements in F32: where they are, or in {@link #scratch} memory. */
        long read(long from, long n, long scratch) {
            long at = address + bytes * from;
            if (widening == null) {
                return at;
            }
            widening.run(at, scratch, 0, n);
            return scratch;
        }
    }

    /** A parameter's addresses: states before and after, gradient. */
    private record Part(long[] before, long[] after, Gradient gradient, long size, float coefficient) {
        private static Part of(Rule rule, int index, Call call) {
            int states = rule.states();
            long[] before = new long[states];
            long[] after = new long[states];
            for (int j = 0; j < states; j++) {
                before[j] = call.in(index * (states + 1) + j);
                after[j] = call.out(index * states + j);
            }
            return new Part(before, after, Gradient.of(call, index * (states + 1) + states), call.inShape(index * (states + 1)).size(), (float) rule.coefficient());
        }

        /** Loops work in place; where the plan could not, old values are copied over first. */
        private void copy(long from, long n) {
            for (int j = 0; j < before.length; j++) {
                if (before[j] != after[j]) {
                    Raw.copy(before[j] + 4 * from, after[j] + 4 * from, 4 * n);
                }
            }
        }

        /** Address of a state's element after the update; of none if the rule has fewer. */
        private long at(int state, long element) {
            return state < after.length ? after[state] + 4 * element : 0;
        }
    }

    /** Addresses of the scalars, 0 for one that the rule has not. */
    private record Scalars(long rate, long step, long averageDecay, long skip) {
        private static Scalars of(Rule rule, Rule plain, int first, Call call) {
            Scalar rate = plain.scalars().getFirst(); // of the rules that have no learning rate, their only one
            return new Scalars(address(rule, rate, first, call), address(rule, Scalar.STEP, first, call), address(rule, Scalar.AVERAGE_DECAY, first, call),
                    address(rule, Scalar.SKIP, first, call));
        }

        private static long address(Rule rule, Scalar s, int first, Call call) {
            int i = rule.scalars().indexOf(s);
            return i < 0 ? 0 : call.in(first + i);
        }
    }

    private static Launch update(List<Rule> rules, Call call) {
        Rule rule = rules.getFirst();
        Rule plain = rule instanceof Update.ExtendedUpdate e ? e.rule() : rule;
        Scalars scalars = Scalars.of(rule, plain, rules.size() * (rule.states() + 1), call);
        Simd simd = call.team().simd();
        UpdateLoop average = rule instanceof Update.ExtendedUpdate e && e.average() ? simd.update(new Update.Average()) : null;
        Body body = new Body(simd.update(plain), average, plain.states(), scalars);
        List<Part> parts = IntStream.range(0, rules.size()).mapToObj(i -> Part.of(rules.get(i), i, call)).toList();
        List<Chunk<Part>> chunks = Chunk.cut(parts, Part::size);
        if (chunks.size() == 1) {
            return () -> body.run(chunks.getFirst(), call.workspace());
        }
        Workers workers = call.team().workers();
        Workers.Task task = (chunk, worker) -> body.run(chunks.get(chunk), Gradient.scratch(call.workspace(), worker));
        return () -> workers.run(task, chunks.size());
    }

    /** What is done with a chunk. @param average the loop of the average, or null @param averageState where among the states it is */
    private record Body(UpdateLoop rule, UpdateLoop average, int averageState, Scalars scalars) {
        private void run(Chunk<Part> c, long scratch) {
            Part p = c.part();
            boolean skipped = scalars.skip != 0 && Raw.getInt(scalars.skip) != 0;
            float rate = Raw.get(scalars.rate);
            int step = scalars.step == 0 ? 0 : Raw.getInt(scalars.step);
            for (long from = c.from(); from < c.to(); from += BLOCK) {
                long n = Math.min(BLOCK, c.to() - from);
                p.copy(from, n);
                if (skipped) {
                    continue;
                }
                rule.run(p.at(0, from), p.at(1, from), p.at(2, from), p.gradient.read(from, n, scratch), n, p.coefficient, rate, step);
                if (average != null) {
                    average.run(p.at(averageState, from), 0, 0, p.at(0, from), n, 1, Raw.get(scalars.averageDecay), 0);
                }
            }
        }
    }
}
