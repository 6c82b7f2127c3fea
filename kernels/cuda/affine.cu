// affine.cu
// Math         y[i] = scale * x[i] + shift
// Contract     x, y: n > 0 elements of T, contiguous, 16-byte aligned; y may be x; n fits int64
// Launch       grid ceil(n / (256 * V)), block 256, smem 0; V = 16 / sizeof(T); tail guarded
// Traffic      affine: read n*T, write n*T
// Roofline     memory bound: 2 flop per 2*sizeof(T) bytes
// Numerics     computed in f32, rounded once
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.PointwiseKernels
// Versions     v1
// Measured     not yet: no GPU so far
#include "common.cuh"
template <typename T> DEVICE void affine(const T *x, T *y, i64 n, float scale, float shift) {
    const int V = Pack<T>::N;
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * V;
    if (i + V <= n) {
        Pack<T> p = Pack<T>::load(x + i);
#pragma unroll
        for (int k = 0; k < V; k++) p.v[k] = p.v[k] * scale + shift;
        p.store(y + i);
    } else {
#pragma unroll 1
        for (; i < n; i++) y[i] = fromFloat<T>(toFloat(x[i]) * scale + shift);
    }
}
#define M(S, T) KERNEL(256) affine_##S(const T *x, T *y, i64 n, float scale, float shift) { affine<T>(x, y, n, scale, shift); }
FOR_FLOATS(M)
