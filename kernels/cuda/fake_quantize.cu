// fake_quantize.cu
// Math         fake_quantize: y[i] = clamp(round(x[i] / s), qmin, qmax) * s, half to even; 0 where s is 0
//              fake_quantize_backward: dx[i] = max(qmin, -qmax) <= x[i] / s <= qmax ? dy[i] : 0; 0 where s is 0
//              s = scale[i / inner % c]: c = 1 per tensor
// Contract     x, dy, y: n > 0 elements of T, contiguous, 16-byte aligned; scale: c elements of T; y may be x, dx may be dy
// Launch       grid ceil(n / (256 * V)), block 256, smem 0; V = 16 / sizeof(T); tail guarded
// Traffic      fake_quantize: read n*T + c*T, write n*T
//              fake_quantize_backward: read 2*n*T + c*T, write n*T
// Roofline     memory bound: about 5 flop and a division per 2*sizeof(T) bytes
// Numerics     the quotient in f32 is that of a division, so that ties are ties; one rounding at the store; NaN stays NaN
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.PointwiseKernels
// Versions     v1: where packs hold one channel (inner a multiple of V) one scale per pack, where they hold neighbours (inner 1, c a multiple of V) a pack of scales, else one by one;
//              v2: a reciprocal and a correction instead of a division per element; v3: no 64-bit divisions where 32 bits will do
// Measured     not yet: no GPU so far
#include "common.cuh"

struct Range {
    float lo, hi;
};

// Each op twice: of any quotient, and of an ordinary one by an ordinary scale.
struct Forward {
    static const bool BACKWARD = false;
    // Comparisons and not fminf, which would swallow a NaN.
    static DEVICE float apply(float, float q, float s, Range r) {
        q = rintf(q);
        q = q < r.lo ? r.lo : q > r.hi ? r.hi : q;
        return s == 0 ? 0 : q * s;
    }
    static DEVICE float ordinary(float, float q, float s, Range r) { return fminf(fmaxf(rintf(q), r.lo), r.hi) * s; }
};

struct Backward {
    static const bool BACKWARD = true;
    static DEVICE float apply(float dy, float q, float s, Range r) { return s == 0 ? 0 : ordinary(dy, q, s, r); }
    static DEVICE float ordinary(float dy, float q, float, Range r) { return q >= r.lo && q <= r.hi ? dy : 0; }
};

// i / inner % c, by 32 bits where they are enough: a division by 64 bits is a subroutine of some hundred instructions.
DEVICE u32 channelOf(i64 i, i64 inner, u32 c, bool small) { return small ? (u32)i / (u32)inner % c : (u32)(i / inner % c); }

// The scales of V neighbours from i on, n of them within the tensor, and their reciprocals; small: the tensor has less than 2^32 elements.
template <typename T> DEVICE void scales(float *s, float *inverse, const T *scale, i64 i, int n, u32 c, i64 inner, bool small) {
    const int V = Pack<T>::N;
    if (inner % V == 0 || c == 1) {
        float same = toFloat(scale[c == 1 ? 0 : channelOf(i, inner, c, small)]);
        float reciprocal = 1 / same;
#pragma unroll
        for (int k = 0; k < V; k++) {
            s[k] = same;
            inverse[k] = reciprocal;
        }
        return;
    }
    if (inner == 1 && c % V == 0) {
        Pack<T> p = Pack<T>::load(scale + channelOf(i, 1, c, small));
#pragma unroll
        for (int k = 0; k < V; k++) s[k] = p.v[k];
    } else {
        i64 rest = small ? (i64)((u32)i % (u32)inner) : i % inner;
        u32 channel = channelOf(i, inner, c, small);
#pragma unroll
        for (int k = 0; k < V; k++) {
            s[k] = k < n ? toFloat(scale[channel]) : 1;
            if (++rest == inner) {
                rest = 0;
                if (++channel == c) channel = 0;
            }
        }
    }
#pragma unroll
    for (int k = 0; k < V; k++) inverse[k] = 1 / s[k];
}

// A pack. The quotient is a product by the reciprocal, corrected once by what it leaves, which is a division without its care for the extremes; where numbers are large, odd, or divided by 0, it is a division.
template <typename O, int V> DEVICE void pack(float *y, const float *dy, const float *x, const float *s, const float *inverse, Range r) {
    bool odd = false;
#pragma unroll
    for (int k = 0; k < V; k++) {
        float first = x[k] * inverse[k];
        float q = fmaf(fmaf(-first, s[k], x[k]), inverse[k], first);
        y[k] = O::ordinary(dy[k], q, s[k], r);
        odd |= !(fabsf(first) < 4194304.0f);
    }
    if (odd) {
#pragma unroll
        for (int k = 0; k < V; k++) y[k] = O::apply(dy[k], x[k] / s[k], s[k], r);
    }
}

template <typename T, typename O> DEVICE void quantize(const T *dy, const T *x, const T *scale, T *y, i64 n, u32 c, i64 inner, Range r) {
    const int V = Pack<T>::N;
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * V;
    if (i >= n) return;
    float s[V], inverse[V];
    scales(s, inverse, scale, i, n - i < V ? (int)(n - i) : V, c, inner, n >> 32 == 0);
    if (i + V <= n) {
        Pack<T> p = Pack<T>::load(x + i), d = p, z;
        if (O::BACKWARD) d = Pack<T>::load(dy + i);
        pack<O, V>(z.v, d.v, p.v, s, inverse, r);
        z.storeWhole(y + i);
    } else {
#pragma unroll
        for (int k = 0; k < V; k++) {
            if (i + k < n) y[i + k] = fromFloat<T>(O::apply(O::BACKWARD ? toFloat(dy[i + k]) : 0, toFloat(x[i + k]) / s[k], s[k], r));
        }
    }
}

#define FORWARD(S, T) KERNEL(256) fake_quantize_##S(const T *x, const T *scale, T *y, i64 n, u32 c, i64 inner, float lo, float hi) { quantize<T, Forward>(x, x, scale, y, n, c, inner, Range{lo, hi}); }
#define BACKWARD(S, T) KERNEL(256) fake_quantize_backward_##S(const T *dy, const T *x, const T *scale, T *dx, i64 n, u32 c, i64 inner, float lo, float hi) { \
        quantize<T, Backward>(dy, x, scale, dx, n, c, inner, Range{lo, hi}); }
FOR_FLOATS(FORWARD)
FOR_FLOATS(BACKWARD)
