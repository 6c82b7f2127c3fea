// random.cu
// Math         uniform: y[i] = u(i), u(i) the i-th number in [0, 1) of (seed, step, stream). dropout: y[i] = x[i] * (u(i) < survival ? scale : 0). drop_path: y[i] = x[i] * (u(i / per) < survival ? scale : 0)
// Contract     counter: i64 (seed, step); x, y: n > 0 elements of T, contiguous, 16-byte aligned; y may be x; n <= 2^34; scale: 1 / survival; drop_path: per elements share a
//              number, packs says whether V divides per or there is but one share
// Launch       uniform: grid ceil(n / 1024), block 256, smem 0, four numbers per thread; dropout: grid ceil(n / (256 * V)), V = 16 / sizeof(T); tails guarded. drop_path: grid
//              (ceil(per / (256 * V)), shares, at most 65535 from the first one on), single elements 256 apart where there are no packs
// Traffic      uniform: read 16, write n*4
//              dropout, drop_path: read n*T + 16, write n*T
// Roofline     memory bound: about 100 integer instructions per four numbers, once per thread for drop_path
// Numerics     uniform: exact, as tensor/random/Philox.java; the others one product, rounded once; for f32 bit for bit what the ops that define them
//              give, which for halves round 1 / survival too. A dropped NaN or infinity is NaN
// Determinism  bitwise, on any device
// CPU twin     dev.jacquard.cpu.TrainingKernels
// Versions     v1; v2: fates by comparing integers
// Measured     not yet: no GPU so far
#include "philox.cuh"

KERNEL(256) uniform_f32(const i64 *counter, float *y, i64 n, u32 stream) {
    u32 block = blockIdx.x * 256 + threadIdx.x;
    i64 i = (i64)block * 4;
    if (i >= n) return;
    uint4 w = philox(counter[0], counter[1], stream, block);
    float4 v = make_float4(uniform(w.x), uniform(w.y), uniform(w.z), uniform(w.w));
    if (i + 4 <= n) {
        *reinterpret_cast<float4 *>(y + i) = v;
    } else {
        y[i] = v.x;
        if (i + 1 < n) y[i + 1] = v.y;
        if (i + 2 < n) y[i + 2] = v.z;
    }
}

// What an element is multiplied by. uniform(word) < survival, in integers: a number is a multiple of 2^-24, so that it is below survival, which is above 0, if its word is at most this.
DEVICE u32 lastOf(float survival) { return (u32)ceilf(survival * 0x1p24f) * 256u - 1; }
DEVICE float fate(u32 word, u32 last, float scale) { return word <= last ? scale : 0; }

template <typename T> DEVICE void dropout(const T *x, const i64 *counter, T *y, i64 n, float survival, float scale, u32 stream) {
    const int V = Pack<T>::N;
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * V;
    if (i >= n) return;
    u32 last = lastOf(survival);
    float m[V];
#pragma unroll
    for (int k = 0; k < V; k += 4) {
        uint4 w = philox(counter[0], counter[1], stream, (u32)((i + k) / 4));
        m[k] = fate(w.x, last, scale);
        m[k + 1] = fate(w.y, last, scale);
        m[k + 2] = fate(w.z, last, scale);
        m[k + 3] = fate(w.w, last, scale);
    }
    if (i + V <= n) {
        Pack<T> p = Pack<T>::load(x + i);
#pragma unroll
        for (int k = 0; k < V; k++) p.v[k] *= m[k];
        p.storeWhole(y + i);
    } else {
#pragma unroll
        for (int k = 0; k < V; k++) {
            if (i + k < n) y[i + k] = fromFloat<T>(toFloat(x[i + k]) * m[k]);
        }
    }
}

// A block works on one sample's elements; x and y are the whole batch, first is the sample of grid row 0.
template <typename T> DEVICE void dropPath(const T *x, const i64 *counter, T *y, i64 per, bool packs, u32 first, float survival, float scale, u32 stream) {
    const int V = Pack<T>::N;
    u32 sample = first + blockIdx.y;
    float m = fate(wordOf(philox(counter[0], counter[1], stream, sample / 4), sample % 4), lastOf(survival), scale);
    i64 base = sample * per, block = (i64)blockIdx.x * (256 * V);
    i64 i = block + threadIdx.x * V, end = per;
    int step = 1;
    if (packs) {
        if (i + V <= per) {
            Pack<T> p = Pack<T>::load(x + base + i);
#pragma unroll
            for (int k = 0; k < V; k++) p.v[k] *= m;
            p.storeWhole(y + base + i);
            return;
        }
    } else {
        i = block + threadIdx.x;
        end = min(per, block + 256 * V);
        step = 256;
    }
#pragma unroll 1
    for (; i < end; i += step) y[base + i] = fromFloat<T>(toFloat(x[base + i]) * m);
}

#define M(S, T)                                                                                                                         \
    KERNEL(256) dropout_##S(const T *x, const i64 *counter, T *y, i64 n, float survival, float scale, u32 stream) {                     \
        dropout(x, counter, y, n, survival, scale, stream);                                                                             \
    }                                                                                                                                   \
    KERNEL(256) drop_path_##S(const T *x, const i64 *counter, T *y, i64 per, u32 packs, u32 first, float survival, float scale, u32 stream) { \
        dropPath(x, counter, y, per, packs != 0, first, survival, scale, stream);                                                       \
    }
FOR_FLOATS(M)
