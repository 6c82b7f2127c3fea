// extreme.cu
// Math         extreme: y = largest of x[o][t][i] over t, or its t; topk: the k largest of each row in order, and where they are; NaN is larger than all, the first of equals wins
// Contract     x: contiguous, 16-byte aligned, outer * length * inner elements (topk: rows * n), length, n > 0; y, values of T, at int32, not in the memory of x; k <= n; length, n fit int32;
//              extreme: exactly one of y and at is not null
// Launch       block 256, static smem 64; extreme: inner = 1 and length <= 1024: grid ceil(outer / 8), a warp per row; longer: grid outer, a block per row; inner > 1: grid
//              ceil(outer * inner / 256), a thread per result; topk: grid ceil(rows / 8), a warp per row
// Traffic      extreme: read outer*length*inner*T, write outer*inner*(where*4 + (1 - where)*T)
//              topk: read rows*n*T, write rows*k*(T + 4)
// Roofline     memory bound: 1 comparison per sizeof(T) bytes; topk reads a row k times, all but the first from the caches
// Numerics     exact
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.ReductionKernels
// Versions     v1 values compared as floats, places apart; v2 both in one integer: a third of the instructions
// Measured     not yet: no GPU so far
#include "reduction.cuh"

// A value and its place as one number: a larger value is larger, of equals the one at the smaller place. 0 is smaller than all, ~0 larger.
DEVICE u64 ranked(float v, int at) {
    u32 b = floatToBits(v + 0.f); // zeros of both signs are equal
    u32 order = b & 0x80000000u ? ~b : b | 0x80000000u;
    return (u64)(v != v ? 0xfffffffeu : order) << 32 | (u32)~at;
}

DEVICE int place(u64 ranked) { return ~(int)(u32)ranked; }

DEVICE u64 warpLargest(u64 x) {
#pragma unroll
    for (int lane = 16; lane > 0; lane >>= 1) x = max(x, __shfl_xor_sync(0xffffffffu, x, lane));
    return x;
}

// The largest of a row that is smaller than a limit, among what a thread of its group sees.
template <int THREADS, typename T> DEVICE u64 largest(const T *x, int n, u64 limit) {
    u64 best = 0;
    forPacks<THREADS>(x, n, [&](int i, float *v, auto count) {
#pragma unroll
        for (int k = 0; k < count; k++) {
            u64 r = ranked(v[k], i + k);
            if (r < limit) best = max(best, r);
        }
    });
    return best;
}

template <typename T> DEVICE void extreme(const T *x, T *y, int *at, i64 outer, int length, i64 inner) {
    __shared__ u64 warps[8];
    bool blocks = inner == 1 && length > 1024;
    i64 i = blocks ? blockIdx.x : inner == 1 ? rowOfGroup<32>() : (i64)blockIdx.x * 256 + threadIdx.x;
    if (i >= outer * inner) {
        return; // never a part of what meets below: whole warps, or single threads
    }
    x += i / inner * length * inner + i % inner;
    u64 best = 0;
    if (inner > 1) {
#pragma unroll 1
        for (int t = 0; t < length; t++) best = max(best, ranked(toFloat(x[t * inner]), t));
    } else if (blocks) {
        best = warpLargest(largest<256>(x, length, ~0ull));
        if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = best;
        __syncthreads();
#pragma unroll 1
        for (int w = 0; w < 8; w++) best = max(best, warps[w]);
    } else {
        best = warpLargest(largest<32>(x, length, ~0ull));
    }
    if (inner > 1 || threadIdx.x % (blocks ? 256 : 32) == 0) {
        if (y) {
            y[i] = x[place(best) * inner];
        } else {
            at[i] = place(best);
        }
    }
}

// Round j takes the largest that is smaller than round j - 1's: nothing to remember but one number, whatever k is.
template <typename T> DEVICE void topk(const T *x, T *values, int *at, i64 rows, int n, int k) {
    i64 row = rowOfGroup<32>();
    if (row >= rows) {
        return; // a whole warp
    }
    x += row * n;
    u64 last = ~0ull;
#pragma unroll 1
    for (i64 j = row * k; j < (row + 1) * k; j++) {
        last = warpLargest(largest<32>(x, n, last));
        if (threadIdx.x % 32 == 0) {
            values[j] = x[place(last)];
            at[j] = place(last);
        }
    }
}

#define M(S, T)                                                                                                                              \
    KERNEL(256) extreme_##S(const T *x, T *y, int *at, i64 outer, int length, i64 inner) { extreme<T>(x, y, at, outer, length, inner); }       \
    KERNEL(256) topk_##S(const T *x, T *values, int *at, i64 rows, int n, int k) { topk<T>(x, values, at, rows, n, k); }
FOR_FLOATS(M)
