// softmax.cu
// Math         y[r][i] = e^(x[r][i] - m) / s, m = max of row r, s = sum of e^(x[r][j] - m); or its logarithm x[r][i] - m - log s
// Contract     x, y: rows of n > 0 elements of T, contiguous, 16-byte aligned; y may be x; n fits int32 with room for 2048 more; softmax_held: n <= 1024, a multiple of V = 16 / sizeof(T)
// Launch       softmax_warp: grid ceil(rows / 8), block 256, a warp per row; softmax_held: grid ceil(rows / 2), block 64, a warp per row; softmax_long: grid rows, block 256, static smem 128
// Traffic      softmax_warp: read rows*n*T, write rows*n*T
//              softmax_held: read rows*n*T, write rows*n*T
//              softmax_long: read rows*n*T, write rows*n*T
// Roofline     memory bound: 5 flop per 2*sizeof(T) bytes; softmax_warp and softmax_long read each row a second time, which the caches hold up to some 100 KB
// Numerics     computed in f32, rounded once; a row with NaN, with +inf, of nothing above -1e38 or of something above 2.3e38 is NaN; other -inf give 0 (-inf)
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.ReductionKernels
// Versions     v1 largest, sum and result in three reads; v2 both sums in one, two reads; v3 the row in a block's registers, one read; v4 in a warp's; kernels/dev/softmax
// Measured     not yet: no GPU so far
#include "reduction.cuh"

// From a power of 2 to the result.
struct Finish {
    bool logarithm;
    float scale, offset;

    DEVICE Finish(int logarithm, float sum)
        : logarithm(logarithm), scale(logarithm ? LN_2 : __fdividef(1, sum)), offset(logarithm ? -log2Fast(sum) * LN_2 : 0) {}

    template <int COUNT> DEVICE void apply(const RowSums &all, float *v) const {
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            float p = all.power(v[k]);
            v[k] = fmaf(logarithm ? p : exp2Fast(p), scale, offset);
        }
    }
};

template <typename T> DEVICE void softmaxHeld(const T *x, T *y, i64 rows, int n, int logarithm) {
    i64 row = rowOfGroup<32>();
    if (row >= rows) {
        return; // a whole warp
    }
    Held<T> held(x + row * n, n);
    RowSums all;
    all.begin(held, n);
    held.forPacks(n, [&](int, float *v, auto count) { all.addBelow<count>(v); });
    Finish finish(logarithm, warpSum(all.sum));
    held.forPacks(n, [&](int, float *v, auto count) { finish.apply<count>(all, v); });
    held.store(y + row * n, n);
}

template <typename T, int THREADS> DEVICE void softmaxTwice(const T *x, T *y, i64 rows, int n, int logarithm) {
    __shared__ __align__(16) float scratch[32];
    i64 row = rowOfGroup<THREADS>();
    if (row >= rows) {
        return; // a whole group, and warps do not meet at barriers
    }
    x += row * n;
    RowSums all;
    forPacks<THREADS>(x, n, [&](int, float *v, auto count) { all.add<count>(v); });
    all.combine<THREADS>(scratch, false);
    Finish finish(logarithm, all.sum);
    mapPacks<THREADS>(x, y + row * n, n, [&](int, float *v, auto count) { finish.apply<count>(all, v); });
}

#define M(S, T)                                                                                                                         \
    KERNEL(256) softmax_warp_##S(const T *x, T *y, i64 rows, int n, int logarithm) { softmaxTwice<T, 32>(x, y, rows, n, logarithm); }    \
    KERNEL(64) softmax_held_##S(const T *x, T *y, i64 rows, int n, int logarithm) { softmaxHeld<T>(x, y, rows, n, logarithm); }          \
    KERNEL(256) softmax_long_##S(const T *x, T *y, i64 rows, int n, int logarithm) { softmaxTwice<T, 256>(x, y, rows, n, logarithm); }
FOR_FLOATS(M)
