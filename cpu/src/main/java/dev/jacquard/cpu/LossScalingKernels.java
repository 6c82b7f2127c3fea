package dev.jacquard.cpu;

import dev.jacquard.cpu.UpdateKernels.Gradient;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.op.LossScaling.CountSteps;
import dev.jacquard.tensor.op.LossScaling.NotFinite;
import dev.jacquard.tensor.op.LossScaling.Unscale;
import dev.jacquard.tensor.op.LossScaling.UpdateScale;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Loss scaling and clipping: gradients of a whole network in one pass over memory, or two. */
final class LossScalingKernels {
    private LossScalingKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                Unscale.class, (UpdateKernels.OfParts<Unscale>) (_, call) -> unscale(call),
                NotFinite.class, (UpdateKernels.OfParts<NotFinite>) (_, call) -> notFinite(call),
                UpdateScale.class, (CpuKernel<UpdateScale>) LossScalingKernels::updateScale,
                CountSteps.class, (CpuKernel<CountSteps>) (_, call) -> countSteps(call),
                ClipByGlobalNorm.class, new Clip());
    }

    /** A sum per chunk, all of them in order, then each gradient by the factor. */
    private static final class Clip implements UpdateKernels.OfParts<ClipByGlobalNorm> {
        @Override
        public long workspace(ClipByGlobalNorm op, List<TensorType> in, Team team) {
            return sums(0, team) + 8 * in.stream().mapToLong(t -> Chunk.count(t.shape().size())).sum();
        }

        /** Behind the workers' scratch memory. */
        private static long sums(long workspace, Team team) {
            return Gradient.scratch(workspace, team.workers().size());
        }

        @Override
        public Launch bind(ClipByGlobalNorm op, Call call) {
            int n = call.in().size();
            List<Chunk<Part>> all = Chunk.cut(IntStream.range(0, n).mapToObj(i -> Part.of(call, i, call.out(i))).toList(), Part::size);
            long sums = sums(call.workspace(), call.team());
            long norm = call.out(n);
            Simd simd = call.team().simd();
            Workers workers = call.team().workers();
            float[] factor = {0};
            Workers.Task squares = (chunk, worker) -> {
                double sum = squares(all.get(chunk), Gradient.scratch(call.workspace(), worker), simd);
                Raw.set(sums + 8L * chunk, DType.F64, sum);
            };
            Block block = (at, to, size) -> simd.scale(at, to, size, factor[0]);
            Workers.Task scale = (chunk, worker) -> blocks(all.get(chunk), Gradient.scratch(call.workspace(), worker), block);
            return () -> {
                workers.run(squares, all.size());
                double sum = 0;
                for (int i = 0; i < all.size(); i++) {
                    sum += Raw.get(sums + 8L * i, DType.F64);
                }
                double found = Math.sqrt(sum);
                factor[0] = (float) switch (op.form()) {
                    case PYTORCH -> Math.min(op.max() / (found + 1e-6), 1);
                    case TENSORFLOW -> op.max() / Math.max(found, op.max());
                };
                Raw.set(norm, (float) found);
                workers.run(scale, all.size());
            };
        }

        private static double squares(Chunk<Part> c, long scratch, Simd simd) {
            double sum = 0;
            for (long at = c.from(); at < c.to(); at += UpdateKernels.BLOCK) {
                long n = Math.min(UpdateKernels.BLOCK, c.to() - at);
                sum += simd.squares(c.part().gradient.read(at, n, scratch), n);
            }
            return sum;
        }
    }

    /** A gradient. @param to where its elements go; nowhere if they are only looked at */
    private record Part(Gradient gradient, long to, long size) {
        private static Part of(Call call, int input, long to) {
            return new Part(Gradient.of(call, input), to, call.inShape(input).size());
        }
    }

    private static void blocks(Chunk<Part> c, long scratch, Block block) {
        for (long at = c.from(); at < c.to(); at += UpdateKernels.BLOCK) {
            long n = Math.min(UpdateKernels.BLOCK, c.to() - at);
            block.run(c.part().gradient.read(at, n, scratch), c.part().to + 4 * at, n);
        }
    }

    /** What is done with n F32 elements. */
    @FunctionalInterface
    private interface Block {
        void run(long at, long to, long n);
    }

    /** What is done with n F32 elements, and whether they were all finite. */
    @FunctionalInterface
    private interface Finite {
        boolean run(long at, long to, long n);
    }

    private static Launch unscale(Call call) {
        long scale = call.in(0);
        Simd simd = call.team().simd();
        return each(call, IntStream.range(1, call.in().size()).mapToObj(i -> Part.of(call, i, call.out(i))), (at, to, n) -> simd.scale(at, to, n, 1 / Raw.get(scale)));
    }

    private static Launch notFinite(Call call) {
        Simd simd = call.team().simd();
        return each(call, IntStream.range(0, call.in().size()).mapToObj(i -> Part.of(call, i, 0)), (at, _, n) -> simd.finite(at, n));
    }

    /** The flag is the first output; whoever finds something writes the same into it. */
    private static Launch each(Call call, Stream<Part> parts, Finite block) {
        List<Chunk<Part>> all = Chunk.cut(parts.toList(), Part::size);
        long flag = call.out(0);
        long scratch = call.workspace();
        Workers workers = call.team().workers();
        Block look = (at, to, n) -> {
            if (!block.run(at, to, n)) {
                Raw.setInt(flag, 1);
            }
        };
        Workers.Task task = (chunk, worker) -> blocks(all.get(chunk), Gradient.scratch(scratch, worker), look);
        return () -> {
            Raw.setInt(flag, 0);
            workers.run(task, all.size());
        };
    }

    private static Launch updateScale(UpdateScale op, Call call) {
        long scale = call.in(0);
        long streak = call.in(1);
        long overflow = call.in(2);
        long newScale = call.out(0);
        long newStreak = call.out(1);
        float growth = (float) op.growth();
        float backoff = (float) op.backoff();
        float minimum = (float) op.minimum();
        return () -> {
            float s = Raw.get(scale);
            int old = Raw.getInt(streak);
            int next = Raw.getInt(overflow) != 0 ? Math.min(old, 0) - 1 : Math.max(old, 0) + 1;
            boolean grow = next >= op.interval();
            boolean shrink = next <= -op.patience();
            float larger = s * growth;
            if (grow && Float.isFinite(larger)) {
                s = larger;
            } else if (shrink) {
                s = Math.max(s * backoff, minimum);
            }
            Raw.set(newScale, s);
            Raw.setInt(newStreak, grow || shrink ? 0 : next);
        };
    }

    private static Launch countSteps(Call call) {
        long count = call.in(0);
        long skip = call.in(1);
        long next = call.out(0);
        return () -> Raw.setInt(next, Raw.getInt(count) + (Raw.getInt(skip) == 0 ? 1 : 0));
    }
}
