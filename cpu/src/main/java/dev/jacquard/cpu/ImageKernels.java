package dev.jacquard.cpu;

import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Op;
import java.util.Map;

/** Image input. */
final class ImageKernels {
    private ImageKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(Images.Crop.class, (CpuKernel<Images.Crop>) ImageKernels::crop);
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
}
