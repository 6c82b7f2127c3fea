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
    float decay[MOST];
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

// P tensors' elements of one thread: K of them, a pack or a single one.
template <typename T> DEVICE void loadAt(float *v, u64 base, i64 i) {
    Pack<T> p = Pack<T>::load((const T *)base + i);
#pragma unroll
    for (int k = 0; k < Pack<T>::N; k++) v[k] = p.v[k];
}
template <typename T> DEVICE void storeAt(const float *v, u64 base, i64 i) {
    Pack<T> p;
#pragma unroll
    for (int k = 0; k < Pack<T>::N; k++) p.v[k] = v[k];
    p.storeWhole((T *)base + i);
}
