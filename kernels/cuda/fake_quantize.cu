// fake_quantize.cu
// Math         fake_quantize: y[i] = clamp(round(x[i] / s), qmin, qmax) * s, half to even; 0 where s is 0
//              fake_quantize_backward: dx[i] = max(qmin, -qmax) <= x[i] / s <= qmax ? dy[i] : 0; 0 where s is 0
//              s = scale[i / inner % c]: c = 1 per tensor
// Contract     x, dy, y: n > 0 elements of T, contiguous, 16-byte aligned; scale: c elements of T; y may be x, dx may be dy
// Launch       grid ceil(n / (256 * V)), block 256, smem 0; V = 16 / sizeof(T); tail guarded
// Traffic      fake_quantize: read n*T + c*T, write n*T
//              fake_quantize_backward: read 2*n*T + c*T, write n*T
// Roofline     memory bound: about 5 flop and a division per 2*sizeof(T) bytes
// Numerics     true division in f32, so that the nearest integer is that of x / s; one rounding at the store; NaN stays NaN
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.PointwiseKernels
// Versions     v1: where packs hold one channel (inner a multiple of V) one scale per pack, where they hold neighbours (inner 1, c a multiple of V) a pack of scales, else one by one
// Measured     not yet: no GPU so far
#include "common.cuh"

struct Range {
    float lo, hi;
};

struct Forward {
    static const bool BACKWARD = false;
    // Comparisons and not fminf, which would swallow a NaN.
    static DEVICE float apply(float, float x, float s, Range r) {
        float q = rintf(x / s);
        q = q < r.lo ? r.lo : q > r.hi ? r.hi : q;
        return s == 0 ? 0 : q * s;
    }
};

struct Backward {
    static const bool BACKWARD = true;
    static DEVICE float apply(float dy, float x, float s, Range r) {
        float q = x / s;
        return s != 0 && q >= r.lo && q <= r.hi ? dy : 0;
    }
};

// The scales of V neighbours from i on, n of them within the tensor.
template <typename T> DEVICE void scales(float *s, const T *scale, i64 i, int n, u32 c, i64 inner) {
    const int V = Pack<T>::N;
    if (inner % V == 0 || c == 1) {
        float same = toFloat(scale[c == 1 ? 0 : (u32)(i / inner % c)]);
#pragma unroll
        for (int k = 0; k < V; k++) s[k] = same;
    } else if (inner == 1 && c % V == 0) {
        Pack<T> p = Pack<T>::load(scale + i % c);
#pragma unroll
        for (int k = 0; k < V; k++) s[k] = p.v[k];
    } else {
        i64 rest = i % inner;
        u32 channel = (u32)(i / inner % c);
#pragma unroll
        for (int k = 0; k < V; k++) {
            s[k] = k < n ? toFloat(scale[channel]) : 1;
            if (++rest == inner) {
                rest = 0;
                if (++channel == c) channel = 0;
            }
        }
    }
}

template <typename T, typename O> DEVICE void quantize(const T *dy, const T *x, const T *scale, T *y, i64 n, u32 c, i64 inner, Range r) {
    const int V = Pack<T>::N;
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * V;
    if (i >= n) return;
    float s[V];
    scales(s, scale, i, n - i < V ? (int)(n - i) : V, c, inner);
    if (i + V <= n) {
        Pack<T> p = Pack<T>::load(x + i), d = p;
        if (O::BACKWARD) d = Pack<T>::load(dy + i);
#pragma unroll
        for (int k = 0; k < V; k++) p.v[k] = O::apply(d.v[k], p.v[k], s[k], r);
        p.storeWhole(y + i);
    } else {
#pragma unroll
        for (int k = 0; k < V; k++) {
            if (i + k < n) y[i + k] = fromFloat<T>(O::apply(O::BACKWARD ? toFloat(dy[i + k]) : 0, toFloat(x[i + k]), s[k], r));
        }
    }
}

#define FORWARD(S, T) KERNEL(256) fake_quantize_##S(const T *x, const T *scale, T *y, i64 n, u32 c, i64 inner, float lo, float hi) { quantize<T, Forward>(x, x, scale, y, n, c, inner, Range{lo, hi}); }
#define BACKWARD(S, T) KERNEL(256) fake_quantize_backward_##S(const T *dy, const T *x, const T *scale, T *dx, i64 n, u32 c, i64 inner, float lo, float hi) { \
        quantize<T, Backward>(dy, x, scale, dx, n, c, inner, Range{lo, hi}); }
FOR_FLOATS(FORWARD)
FOR_FLOATS(BACKWARD)
