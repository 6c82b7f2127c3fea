// scaling.cu
// Math         unscale: y[i] = g[i] * (1 / scale) of many tensors; overflow = 1 if any g[i] is not finite
//              not_finite: overflow = 1 if any g[i] of many tensors is not finite
//              update_scale: next = overflow ? min(streak, 0) - 1 : max(streak, 0) + 1; interval reached: scale *= growth unless infinite; patience reached: scale = max(scale * backoff, minimum); either: next = 0
//              count_steps: count + (skip == 0)
// Contract     parts: n > 0 elements of T, contiguous, 16-byte aligned; y f32, may be g if that is; scale f32; overflow i32, 0 before; scalars in place
// Launch       unscale, not_finite: grid sum over parts of ceil(n / 4096), block 256, smem 0; 124 or 166 parts to a launch; the others: grid 1, block 1
// Traffic      unscale: read n*T, write n*4
//              not_finite: read n*T, write 0
//              update_scale: read 12, write 8
//              count_steps: read 8, write 4
// Roofline     memory bound: 1 flop per 2 to 8 bytes
// Numerics     computed in f32, rounded once; an infinity is one before it is unscaled
// Determinism  bitwise, run to run: all that write the flag write 1
// CPU twin     dev.jacquard.cpu.LossScalingKernels
// Versions     v1
//              v2: results are f32 whatever the gradients are
// Measured     not yet: no GPU so far
#include "chunk_loop.cuh"

// Not finite: all bits of the exponent set.
DEVICE bool odd(float x) { return (floatToBits(x) & 0x7f800000u) == 0x7f800000u; }

// Elements of a part; those of y if there is a y.
template <typename T, int P> DEVICE void look(const Parts<P> &parts, float inverse, int *overflow) {
    Chunk c = chunkOf(parts);
    const T *g = (const T *)parts.at[c.part][0];
    float *y = (float *)parts.at[c.part][P - 1];
    bool bad = false;
    eachElement<P == 2>(c, g, y, [&](float x) {
        bad |= odd(x);
        return x * inverse;
    });
    if (__any_sync(0xffffffffu, bad) && threadIdx.x % 32 == 0) atomicOr(overflow, 1);
}

#define UNSCALE(S, T) KERNEL(256) unscale_##S(const __grid_constant__ Parts<2> parts, const float *scale, int *overflow) { look<T>(parts, 1 / *scale, overflow); }
#define NOT_FINITE(S, T) KERNEL(256) not_finite_##S(const __grid_constant__ Parts<1> parts, int *overflow) { look<T>(parts, 1, overflow); }
FOR_FLOATS(UNSCALE)
FOR_FLOATS(NOT_FINITE)

KERNEL(1) update_scale_f32(const float *scale, const int *streak, const int *overflow, float *newScale, int *newStreak, float growth, int interval, float backoff, int patience, float minimum) {
    float s = *scale, larger = s * growth;
    int n = *streak;
    n = *overflow ? (n > 0 ? -1 : n - 1) : (n < 0 ? 1 : n + 1);
    bool grow = n >= interval, shrink = n <= -patience;
    if (grow && !odd(larger)) s = larger;
    else if (shrink) s = fmaxf(s * backoff, minimum);
    *newScale = s;
    *newStreak = grow || shrink ? 0 : n;
}

KERNEL(1) count_steps_i32(const int *count, const int *skip, int *newCount) { *newCount = *count + (*skip == 0); }
