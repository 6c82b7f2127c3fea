// A block's chunk of one of many tensors, four elements at a time and the last ones one by one.
#pragma once
#include "parts.cuh"

// Calls f with each element in f32; if STORES, y gets what f gives. All 256 threads of the block call it, each for elements of its own.
template <bool STORES, typename T, typename F> DEVICE void eachElement(const Chunk &c, const T *g, float *y, F f) {
    i64 i = c.from + threadIdx.x * QUAD;
#pragma unroll 1
    for (; i + QUAD <= c.to; i += 256 * QUAD) {
        float v[QUAD];
        loadQuad(v, g + i);
#pragma unroll
        for (int k = 0; k < QUAD; k++) v[k] = f(v[k]);
        if (STORES) storeQuad(v, y + i);
    }
#pragma unroll 1
    for (; i < c.to; i++) {
        float x = f(toFloat(g[i]));
        if (STORES) y[i] = x;
    }
}
