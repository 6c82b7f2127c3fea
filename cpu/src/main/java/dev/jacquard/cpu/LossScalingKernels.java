package dev.jacquard.cpu;

import dev.jacquard.cpu.UpdateKernels.Gradient;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.LossScaling.CountSteps;
import dev.jacquard.tensor.op.LossScaling.NotFinite;
import dev.jacquard.tensor.op.LossScaling.Unscale;
import dev.jacquard.tensor.op.LossScaling.UpdateScale;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Loss scaling: gradients of a whole network in one pass over memory. */
final class LossScalingKernels {
    private LossScalingKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                Unscale.class, (UpdateKernels.OfParts<Unscale>) (_, call) -> unscale(call),
                NotFinite.class, (UpdateKernels.OfParts<NotFinite>) (_, call) -> notFinite(call),
                UpdateScale.class, (CpuKernel<UpdateScale>) LossScalingKernels::updateScale,
                CountSteps.class, (CpuKernel<CountSteps>) (_, call) -> countSteps(call));
    }

    /** A piece of a gradient. @param to where its unscaled elements go; nowhere if they are only looked at */
    private record Chunk(Gradient gradient, long to, long from, long end) {
        private static void cut(List<Chunk> all, Gradient g, long to, long size) {
            for (long from = 0; from < size; from += Call.GRAIN) {
                all.add(new Chunk(g, to, from, Math.min(size, from + Call.GRAIN)));
            }
        }
    }

    /** What is done with a block of F32 elements. */
    @FunctionalInterface
    private interface Block {
        /** Does it; whether they were all finite. */
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
    private static Launch each(Call call, List<Chunk> chunks, Block block) {
        Chunk[] all = chunks.toArray(Chunk[]::new);
        long flag = call.out(0);
        long scratch = call.workspace();
        Workers workers = call.team().workers();
        Workers.Task task = (chunk, worker) -> {
            Chunk c = all[chunk];
            for (long from = c.from; from < c.end; from += UpdateKernels.BLOCK) {
                long n = Math.min(UpdateKernels.BLOCK, c.end - from);
                long at = c.gradient.read(from, n, scratch + 4 * UpdateKernels.BLOCK * worker);
                if (!block.run(at, c.to + 4 * from, n)) {
                    Raw.setInt(flag, 1);
                }
            }
        };
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
