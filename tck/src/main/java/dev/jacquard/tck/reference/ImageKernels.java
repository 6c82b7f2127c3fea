package dev.jacquard.tck.reference;

import dev.jacquard.tensor.op.Images;

/** Image input. */
final class ImageKernels {
    private ImageKernels() {}

    static void rows() {
        Kernels.one(Images.Crop.class, (op, in, type) -> {
            Array images = in.get(0);
            Array places = in.get(1);
            double[] y = new double[Math.toIntExact(type.shape().size())];
            Index.forEach(type.shape(), (index, i) -> {
                long n = index[0];
                long top = clamp(places.at(n, 0), images.dim(1) - op.height());
                long left = clamp(places.at(n, 1), images.dim(2) - op.width());
                long column = places.at(n, 2) != 0 ? op.width() - 1 - index[2] : index[2];
                y[i] = images.at(n, top + index[1], left + column, index[3]);
            });
            return y;
        });
    }

    private static long clamp(double at, long most) {
        return (long) Math.min(Math.max(at, 0), most);
    }
}
