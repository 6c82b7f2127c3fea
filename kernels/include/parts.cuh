// Many tensors in one launch: which ones and where they lie travels as a kernel parameter, so that there is no table in device memory to fill, and a captured graph holds it.
#pragma once
#include "common.cuh"

// P tensors per part, all of the part's n elements. Parts are cut into chunks of CHUNK elements, a block each; part i's begin at block first[i]. Java fills it: kernels.Parts.
static const int TABLE_BYTES = 4000; // of the 4096 that all parameters of a kernel may take before CUDA 12.1
static const i64 CHUNK = 4096;
template <int P> struct Parts {
    static const int MOST = (TABLE_BYTES - 8) / (8 * P + 16);
    u64 at[MOST][P];
    i64 n[MOST];
    u32 first[MOST];
    float coefficient[MOST]; // a number of the part's own
    u32 count;
    u32 unused;
};

// What a block works on: elements [from, to) of a part. By bisection; the table is in constant memory and all threads ask the same.
struct Chunk {
    u32 part;
    i64 from, to;
};
template <int P> DEVICE Chunk chunkOf(const Parts<P> &parts) {
    u32 lo = 0, hi = parts.count;
    while (hi - lo > 1) {
        u32 middle = (lo + hi) / 2;
        if (parts.first[middle] <= blockIdx.x) lo = middle; else hi = middle;
    }
    Chunk c;
    c.part = lo;
    c.from = (i64)(blockIdx.x - parts.first[lo]) * CHUNK;
    i64 end = c.from + CHUNK;
    c.to = end < parts.n[lo] ? end : parts.n[lo];
    return c;
}

// What one thread takes of tensors of different types at once: four elements, 16 bytes of f32 or 8 of a half. i is a multiple of four.
static const int QUAD = 4;
DEVICE void loadQuad(float *v, const f32 *p) {
    float4 q = *reinterpret_cast<const float4 *>(p);
    v[0] = q.x; v[1] = q.y; v[2] = q.z; v[3] = q.w;
}
template <typename T> DEVICE void loadQuad(float *v, const T *p) {
    uint2 q = *reinterpret_cast<const uint2 *>(p);
    v[0] = Pack<T>::low(q.x, T()); v[1] = Pack<T>::high(q.x, T());
    v[2] = Pack<T>::low(q.y, T()); v[3] = Pack<T>::high(q.y, T());
}
DEVICE void storeQuad(const float *v, f32 *p) { store16(p, floatToBits(v[0]), floatToBits(v[1]), floatToBits(v[2]), floatToBits(v[3])); }
template <typename T> DEVICE void storeQuad(const float *v, T *p) {
    asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(__cvta_generic_to_global(p)), "r"(wordOfTwo(v[0], v[1], T())), "r"(wordOfTwo(v[2], v[3], T())) : "memory");
}
