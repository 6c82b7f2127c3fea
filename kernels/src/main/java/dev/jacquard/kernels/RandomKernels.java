package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Random numbers, and what is dropped by them: a number is drawn where it is needed, twice if need be, and never kept. */
final class RandomKernels {
    /** Numbers that a thread makes. */
    private static final int NUMBERS = 4;
    private static final long MAX_GRID_Y = 65_535;

    private RandomKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                Random.Uniform.class, (CudaKernel<Random.Uniform>) RandomKernels::uniform,
                Random.Dropout.class, (CudaKernel<Random.Dropout>) RandomKernels::dropout);
    }

    /** What the kernels are measured on. @param batch images per batch: 1 or 2 to count, 64 or more to time */
    static List<Workload> workloads(long batch) {
        Operand counter = Operand.integers(DType.I64, 0, 1000, 2);
        Operand map = Operand.of(batch, 28, 28, 128);
        Map<String, Long> n = Map.of("n", batch * 28 * 28 * 128);
        return List.of(
                new Workload("random", Sample.of(new Random.Uniform(Shape.of(batch, 28, 28, 128), 1), counter), n),
                new Workload("random", Sample.of(new Random.Dropout(0.8, Random.Dropout.Fate.ELEMENT, 1), map, counter), n),
                new Workload("random", Sample.of(new Random.Dropout(0.8, Random.Dropout.Fate.SAMPLE, 1), map, counter), n));
    }

    private static CudaLaunch uniform(Random.Uniform op, Call call) {
        long n = op.shape().size();
        return call.launch("random", "uniform", DType.F32).grid(Call.blocks(n, (long) Call.BLOCK * NUMBERS)).block(Call.BLOCK)
                .pointer(call.in(0)).pointer(call.out(0)).i64(n).i32(op.stream())
                .build();
    }

    private static CudaLaunch dropout(Random.Dropout op, Call call) {
        DType type = call.out().getFirst().dtype();
        Shape shape = call.outShape(0);
        long n = shape.size();
        long perBlock = Call.BLOCK * 16L / type.bytes();
        double scale = 1 / op.survival();
        if (op.fate() == Random.Dropout.Fate.ELEMENT || shape.rank() == 0) {
            return call.launch("random", "dropout", type).grid(Call.blocks(n, perBlock)).block(Call.BLOCK)
                    .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).i64(n).f32(op.survival()).f32(scale).i32(op.stream())
                    .build();
        }
        long fates = op.fate() == Random.Dropout.Fate.SAMPLE ? shape.dim(0) : 1;
        long per = n / fates;
        boolean packs = fates == 1 || per % (16 / type.bytes()) == 0;
        List<CudaLaunch> parts = new ArrayList<>();
        for (long first = 0; first < fates; first += MAX_GRID_Y) {
            parts.add(call.launch("random", "drop_path", type).grid(Call.blocks(per, perBlock), Math.min(fates - first, MAX_GRID_Y), 1).block(Call.BLOCK)
                    .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).i64(per).i32(packs ? 1 : 0).i32(first).f32(op.survival()).f32(scale).i32(op.stream())
                    .build());
        }
        return call.sequence(parts.toArray(CudaLaunch[]::new));
    }
}
