package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/** Image input. */
final class ImageKernels {
    private static final int MOST_CHANNELS = 4;
    private static final int SHARED = 48 << 10;
    /** Bytes of an image that a block stages, about. */
    private static final int STAGED = 6 << 10;

    private ImageKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(Images.Normalize.class, new Pixels(), Images.Augment.class, new Augmented(), Images.Mix.class, new Mixed(), Images.Crop.class,
                (CudaKernel<Images.Crop>) ImageKernels::crop);
    }

    /** What the kernels are measured on. */
    static List<Workload> workloads(long batch) {
        Operand images = Operand.integers(DType.U8, 0, 256, batch, 256, 256, 3);
        Operand places = Operand.integers(DType.I32, 0, 2, batch, 3);
        Operand partners = Operand.labels(batch, batch);
        Operand boxes = Operand.integers(DType.I32, 0, 256, batch, 4);
        float[] half = {0.5f, 0.5f, 0.5f};
        long n = batch * 256 * 256 * 3;
        long m = batch * 224 * 224 * 3;
        Images.Normalize f32 = Images.Normalize.of(half, half, DType.F32);
        Images.Normalize f16 = Images.Normalize.of(half, half, DType.F16);
        return List.of(
                new Workload("images", Sample.of(f32, images), Map.of("n", n, "o", 4L)),
                new Workload("images", Sample.of(f16, images), Map.of("n", n, "o", 2L)),
                new Workload("images", Sample.of(new Images.Augment(f32, 224, 224), images, places), Map.of("m", m, "o", 4L)),
                new Workload("images", Sample.of(new Images.Augment(f16, 224, 224), images, places), Map.of("m", m, "o", 2L)),
                new Workload("images", Sample.of(new Images.Mix(f32), images, partners, Operand.range(0, 1, batch), boxes), Map.of("n", n, "o", 4L)),
                new Workload("images", Sample.of(new Images.Mix(f16), images, partners, Operand.range(0, 1, batch), boxes), Map.of("n", n, "o", 2L)),
                new Workload("images", Sample.of(new Images.Crop(224, 224), images, places), Map.of("m", m)));
    }

    private static boolean fits(Images.Normalize op) {
        return !op.scale().isEmpty() && op.scale().size() <= MOST_CHANNELS && op.to() != DType.F64;
    }

    /** Scales and shifts as images.cu declares them. */
    private static MemorySegment affine(Images.Normalize op) {
        float[] all = new float[2 * MOST_CHANNELS];
        for (int c = 0; c < op.scale().size(); c++) {
            all[c] = op.scale().get(c).floatValue();
            all[MOST_CHANNELS + c] = op.shift().get(c).floatValue();
        }
        return MemorySegment.ofArray(all);
    }

    private static final class Pixels implements CudaKernel<Images.Normalize> {
        @Override
        public boolean takes(Images.Normalize op, List<TensorType> in) {
            return fits(op);
        }

        @Override
        public CudaLaunch bind(Images.Normalize op, Call call) {
            long n = call.outShape(0).size();
            return call.launch("images", "pixels", op.to()).grid(Call.blocks(n, 4L * Call.BLOCK * 16 / op.to().bytes())).block(Call.BLOCK)
                    .pointer(call.in(0)).pointer(call.out(0)).i64(n).i32(call.outShape(0).dim(3)).struct(affine(op)).build();
        }
    }

    /** How rows of a part are staged: so many bytes of shared memory each, so many per block. */
    private record Staged(int pitch, int rows) {
        /** A row begins up to 15 bytes after an aligned address. */
        static Staged of(int height, int width, long channels) {
            int pitch = Math.toIntExact((width * channels + 30) / 16 * 16);
            return new Staged(pitch, Math.clamp(STAGED / pitch, 1, height));
        }

        MemorySegment frame(Shape images, int height, int width) {
            return MemorySegment.ofArray(new int[] {images.intDim(0), images.intDim(1), images.intDim(2), height, width, images.intDim(3), rows, pitch});
        }
    }

    private static final class Augmented implements CudaKernel<Images.Augment> {
        @Override
        public boolean takes(Images.Augment op, List<TensorType> in) {
            return fits(op.normalize()) && Staged.of(1, op.width(), in.getFirst().shape().dim(3)).pitch <= SHARED && CudaKernel.super.takes(op, in);
        }

        @Override
        public CudaLaunch bind(Images.Augment op, Call call) {
            Shape images = call.inShape(0);
            Staged s = Staged.of(op.height(), op.width(), images.dim(3));
            return call.launch("images", "augment", op.normalize().to()).grid(Call.blocks(op.height(), s.rows), images.dim(0), 1).block(Call.BLOCK).shared(s.pitch * s.rows)
                    .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).struct(s.frame(images, op.height(), op.width())).struct(affine(op.normalize())).build();
        }
    }

    private static final class Mixed implements CudaKernel<Images.Mix> {
        /** images.cu's numbers of the weights' element types, by their places. */
        private static final List<DType> WEIGHTS = List.of(DType.F32, DType.F16, DType.BF16);
        /** Rows of a block: its warps. */
        private static final int ROWS = Call.BLOCK / 32;

        @Override
        public boolean takes(Images.Mix op, List<TensorType> in) {
            return fits(op.normalize()) && WEIGHTS.contains(in.get(2).dtype());
        }

        @Override
        public CudaLaunch bind(Images.Mix op, Call call) {
            Shape images = call.inShape(0);
            return call.launch("images", "mix", op.normalize().to()).grid(Call.blocks(images.dim(1), ROWS), images.dim(0), 1).block(Call.BLOCK)
                    .pointer(call.in(0)).pointer(call.in(1)).pointer(call.in(2)).i32(WEIGHTS.indexOf(call.in().get(2).dtype())).pointer(call.in(3)).pointer(call.out(0))
                    .i32(images.dim(1)).i32(images.dim(2)).i32(images.dim(3)).struct(affine(op.normalize())).build();
        }
    }

    private static CudaLaunch crop(Images.Crop op, Call call) {
        Shape images = call.inShape(0);
        Staged s = Staged.of(op.height(), op.width(), images.dim(3));
        return call.launch("images", "crop", DType.U8).grid(Call.blocks(op.height(), s.rows), images.dim(0), 1).block(Call.BLOCK).shared(s.pitch * s.rows)
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).struct(s.frame(images, op.height(), op.width())).build();
    }
}
