// Types, conversions and vector accesses that all kernels share. Nothing here includes a CUDA header: cuda_fp16.h and cuda_bf16.h would triple compile times and, for compute_75,
// emulate bfloat16 at length.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

// Storage types. Arithmetic is in float; a store rounds once, to nearest even.
struct f16 { u16 bits; };
struct bf16 { u16 bits; };
typedef float f32;

#define DEVICE __device__ __forceinline__
// A kernel's entry with C linkage, so that its symbol is its name. THREADS is the block's size, which ptxas plans registers for.
#define KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS)

DEVICE float bitsToFloat(u32 b) { return __uint_as_float(b); }
DEVICE u32 floatToBits(float f) { return __float_as_uint(f); }

DEVICE float toFloat(f32 x) { return x; }
DEVICE float toFloat(f16 x) { float f; asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(x.bits)); return f; }
DEVICE float toFloat(bf16 x) { return bitsToFloat((u32)x.bits << 16); }

template <typename T> DEVICE T fromFloat(float x);
template <> DEVICE f32 fromFloat<f32>(float x) { return x; }
template <> DEVICE f16 fromFloat<f16>(float x) { f16 h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(x)); return h; }
// Round to nearest even in integers (bfloat16 instructions need sm_80), the result in the upper half of the word; a NaN becomes the one that sm_80's instruction makes.
DEVICE u32 roundToBf16(float x) {
    u32 b = floatToBits(x);
    u32 rounded = b + 0x7fffu + ((b >> 16) & 1u);
    return x != x ? 0x7fffffffu : rounded;
}
template <> DEVICE bf16 fromFloat<bf16>(float x) { bf16 h; h.bits = (u16)(roundToBf16(x) >> 16); return h; }

// Two neighbours as a word.
DEVICE u32 wordOfTwo(float a, float b, f16) { return (u32)fromFloat<f16>(a).bits | (u32)fromFloat<f16>(b).bits << 16; }
DEVICE u32 wordOfTwo(float a, float b, bf16) { return __byte_perm(roundToBf16(a), roundToBf16(b), 0x7632); }

// A store of 16 bytes that stays one. The compiler splits an ordinary one into four where it does not see the alignment, for which the sum of a base and an index is enough; the emulator's
// count of sectors tells.
DEVICE void store16(void *p, u32 a, u32 b, u32 c, u32 d) {
    asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(p)), "r"(a), "r"(b), "r"(c), "r"(d) : "memory");
}

// 16 bytes of T as floats: what one thread loads or stores at once. Addresses must be 16-byte aligned.
template <typename T> struct Pack {
    static const int N = 16 / (int)sizeof(T);
    float v[N];

    static DEVICE float low(u32 w, f16) { f16 h; h.bits = (u16)w; return toFloat(h); }
    static DEVICE float high(u32 w, f16) { f16 h; h.bits = (u16)(w >> 16); return toFloat(h); }
    static DEVICE float low(u32 w, bf16) { return bitsToFloat(w << 16); }
    static DEVICE float high(u32 w, bf16) { return bitsToFloat(w & 0xffff0000u); }

    static DEVICE Pack load(const T *p) {
        uint4 q = *reinterpret_cast<const uint4 *>(p);
        Pack a;
        u32 w[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            a.v[2 * i] = low(w[i], T());
            a.v[2 * i + 1] = high(w[i], T());
        }
        return a;
    }

    DEVICE void store(T *p) const {
        u32 w[4];
        words(w);
        *reinterpret_cast<uint4 *>(p) = make_uint4(w[0], w[1], w[2], w[3]);
    }

    DEVICE void storeWhole(T *p) const {
        u32 w[4];
        words(w);
        store16(p, w[0], w[1], w[2], w[3]);
    }

    DEVICE void words(u32 (&w)[4]) const {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            w[i] = wordOfTwo(v[2 * i], v[2 * i + 1], T());
        }
    }
};

template <> struct Pack<f32> {
    static const int N = 4;
    float v[N];

    static DEVICE Pack load(const f32 *p) {
        float4 q = *reinterpret_cast<const float4 *>(p);
        Pack a;
        a.v[0] = q.x; a.v[1] = q.y; a.v[2] = q.z; a.v[3] = q.w;
        return a;
    }

    DEVICE void store(f32 *p) const { *reinterpret_cast<float4 *>(p) = make_float4(v[0], v[1], v[2], v[3]); }
    DEVICE void storeWhole(f32 *p) const { store16(p, floatToBits(v[0]), floatToBits(v[1]), floatToBits(v[2]), floatToBits(v[3])); }
};

// Instantiates NAME_f32, NAME_f16, NAME_bf16 by a macro M(suffix, type).
#define FOR_FLOATS(M) M(f32, f32) M(f16, f16) M(bf16, bf16)

// Sum over the warp; every lane gets it. All 32 lanes must call.
DEVICE float warpSum(float x) {
#pragma unroll
    for (int lane = 16; lane > 0; lane >>= 1) {
        x += __shfl_xor_sync(0xffffffffu, x, lane);
    }
    return x;
}

// The larger, NaN if there is one.
DEVICE float nanMax(float a, float b) { return a > b || a != a ? a : b; }

// Sum over a block of THREADS (a multiple of 32); every thread gets it. All threads must call; scratch holds THREADS / 32 floats of shared memory and may be used again after
// the next __syncthreads.
template <int THREADS> DEVICE float blockSum(float x, float *scratch) {
    x = warpSum(x);
    if (threadIdx.x % 32 == 0) {
        scratch[threadIdx.x / 32] = x;
    }
    __syncthreads();
    float s = 0;
#pragma unroll
    for (int i = 0; i < THREADS / 32; i++) {
        s += scratch[i];
    }
    return s;
}
