package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import java.util.Map;

/** Image input. */
final class ImageKernels {
    private ImageKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(Images.Crop.class, (CpuKernel<Images.Crop>) ImageKernels::crop, Images.Mix.class, new Mix());
    }

    private static Launch crop(Images.Crop op, Call call) {
        long images = call.in(0);
        long places = call.in(1);
        long out = call.out(0);
        long height = call.inShape(0).dim(1);
        long width = call.inShape(0).dim(2);
        long c = call.inShape(0).dim(3);
        long row = op.width() * c;
        return call.parallel(call.inShape(0).dim(0) * op.height(), Math.max(1, row / 4), (a, b) -> {
            for (long i = a; i < b; i++) {
                long n = i / op.height();
                long top = Math.clamp(Raw.getInt(places + 12 * n), 0L, height - op.height());
                long left = Math.clamp(Raw.getInt(places + 12 * n + 4), 0L, width - op.width());
                long from = images + ((n * height + top + i % op.height()) * width + left) * c;
                if (Raw.getInt(places + 12 * n + 8) == 0) {
                    Raw.copy(from, out + i * row, row);
                } else {
                    mirror(from, out + i * row, op.width(), c);
                }
            }
        });
    }

    private static void mirror(long from, long to, long width, long c) {
        for (long x = 0; x < width; x++) {
            for (long k = 0; k < c; k++) {
                Raw.setByte(to + x * c + k, Raw.getByte(from + (width - 1 - x) * c + k));
            }
        }
    }

    private static final class Mix implements CpuKernel<Images.Mix> {
        @Override
        public boolean takes(Images.Mix op, List<TensorType> in) {
            return op.normalize().to() == DType.F32 && CpuKernel.super.takes(op, in);
        }

        @Override
        public Launch bind(Images.Mix op, Call call) {
            Shape shape = call.inShape(0);
            int n = shape.intDim(0);
            int height = shape.intDim(1);
            int width = shape.intDim(2);
            int c = shape.intDim(3);
            int line = width * c;
            long images = call.in(0);
            long partners = call.in(1);
            long weights = call.in(2);
            long boxes = call.in(3);
            long out = call.out(0);
            float[] scale = perElement(op.normalize().scale(), line);
            float[] shift = perElement(op.normalize().shift(), line);
            return call.parallel((long) n * height, 3L * line, (a, b) -> {
                for (long i = a; i < b; i++) {
                    long image = i / height;
                    long row = i % height;
                    int partner = Raw.getInt(partners + 4 * image);
                    float weight = Raw.get(weights + 4 * image);
                    long box = boxes + 16 * image;
                    boolean cut = row >= Raw.getInt(box) && row < Raw.getInt(box + 8);
                    int from = cut ? Math.clamp(Raw.getInt(box + 4), 0, width) * c : 0;
                    int to = cut ? Math.max(from, Math.clamp(Raw.getInt(box + 12), 0, width) * c) : 0;
                    long own = images + i * line;
                    boolean present = partner >= 0 && partner < n;
                    long other = present ? images + ((long) partner * height + row) * line : own;
                    float rest = present ? 1 : 0;
                    long y = out + 4 * i * line;
                    mix(own, other, weight, rest * (1 - weight), scale, shift, y, 0, from);
                    mix(own, other, 0, rest, scale, shift, y, from, to);
                    mix(own, other, weight, rest * (1 - weight), scale, shift, y, to, line);
                }
            });
        }
    }

    /** Factors of a row's elements, so that the loop over them does not ask for their channels. */
    private static float[] perElement(List<Double> perChannel, int line) {
        float[] all = new float[line];
        for (int i = 0; i < line; i++) {
            all[i] = perChannel.get(i % perChannel.size()).floatValue();
        }
        return all;
    }

    private static void mix(long own, long other, float weight, float rest, float[] scale, float[] shift, long y, int from, int to) {
        float all = weight + rest;
        for (int e = from; e < to; e++) {
            float v = weight * (Raw.getByte(own + e) & 0xff) + rest * (Raw.getByte(other + e) & 0xff);
            Raw.set(y + 4L * e, v * scale[e] + all * shift[e]);
        }
    }
}
