// Depthwise 3x3, stride 1, first version: a thread computes four channels of one pixel and reads taps where they lie. Nine loads of x and 36 elements of w for one store.
#include "quad.cuh"
template <typename T> DEVICE void forward(const T *x, const T *w, T *y, int n, int height, int width, int channels) {
    int quads = channels / 4;
    int i = blockIdx.x * 128 + threadIdx.x;
    if (i >= n * height * width * quads) {
        return;
    }
    int c = i % quads * 4;
    int pixel = i / quads;
    int ow = pixel % width;
    int oh = pixel / width % height;
    float sum[4] = {};
#pragma unroll
    for (int r = 0; r < 3; r++) {
#pragma unroll
        for (int s = 0; s < 3; s++) {
            if ((u32)(oh + r - 1) < (u32)height && (u32)(ow + s - 1) < (u32)width) {
                Quad<T> q = Quad<T>::load(x + (i64)(pixel + (r - 1) * width + s - 1) * channels + c);
#pragma unroll
                for (int k = 0; k < 4; k++) sum[k] += toFloat(q.v[k]) * toFloat(w[(c + k) * 9 + r * 3 + s]);
            }
        }
    }
    Quad<T> q;
#pragma unroll
    for (int k = 0; k < 4; k++) q.v[k] = fromFloat<T>(sum[k]);
    q.store(y + (i64)pixel * channels + c);
}
#define M(S, T) KERNEL(128) v1_##S(const T *x, const T *w, T *y, int n, int h, int wd, int c) { forward<T>(x, w, y, n, h, wd, c); }
FOR_FLOATS(M)
