// cast.cu
// Math         dst[i] = src[i] as another type: to a floating type rounded to nearest even, to an integer truncated and saturated, NaN becoming 0
// Contract     src, dst: n > 0 elements, contiguous, 16-byte aligned, apart from each other; n fits int64
// Launch       grid ceil(n / (256 * V)), block 256, smem 0; V = 16 / size of the larger type, tail guarded; cast_any: V = 1
// Traffic      cast_f32_f16, cast_f32_bf16: read n*4, write n*2
//              cast_f16_f32, cast_bf16_f32: read n*2, write n*4
//              cast_f16_bf16, cast_bf16_f16: read n*2, write n*2
//              cast_u8_f32: read n, write n*4
//              cast_u8_f16, cast_u8_bf16: read n, write n*2
//              cast_any_f64: read n*s, write n*d
// Roofline     memory bound: a few instructions per element
// Numerics     one rounding; i64 to a narrower floating type by way of f64, as on the CPU
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.MovementKernels
// Versions     v1
// Measured     not yet: no GPU so far
#include "common.cuh"

// N elements of T as the words that hold them; one memory access.
template <typename T, int N> struct Part {
    static const int WORDS = N * (int)sizeof(T) / 4;
    u32 w[WORDS];

    DEVICE void load(const T *p) {
        const u32 *q = reinterpret_cast<const u32 *>(p);
        if (WORDS == 1) {
            w[0] = *q;
        } else if (WORDS == 2) {
            uint2 v = *reinterpret_cast<const uint2 *>(q);
            w[0] = v.x; w[WORDS - 1] = v.y;
        } else {
            uint4 v = *reinterpret_cast<const uint4 *>(q);
            w[0] = v.x; w[1 % WORDS] = v.y; w[2 % WORDS] = v.z; w[WORDS - 1] = v.w;
        }
    }

    DEVICE void store(T *p) const {
        u32 *q = reinterpret_cast<u32 *>(p);
        if (WORDS == 1) {
            *q = w[0];
        } else if (WORDS == 2) {
            *reinterpret_cast<uint2 *>(q) = make_uint2(w[0], w[WORDS - 1]);
        } else {
            *reinterpret_cast<uint4 *>(q) = make_uint4(w[0], w[1 % WORDS], w[2 % WORDS], w[WORDS - 1]);
        }
    }
};

// Bits of an element within its word, as a float, and back.
DEVICE float decode(u32 bits, f32) { return bitsToFloat(bits); }
DEVICE float decode(u32 bits, f16) { f16 h; h.bits = (u16)bits; return toFloat(h); }
DEVICE float decode(u32 bits, bf16) { return bitsToFloat(bits << 16); }
DEVICE float decode(u32 bits, u8) { return (float)(bits & 0xff); }
DEVICE u32 encode(float x, f32) { return floatToBits(x); }
DEVICE u32 encode(float x, f16) { return fromFloat<f16>(x).bits; }
DEVICE u32 encode(float x, bf16) { return fromFloat<bf16>(x).bits; }
DEVICE float value(f32 x) { return x; }
DEVICE float value(f16 x) { return toFloat(x); }
DEVICE float value(bf16 x) { return toFloat(x); }
DEVICE float value(u8 x) { return x; }

template <typename A, typename B> DEVICE void cast(const A *src, B *dst, i64 n) {
    const int V = 16 / (int)(sizeof(A) > sizeof(B) ? sizeof(A) : sizeof(B));
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * V;
    if (i + V <= n) {
        Part<A, V> a;
        Part<B, V> b;
        a.load(src + i);
#pragma unroll
        for (int w = 0; w < b.WORDS; w++) b.w[w] = 0;
#pragma unroll
        for (int k = 0; k < V; k++) {
            const int from = k * (int)sizeof(A), to = k * (int)sizeof(B);
            b.w[to / 4] |= encode(decode(a.w[from / 4] >> from % 4 * 8, A()), B()) << to % 4 * 8;
        }
        b.store(dst + i);
    } else {
#pragma unroll 1
        for (; i < n; i++) dst[i] = fromFloat<B>(value(src[i]));
    }
}

#define M(S, A, B) KERNEL(256) cast_##S(const A *src, B *dst, i64 n) { cast<A, B>(src, dst, n); }
M(f32_f16, f32, f16)
M(f32_bf16, f32, bf16)
M(f16_f32, f16, f32)
M(bf16_f32, bf16, f32)
M(f16_bf16, f16, bf16)
M(bf16_f16, bf16, f16)
M(u8_f32, u8, f32)
M(u8_f16, u8, f16)
M(u8_bf16, u8, bf16)

// Any type to any other by way of f64, an element per thread. Types are numbered as in DType.
enum Type { F32, F16, BF16, F64, I8, U8, I32, I64 };

DEVICE i64 truncate(double x) { return x != x ? 0 : __double2ll_rz(x); }
DEVICE i64 clamp(i64 x, i64 lo, i64 hi) { return min(max(x, lo), hi); }

KERNEL(256) cast_any_f64(const u8 *src, u8 *dst, i64 n, u32 from, u32 to) {
    i64 i = (i64)blockIdx.x * 256 + threadIdx.x;
    if (i >= n) return;
    double x;
    switch (from) {
        case F32: x = reinterpret_cast<const float *>(src)[i]; break;
        case F16: x = toFloat(reinterpret_cast<const f16 *>(src)[i]); break;
        case BF16: x = toFloat(reinterpret_cast<const bf16 *>(src)[i]); break;
        case F64: x = reinterpret_cast<const double *>(src)[i]; break;
        case I8: x = reinterpret_cast<const signed char *>(src)[i]; break;
        case U8: x = src[i]; break;
        case I32: x = reinterpret_cast<const int *>(src)[i]; break;
        default: x = (double)reinterpret_cast<const i64 *>(src)[i]; break;
    }
    switch (to) {
        case F32: reinterpret_cast<float *>(dst)[i] = (float)x; break;
        case F16: reinterpret_cast<f16 *>(dst)[i] = fromFloat<f16>((float)x); break;
        case BF16: reinterpret_cast<bf16 *>(dst)[i] = fromFloat<bf16>((float)x); break;
        case F64: reinterpret_cast<double *>(dst)[i] = x; break;
        case I8: reinterpret_cast<signed char *>(dst)[i] = (signed char)clamp(truncate(x), -128, 127); break;
        case U8: dst[i] = (u8)clamp(truncate(x), 0, 255); break;
        case I32: reinterpret_cast<int *>(dst)[i] = (int)clamp(truncate(x), -0x80000000ll, 0x7fffffffll); break;
        default: reinterpret_cast<i64 *>(dst)[i] = truncate(x); break;
    }
}
