// scaling.cu
// Math         unscale: y[i] = g[i] * (1 / scale) of many tensors; overflow = 1 if any g[i] is not finite
//              update_scale: next = overflow ? min(streak, 0) - 1 : max(streak, 0) + 1; interval reached: scale *= growth unless infinite; patience reached: scale *= backoff; either: next = 0
//              count_steps: count + (skip == 0)
// Contract     parts: n > 0 elements of T, contiguous, 16-byte aligned; y may be g; overflow i32, 0 before; scalars in place
// Launch       unscale: grid sum over parts of ceil(n / 4096), block 256, smem 0; 124 parts to a launch; the others: grid 1, block 1
// Traffic      unscale: read n*T, write n*T
//              update_scale: read T+8, write T+4
//              count_steps: read 8, write 4
// Roofline     memory bound: 1 flop per 2*sizeof(T) bytes
// Numerics     computed in f32, rounded once; an infinity is one before it is unscaled
// Determinism  bitwise, run to run: all that write the flag write 1
// CPU twin     dev.jacquard.tck.reference.ReferenceBackend
// Versions     v1
// Measured     not yet: no GPU so far
#include "parts.cuh"

// Not finite: all bits of the exponent set.
DEVICE bool odd(float x) { return (floatToBits(x) & 0x7f800000u) == 0x7f800000u; }

template <typename T> DEVICE void unscale(const Parts<2> &parts, const T *scale, int *overflow) {
    float inverse = 1 / toFloat(*scale);
    Chunk c = chunkOf(parts);
    const T *g = (const T *)parts.at[c.part][0];
    T *y = (T *)parts.at[c.part][1];
    const int N = Pack<T>::N;
    bool bad = false;
    i64 i = c.from + threadIdx.x * N;
#pragma unroll 1
    for (; i + N <= c.to; i += 256 * N) {
        Pack<T> p = Pack<T>::load(g + i);
#pragma unroll
        for (int k = 0; k < N; k++) {
            bad |= odd(p.v[k]);
            p.v[k] *= inverse;
        }
        p.storeWhole(y + i);
    }
#pragma unroll 1
    for (; i < c.to; i++) {
        float x = toFloat(g[i]);
        bad |= odd(x);
        y[i] = fromFloat<T>(x * inverse);
    }
    if (__any_sync(0xffffffffu, bad) && threadIdx.x % 32 == 0) atomicOr(overflow, 1);
}

template <typename T> DEVICE void updateScale(const T *scale, const int *streak, const int *overflow, T *newScale, int *newStreak, float growth, int interval, float backoff, int patience) {
    float s = toFloat(*scale);
    int n = *streak;
    n = *overflow ? (n > 0 ? -1 : n - 1) : (n < 0 ? 1 : n + 1);
    bool grow = n >= interval, shrink = n <= -patience;
    T larger = fromFloat<T>(s * growth);
    if (grow && !odd(toFloat(larger))) *newScale = larger;
    else *newScale = fromFloat<T>(shrink ? s * backoff : s);
    *newStreak = grow || shrink ? 0 : n;
}

#define UNSCALE(S, T) KERNEL(256) unscale_##S(const __grid_constant__ Parts<2> parts, const T *scale, int *overflow) { unscale<T>(parts, scale, overflow); }
#define UPDATE(S, T) KERNEL(1) update_scale_##S(const T *scale, const int *streak, const int *overflow, T *newScale, int *newStreak, float growth, int interval, float backoff, int patience) { \
        updateScale<T>(scale, streak, overflow, newScale, newStreak, growth, interval, backoff, patience); }
FOR_FLOATS(UNSCALE)
FOR_FLOATS(UPDATE)
KERNEL(1) count_steps_i32(const int *count, const int *skip, int *newCount) { *newCount = *count + (*skip == 0); }
