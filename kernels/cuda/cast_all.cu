// cast_all.cu
// Math         dst[i] = src[i] as another type, of many tensors; rounded to nearest even
// Contract     parts: n > 0 elements, contiguous, 16-byte aligned, dst apart from src
// Launch       grid sum over parts of ceil(n / 4096), block 256, smem 0; 124 parts to a launch
// Traffic      cast_all_f32_f16, cast_all_f32_bf16: read n*4, write n*2
//              cast_all_f16_f32, cast_all_bf16_f32: read n*2, write n*4
// Roofline     memory bound: 1 instruction per 6 bytes
// Numerics     one rounding, that of cast.cu
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.MovementKernels
// Versions     v1
// Measured     not yet: no GPU so far
#include "parts.cuh"

template <typename A, typename B> DEVICE void castAll(const Parts<2> &parts) {
    Chunk c = chunkOf(parts);
    const A *src = (const A *)parts.at[c.part][0];
    B *dst = (B *)parts.at[c.part][1];
    i64 i = c.from + threadIdx.x * QUAD;
#pragma unroll 1
    for (; i + QUAD <= c.to; i += 256 * QUAD) {
        float v[QUAD];
        loadQuad(v, src + i);
        storeQuad(v, dst + i);
    }
#pragma unroll 1
    for (; i < c.to; i++) dst[i] = fromFloat<B>(toFloat(src[i]));
}

#define M(S, A, B) KERNEL(256) cast_all_##S(const __grid_constant__ Parts<2> parts) { castAll<A, B>(parts); }
M(f32_f16, f32, f16)
M(f32_bf16, f32, bf16)
M(f16_f32, f16, f32)
M(bf16_f32, bf16, f32)
