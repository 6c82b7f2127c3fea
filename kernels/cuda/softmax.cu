// softmax.cu
// Math         y[r][i] = e^(x[r][i] - m) / s, m = max of row r, s = sum of e^(x[r][j] - m); or its logarithm x[r][i] - m - log s
// Contract     x, y: rows of n > 0 elements of T, contiguous, 16-byte aligned; y may be x; n fits int32; softmax_block: n <= 2048, a multiple of V = 16 / sizeof(T)
// Launch       block 256, static smem 64; softmax_warp: grid ceil(rows / 8), a warp per row; softmax_block, softmax_long: grid rows
// Traffic      softmax_warp: read rows*n*T, write rows*n*T
//              softmax_block: read rows*n*T, write rows*n*T
//              softmax_long: read rows*n*T, write rows*n*T
// Roofline     memory bound: 5 flop per 2*sizeof(T) bytes; softmax_warp and softmax_long read each row a second time, which the caches hold up to some 100 KB
// Numerics     computed in f32, rounded once; a row with NaN, with +inf, or of -inf alone is NaN; other -inf give 0 (-inf)
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.ReductionKernels
// Versions     v1 largest, sum and result in three reads; v2 running largest and sum, two reads; v3 the row in registers, one read; kernels/dev/softmax
// Measured     not yet: no GPU so far
#include "reduction.cuh"

// From e^(x - m) or x - m to the result.
struct Finish {
    bool logarithm;
    float max, scale, shift;

    DEVICE Finish(int logarithm, float max, float sum) : logarithm(logarithm), max(max), scale(logarithm ? 1 : 1 / sum), shift(logarithm ? -logf(sum) : 0) {}
    DEVICE float operator()(float x) const { return (logarithm ? x - max : expDown(x - max)) * scale + shift; }
};

// A row in the registers of a block: up to 8 elements per thread.
template <typename T> DEVICE void softmaxBlock(const T *x, T *y, int n, int logarithm) {
    const int V = Pack<T>::N;
    const int PACKS = 8 / V;
    __shared__ float scratch[16];
    x += blockIdx.x * (i64)n;
    y += blockIdx.x * (i64)n;
    Pack<T> q[PACKS];
    float m = -INFINITE;
#pragma unroll
    for (int p = 0; p < PACKS; p++) {
        int i = (p * 256 + threadIdx.x) * V;
        if (i < n) {
            q[p] = Pack<T>::load(x + i);
#pragma unroll
            for (int k = 0; k < V; k++) m = nanMax(m, q[p].v[k]);
        }
    }
    m = Group<256>::max(m, scratch);
    float s = 0;
#pragma unroll
    for (int p = 0; p < PACKS; p++) {
        if ((p * 256 + threadIdx.x) * V < n) {
#pragma unroll
            for (int k = 0; k < V; k++) s += expDown(q[p].v[k] - m);
        }
    }
    s = Group<256>::sum(s, scratch + 8);
    Finish finish(logarithm, m, s);
#pragma unroll
    for (int p = 0; p < PACKS; p++) {
        int i = (p * 256 + threadIdx.x) * V;
        if (i < n) {
#pragma unroll
            for (int k = 0; k < V; k++) q[p].v[k] = finish(q[p].v[k]);
            q[p].store(y + i);
        }
    }
}

// Rows of any length: read for the statistics, and again for the results.
template <typename T, int THREADS> DEVICE void softmaxTwice(const T *x, T *y, i64 rows, int n, int logarithm) {
    __shared__ float scratch[16];
    i64 row = Group<THREADS>::row();
    if (row >= rows) {
        return; // a whole group, and warps do not meet at barriers
    }
    x += row * n;
    y += row * n;
    Softmax all;
    forPacks<THREADS>(x, n, [&](i64, const float *v, auto count) { all.add<count>(v); });
    all.combine<THREADS>(scratch);
    Finish finish(logarithm, all.max, all.sum);
    mapPacks<THREADS>(x, y, n, [&](i64, float *v, auto count) {
#pragma unroll
        for (int k = 0; k < count; k++) v[k] = finish(v[k]);
    });
}

#define M(S, T)                                                                                                                         \
    KERNEL(256) softmax_warp_##S(const T *x, T *y, i64 rows, int n, int logarithm) { softmaxTwice<T, 32>(x, y, rows, n, logarithm); }    \
    KERNEL(256) softmax_block_##S(const T *x, T *y, i64 rows, int n, int logarithm) { softmaxBlock<T>(x, y, n, logarithm); }             \
    KERNEL(256) softmax_long_##S(const T *x, T *y, i64 rows, int n, int logarithm) { softmaxTwice<T, 256>(x, y, rows, n, logarithm); }
FOR_FLOATS(M)
