package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Normalization.BatchNormBackward;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.random.Philox;
import java.util.List;
import java.util.Map;

/** What only training needs: batch statistics and random numbers. */
final class TrainingKernels {
    private TrainingKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                BatchNorm.class, new Channels<BatchNorm>(TrainingKernels::batchNorm),
                BatchNormBackward.class, new GradientOfBatchNorm(new Channels<>(TrainingKernels::batchNormBackward)),
                Random.Uniform.class, (CpuKernel<Random.Uniform>) TrainingKernels::uniform);
    }

    /** Binds a kernel over (rows, channels). */
    private interface Body<O> {
        Launch bind(O op, Call call, ChannelOps ops);
    }

    /** Rows may be halves; the channels' numbers are then F32 by {@link Op#wide}. */
    private record Channels<O extends Op>(Body<O> body) implements CpuKernel<O> {
        private static ChannelOps plan(TensorType x, Team team) {
            Shape s = x.shape();
            return new ChannelOps(x.dtype(), s.size() / s.dim(-1), s.intDim(-1), team.workers(), team.simd());
        }

        @Override
        public boolean takes(O op, List<TensorType> in) {
            return in.stream().noneMatch(t -> t.dtype() == DType.F64);
        }

        @Override
        public long workspace(O op, List<TensorType> in, Team team) {
            return plan(in.getFirst(), team).workspaceBytes();
        }

        @Override
        public Launch bind(O op, Call call) {
            return body.bind(op, call, plan(call.in().getFirst().type(), call.team()));
        }
    }

    private static Launch batchNorm(BatchNorm op, Call call, ChannelOps ops) {
        long x = call.in(0);
        long gamma = call.in(1);
        long beta = call.in(2);
        long y = call.out(0);
        long mean = call.out(1);
        long variance = call.out(2);
        long workspace = call.workspace();
        return () -> {
            ops.stats(x, mean, variance, workspace);
            ops.batchNorm(x, mean, variance, gamma, beta, op.eps(), y, false, workspace);
        };
    }

    private static Launch batchNormBackward(BatchNormBackward op, Call call, ChannelOps ops) {
        long dy = call.in(0);
        long x = call.in(1);
        long gamma = call.in(2);
        long mean = call.in(3);
        long variance = call.in(4);
        long dx = call.out(0);
        long dgamma = call.out(1);
        long dbeta = call.out(2);
        long workspace = call.workspace();
        return () -> ops.batchNormBackward(dy, x, mean, variance, gamma, op.eps(), dx, dgamma, dbeta, workspace);
    }

    /** Of F32 by blocks that are read from front to back, which memory takes better than strips of channels. */
    private record GradientOfBatchNorm(Channels<BatchNormBackward> halves) implements CpuKernel<BatchNormBackward> {
        private static NormalizationPasses plan(TensorType x, Team team) {
            return new NormalizationPasses(x.shape().size() / x.shape().dim(-1), x.shape().intDim(-1), Nonlinearity.NONE, team.workers(), team.simd());
        }

        @Override
        public boolean takes(BatchNormBackward op, List<TensorType> in) {
            return halves.takes(op, in);
        }

        @Override
        public long workspace(BatchNormBackward op, List<TensorType> in, Team team) {
            return in.getFirst().dtype() == DType.F32 ? plan(in.getFirst(), team).workspaceBytes() : halves.workspace(op, in, team);
        }

        @Override
        public Launch bind(BatchNormBackward op, Call call) {
            TensorType x = call.in().getFirst().type();
            if (x.dtype() != DType.F32) {
                return halves.bind(op, call);
            }
            NormalizationPasses passes = plan(x, call.team());
            NormalizationPasses.Forward f = new NormalizationPasses.Forward(call.in(1), call.in(2), call.in(2), call.in(3), call.in(4), op.eps(), 0); // no activation asks for beta
            long dy = call.in(0);
            long dx = call.out(0);
            long dgamma = call.out(1);
            long dbeta = call.out(2);
            long workspace = call.workspace();
            return () -> passes.backward(f, dy, dx, dgamma, dbeta, 0, workspace);
        }
    }

    private static Launch uniform(Random.Uniform op, Call call) {
        long counter = call.in(0);
        long dst = call.out(0);
        int[][] blocks = new int[call.team().workers().size()][4];
        return call.parallel(op.shape().size(), 1, (from, to, worker) -> {
            long seed = Raw.getLong(counter);
            long step = Raw.getLong(counter + 8);
            int[] block = blocks[worker];
            for (long i = from; i < to; i++) {
                if (i % 4 == 0) {
                    Philox.block(seed, op.stream(), step, i / 4, block);
                }
                Raw.set(dst + 4 * i, Philox.uniform(block[(int) (i % 4)]));
            }
        });
    }
}
