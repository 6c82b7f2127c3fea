// clip.cu
// Math         clip_squares: sums[b] = sum of g[i]^2 over chunk b of many tensors; clip_factor: norm = sqrt(sum of sums), factor = min(max / (norm + 1e-6), 1) or max / max(norm, max)
//              clip_scale: y[i] = g[i] * factor
// Contract     parts: n > 0 elements of T, contiguous, 16-byte aligned; y f32, may be g if that is; sums: one f32 per block; norm, factor f32
// Launch       clip_squares, clip_scale: grid sum over parts of ceil(n / 4096), block 256, smem 32; 166 or 124 parts to a launch; clip_factor: grid 1, block 256
// Traffic      clip_squares: read n*T, write b*4
//              clip_factor: read b*4, write 8
//              clip_scale: read n*T+4, write n*4
// Roofline     memory bound: 3 flop per 8 to 12 bytes
// Numerics     f32: up to 16 terms per thread, then trees of 256; a norm that is infinite or NaN makes a factor of 0 or NaN
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.LossScalingKernels
// Versions     v1: two passes over the gradients whatever their number; by definition it was five launches per parameter
// Measured     not yet: no GPU so far
#include "chunk_loop.cuh"

template <typename T> DEVICE void squares(const Parts<1> &parts, float *sums) {
    __shared__ float scratch[8];
    Chunk c = chunkOf(parts);
    const T *g = (const T *)parts.at[c.part][0];
    float sum = 0;
    eachElement<false>(c, g, (float *)0, [&](float x) { return sum += x * x; });
    sum = blockSum<256>(sum, scratch);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

KERNEL(256) clip_factor_f32(const float *sums, u32 count, float most, u32 tensorflow, float *norm, float *factor) {
    __shared__ float scratch[8];
    float sum = 0;
#pragma unroll 1
    for (u32 i = threadIdx.x; i < count; i += 256) sum += sums[i];
    float n = sqrtf(blockSum<256>(sum, scratch));
    if (threadIdx.x > 0) return;
    float f = most / (tensorflow ? nanMax(n, most) : n + 1e-6f);
    *norm = n;
    *factor = tensorflow || !(f > 1) ? f : 1;
}

template <typename T> DEVICE void scale(const Parts<2> &parts, const float *factor) {
    Chunk c = chunkOf(parts);
    const T *g = (const T *)parts.at[c.part][0];
    float *y = (float *)parts.at[c.part][1];
    float f = *factor;
    eachElement<true>(c, g, y, [=](float x) { return x * f; });
}

#define SQUARES(S, T) KERNEL(256) clip_squares_##S(const __grid_constant__ Parts<1> parts, float *sums) { squares<T>(parts, sums); }
#define SCALE(S, T) KERNEL(256) clip_scale_##S(const __grid_constant__ Parts<2> parts, const float *factor) { scale<T>(parts, factor); }
FOR_FLOATS(SQUARES)
FOR_FLOATS(SCALE)
