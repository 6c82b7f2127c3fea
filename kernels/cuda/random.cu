// random.cu
// Math         uniform: y[i] = u(i), u(i) the i-th number in [0, 1) of (seed, step, stream). dropout: y[i] = x[i] * (u(i) < survival ? scale : 0). drop_path: y[i] = x[i] * (u(i / per) < survival ? scale : 0)
// Contract     counter: i64 (seed, step); x, y: n > 0 elements of T, contiguous, 16-byte aligned; y may be x; n <= 2^34; scale: 1 / survival, a value of T; drop_path: n is a multiple of per
// Launch       uniform: grid ceil(n / 1024), block 256, smem 0, four numbers per thread; dropout: grid ceil(n / (256 * V)), V = 16 / sizeof(T); tails guarded. drop_path: grid
//              (ceil(per / (256 * V)), min(n / per, 65535)), packs where V divides per or n is per, else single elements 256 apart
// Traffic      uniform: read 16, write n*4
//              dropout, drop_path: read n*T + 16, write n*T
// Roofline     memory bound: about 100 integer instructions per four numbers, once per thread for drop_path
// Numerics     uniform: exact, as tensor/random/Philox.java; the others one product, rounded once: bit for bit as the ops that define them. A dropped NaN or infinity is NaN
// Determinism  bitwise, on any device
// CPU twin     dev.jacquard.cpu.TrainingKernels
// Versions     v1
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

// What an element is multiplied by.
DEVICE float fate(u32 word, float survival, float scale) { return uniform(word) < survival ? scale : 0; }

template <typename T> DEVICE void dropout(const T *x, const i64 *counter, T *y, i64 n, float survival, float scale, u32 stream) {
    const int V = Pack<T>::N;
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * V;
    if (i >= n) return;
    float m[V];
#pragma unroll
    for (int k = 0; k < V; k += 4) {
        uint4 w = philox(counter[0], counter[1], stream, (u32)((i + k) / 4));
        m[k] = fate(w.x, survival, scale);
        m[k + 1] = fate(w.y, survival, scale);
        m[k + 2] = fate(w.z, survival, scale);
        m[k + 3] = fate(w.w, survival, scale);
    }
    if (i + V <= n) {
        Pack<T> p = Pack<T>::load(x + i);
#pragma unroll
        for (int k = 0; k < V; k++) p.v[k] *= m[k];
        p.store(y + i);
    } else {
#pragma unroll
        for (int k = 0; k < V; k++) {
            if (i + k < n) y[i + k] = fromFloat<T>(toFloat(x[i + k]) * m[k]);
        }
    }
}

template <typename T> DEVICE void dropPath(const T *x, const i64 *counter, T *y, i64 n, i64 per, float survival, float scale, u32 stream) {
    const int V = Pack<T>::N;
    i64 block = (i64)blockIdx.x * (256 * V);
    i64 i = block + threadIdx.x * V;
    bool packs = per % V == 0 || per == n;
    for (i64 sample = blockIdx.y; sample * per < n; sample += gridDim.y) {
        float m = fate(wordOf(philox(counter[0], counter[1], stream, (u32)(sample / 4)), (u32)(sample % 4)), survival, scale);
        const T *from = x + sample * per;
        T *to = y + sample * per;
        if (packs && i + V <= per) {
            Pack<T> p = Pack<T>::load(from + i);
#pragma unroll
            for (int k = 0; k < V; k++) p.v[k] *= m;
            p.store(to + i);
        } else {
            // A pack's rest, or elements of all of the block's packs, neighbours to neighbouring threads
            i64 end = packs ? per : min(per, block + 256 * V);
#pragma unroll 1
            for (i64 j = packs ? i : block + threadIdx.x; j < end; j += packs ? 1 : 256) to[j] = fromFloat<T>(toFloat(from[j]) * m);
        }
    }
}

#define M(S, T)                                                                                                                         \
    KERNEL(256) dropout_##S(const T *x, const i64 *counter, T *y, i64 n, float survival, float scale, u32 stream) {                     \
        dropout(x, counter, y, n, survival, scale, stream);                                                                             \
    }                                                                                                                                   \
    KERNEL(256) drop_path_##S(const T *x, const i64 *counter, T *y, i64 n, i64 per, float survival, float scale, u32 stream) {          \
        dropPath(x, counter, y, n, per, survival, scale, stream);                                                                       \
    }
FOR_FLOATS(M)
