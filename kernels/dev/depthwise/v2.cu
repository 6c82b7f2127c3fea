// Depthwise 3x3, stride 1, second version: a thread computes four channels of four columns of one row; taps lie in shared memory. 18 loads of x for four stores, each row of x read by three rows
// of threads.
#include "quad.cuh"
const int PITCH = 32 * 4 + 4;
template <typename T> DEVICE void forward(const T *x, const T *w, T *y, int n, int height, int width, int channels) {
    __shared__ __align__(16) float taps[9 * PITCH];
    int c0 = blockIdx.y * blockDim.x * 4;
#pragma unroll 1
    for (int e = threadIdx.y * blockDim.x + threadIdx.x; e < min((int)blockDim.x * 4, channels - c0) * 9; e += blockDim.x * blockDim.y) {
        taps[e % 9 * PITCH + e / 9] = toFloat(w[c0 * 9 + e]);
    }
    __syncthreads();
    int strips = (width + 3) / 4;
    int i = blockIdx.x * blockDim.y + threadIdx.y;
    int c = c0 + threadIdx.x * 4;
    if (c >= channels || i >= n * height * strips) {
        return;
    }
    int ow = i % strips * 4;
    int oh = i / strips % height;
    const T *image = x + (i64)(i / strips / height) * height * width * channels + c;
    T *out = y + ((i64)(i / strips) * width + ow) * channels + c;
    float sum[4][4] = {};
#pragma unroll
    for (int r = 0; r < 3; r++) {
        if ((u32)(oh + r - 1) < (u32)height) {
#pragma unroll
            for (int column = 0; column < 6; column++) {
                Quad<T> q = Quad<T>::zero();
                if ((u32)(ow + column - 1) < (u32)width) q = Quad<T>::load(image + ((oh + r - 1) * width + ow + column - 1) * channels);
#pragma unroll
                for (int t = 0; t < 4; t++) {
                    int s = column - t;
                    if (s >= 0 && s < 3) {
#pragma unroll
                        for (int k = 0; k < 4; k++) sum[t][k] += toFloat(q.v[k]) * taps[(r * 3 + s) * PITCH + threadIdx.x * 4 + k];
                    }
                }
            }
        }
    }
#pragma unroll
    for (int t = 0; t < 4; t++) {
        if (ow + t < width) {
            Quad<T> q;
#pragma unroll
            for (int k = 0; k < 4; k++) q.v[k] = fromFloat<T>(sum[t][k]);
            q.store(out + t * channels);
        }
    }
}
#define M(S, T) KERNEL(128) v2_##S(const T *x, const T *w, T *y, int n, int h, int wd, int c) { forward<T>(x, w, y, n, h, wd, c); }
FOR_FLOATS(M)
