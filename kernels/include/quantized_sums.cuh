// What becomes of integer sums: activation(sum * scale + shift), rounded to I8 or a floating type, which is chosen at run time; the choice is uniform.
#pragma once
#include "nonlinearity.cuh"
#include "tensor_cores.cuh"

enum { TO_I8 = 0, TO_F16 = 1, TO_BF16 = 2, TO_F32 = 3 };

// Half to even, saturated; NaN becomes 0.
DEVICE int toByte(float x) { return min(max(__float2int_rn(x), -128), 127); }

DEVICE float scaled(float sum, float scale, float shift, int act) { return activate(fmaf(sum, scale, shift), act); }

// Result i of y, whose type is `to`.
DEVICE void storeResult(void *y, i64 i, int to, float v) {
    if (to == TO_I8) reinterpret_cast<signed char *>(y)[i] = (signed char)toByte(v);
    else if (to == TO_F16) reinterpret_cast<f16 *>(y)[i] = fromFloat<f16>(v);
    else if (to == TO_BF16) reinterpret_cast<bf16 *>(y)[i] = fromFloat<bf16>(v);
    else reinterpret_cast<float *>(y)[i] = v;
}

// Four neighbouring results from i on, a multiple of 4.
DEVICE void storeResults(void *y, i64 i, int to, float4 v) {
    if (to == TO_I8) {
        u32 w = (u32)(toByte(v.x) & 255) | (u32)(toByte(v.y) & 255) << 8 | (u32)(toByte(v.z) & 255) << 16 | (u32)toByte(v.w) << 24;
        *reinterpret_cast<u32 *>(reinterpret_cast<signed char *>(y) + i) = w;
    } else if (to == TO_F32) {
        *reinterpret_cast<float4 *>(reinterpret_cast<float *>(y) + i) = v;
    } else {
        uint2 w = to == TO_F16 ? make_uint2(wordOfTwo(v.x, v.y, f16()), wordOfTwo(v.z, v.w, f16())) : make_uint2(wordOfTwo(v.x, v.y, bf16()), wordOfTwo(v.z, v.w, bf16()));
        *reinterpret_cast<uint2 *>(reinterpret_cast<f16 *>(y) + i) = w;
    }
}
