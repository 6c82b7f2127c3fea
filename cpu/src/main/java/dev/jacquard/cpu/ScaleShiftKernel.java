package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.Nonlinearity;
import java.util.List;

/** Normalisation by known statistics with what follows it, of halves, in blocks that are widened before and rounded after. F32 goes through {@link NormalizationPasses}. */
record ScaleShiftKernel() implements CpuKernel<ScaleShift> {
    /** Numbers of a block, at most, unless a row has more: two blocks stay in the second cache. */
    private static final long BLOCK = 16_384;

    private static long blockRows(long channels) {
        return Math.max(1, BLOCK / channels);
    }

    private static long blockBytes(long channels) {
        return Raw.align(4 * blockRows(channels) * channels);
    }

    @Override
    public boolean takes(ScaleShift op, List<TensorType> in) {
        return HalfAdaptor.half(in.getFirst().dtype());
    }

    /** A row of zeros, and two blocks of each worker. */
    @Override
    public long workspace(ScaleShift op, List<TensorType> in, Team team) {
        long channels = in.getFirst().shape().dim(-1);
        return Raw.align(4 * channels) + 2 * blockBytes(channels) * team.workers().size();
    }

    @Override
    public Launch bind(ScaleShift op, Call call) {
        int channels = call.inShape(0).intDim(-1);
        long rows = call.inShape(0).size() / channels;
        long step = blockRows(channels);
        Block block = new Block(call.in().getFirst().dtype(), channels, call.in(0), call.in(1), call.in(2), op.residual() ? call.in(3) : 0, call.out(0), call.workspace(),
                op.activation(), call.team().simd());
        Launch all = call.parallel((rows + step - 1) / step, step * channels, (from, to, worker) -> {
            long scratch = call.workspace() + Raw.align(4L * channels) + 2 * blockBytes(channels) * worker;
            for (long i = from; i < to; i++) {
                block.run(i * step, (int) Math.min(step, rows - i * step), scratch, scratch + blockBytes(channels));
            }
        });
        return () -> {
            call.team().simd().fill(call.workspace(), channels, 0);
            all.run();
        };
    }

    /** What is done with a block of rows. @param residual 0 if none @param zeros as many as channels */
    private record Block(DType half, int channels, long x, long scale, long shift, long residual, long y, long zeros, Nonlinearity activation, Simd simd) {
        private void run(long row, int rows, long made, long other) {
            long at = 2 * row * channels;
            int n = rows * channels;
            simd.widen(half, 1, n, x + at, 0, made, 0);
            if (residual != 0) {
                simd.widen(half, 1, n, residual + at, 0, other, 0);
            }
            simd.normalize(rows, channels, made, zeros, scale, shift, residual == 0 ? 0 : other, activation, made);
            simd.narrow(half, 1, n, made, 0, y + at, 0);
        }
    }
}
