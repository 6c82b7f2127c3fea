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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

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
            long chunks = in.stream().mapToLong(t -> (t.shape().size() + Call.GRAIN - 1) / Call.GRAIN).sum();
            return scratch(team) + 8 * chunks;
        }

        private static long scratch(Team team) {
            return 4 * UpdateKernels.BLOCK * team.workers().size();
        }

        @Override
        public Launch bind(ClipByGlobalNorm op, Call call) {
            List<Chunk> chunks = new ArrayList<>();
            int n = call.in().size();
            for (int i = 0; i < n; i++) {
                Chunk.cut(chunks, Gradient.of(call, i), call.out(i), call.inShape(i).size());
            }
            Chunk[] all = chunks.toArray(Chunk[]::new);
            long sums = call.workspace() + scratch(call.team());
            long norm = call.out(n);
            Simd simd = call.team().simd();
            Workers workers = call.team().workers();
            float[] factor = {0};
            Workers.Task squares = (chunk, worker) -> {
                double sum = all[chunk].squares(call.workspace() + 4 * UpdateKernels.BLOCK * worker, simd);
                Raw.set(sums + 8L * chunk, DType.F64, sum);
            };
            Block block = (at, to, size) -> simd.scale(at, to, size, factor[0]);
            Workers.Task scale = (chunk, worker) -> all[chunk].blocks(call.workspace() + 4 * UpdateKernels.BLOCK * worker, block);
            return () -> {
                workers.run(squares, all.length);
                double sum = 0;
                for (int i = 0; i < all.length; i++) {
                    sum += Raw.get(sums + 8L * i, DType.F64);
                }
                double found = Math.sqrt(sum);
                factor[0] = (float) switch (op.form()) {
                    case PYTORCH -> Math.min(op.max() / (found + 1e-6), 1);
                    case TENSORFLOW -> op.max() / Math.max(found, op.max());
                };
                Raw.set(norm, (float) found);
                workers.run(scale, all.length);
            };
        }
    }

    /** A piece of a gradient. @param to where its unscaled elements go; nowhere if they are only looked at */
    private record Chunk(Gradient gradient, long to, long from, long end) {
        private static void cut(List<Chunk> all, Gradient g, long to, long size) {
            for (long from = 0; from < size; from += Call.GRAIN) {
                all.add(new Chunk(g, to, from, Math.min(size, from + Call.GRAIN)));
            }
        }

        private void blocks(long scratch, Block block) {
            for (long at = from; at < end; at += UpdateKernels.BLOCK) {
                long n = Math.min(UpdateKernels.BLOCK, end - at);
                block.run(gradient.read(at, n, scratch), to + 4 * at, n);
            }
        }

        private double squares(long scratch, Simd simd) {
            double sum = 0;
            for (long at = from; at < end; at += UpdateKernels.BLOCK) {
                long n = Math.min(UpdateKernels.BLOCK, end - at);
                sum += simd.squares(gradient.read(at, n, scratch), n);
            }
            return sum;
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
        List<Chunk> chunks = new ArrayList<>();
        for (int i = 1; i < call.in().size(); i++) {
            Chunk.cut(chunks, Gradient.of(call, i), call.out(i), call.inShape(i).size());
        }
        long scale = call.in(0);
        Simd simd = call.team().simd();
        return each(call, chunks, (at, to, n) -> simd.scale(at, to, n, 1 / Raw.get(scale)));
    }

    private static Launch notFinite(Call call) {
        List<Chunk> chunks = new ArrayList<>();
        for (int i = 0; i < call.in().size(); i++) {
            Chunk.cut(chunks, Gradient.of(call, i), 0, call.inShape(i).size());
        }
        Simd simd = call.team().simd();
        return each(call, chunks, (at, _, n) -> simd.finite(at, n));
    }

    /** The flag is the first output; whoever finds something writes the same into it. */
    private static Launch each(Call call, List<Chunk> chunks, Finite block) {
        Chunk[] all = chunks.toArray(Chunk[]::new);
        long flag = call.out(0);
        long scratch = call.workspace();
        Workers workers = call.team().workers();
        Block look = (at, to, n) -> {
            if (!block.run(at, to, n)) {
                Raw.setInt(flag, 1);
            }
        };
        Workers.Task task = (chunk, worker) -> all[chunk].blocks(scratch + 4 * UpdateKernels.BLOCK * worker, look);
        return () -> {
            Raw.setInt(flag, 0);
            workers.run(task, all.length);
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
