// sum.cu
// Math         y[o][i] = sum_t x[o][t][i]; x has outer * length * inner elements
// Contract     x, y: contiguous, 16-byte aligned, not the same memory; exactly one of y (T) and wide (float, i64 for integers) is not null: wide is for partial results, parts per result where
//              the kernel has parts, which sum_combine (outer, parts, inner) finishes
// Launch       block 256; sum_rows (inner = 1): grid ceil(outer / 8), a warp per row; sum_blocks (inner = 1): grid outer * parts, a block per chunk of a row, a multiple of 2048;
//              sum_columns, sum_combine: grid outer * parts * tiles, static smem 8320, a block per tile of at most 32 packs of columns and chunk of rows; sum_each, sum_narrow: grid ceil(outer * inner / 256), a thread per result
// Traffic      sum_rows: read outer*length*T, write outer*(wide*4 + (1 - wide)*T)
//              sum_blocks: read outer*length*T, write outer*parts*(wide*4 + (1 - wide)*T)
//              sum_columns: read outer*length*inner*T, write outer*parts*inner*(wide*4 + (1 - wide)*T)
//              sum_combine: read outer*parts*inner*4, write outer*inner*T
//              sum_each: read outer*length*inner*T, write outer*inner*T
//              sum_narrow: read outer*length*inner*8, write outer*inner*4
// Roofline     memory bound: 1 flop per sizeof(T) bytes
// Numerics     summed in f32 (integers: 64 bits, wrapping), rounded once; lanes, warps and parts keep sums of their own, so that errors grow like the root of a chunk's length
// Determinism  bitwise, run to run and on any device: chunks follow from the shape alone, and are combined in order
// CPU twin     dev.jacquard.cpu.ReductionKernels
// Versions     v1
// Measured     not yet: no GPU so far
#include "reduction.cuh"

template <typename T> DEVICE void put(T *y, float *wide, i64 i, float s) {
    if (wide) {
        wide[i] = s;
    } else {
        y[i] = fromFloat<T>(s);
    }
}

// Sum of n elements by a group of threads; every thread's part.
template <int THREADS, typename T> DEVICE float partial(const T *x, i64 n, bool packed) {
    float s[Pack<T>::N] = {};
    forPacks<THREADS>(x, n, packed, [&](i64, float *v, auto count) {
#pragma unroll
        for (int k = 0; k < count; k++) s[k] += v[k];
    });
#pragma unroll
    for (int half = Pack<T>::N / 2; half > 0; half /= 2) {
#pragma unroll
        for (int k = 0; k < half; k++) s[k] += s[k + half];
    }
    return s[0];
}

template <typename T> DEVICE void sumRows(const T *x, T *y, float *wide, i64 outer, i64 length) {
    i64 row = rowOfGroup<32>();
    if (row < outer) {
        float s = warpSum(partial<32>(x + row * length, length, length % Pack<T>::N == 0));
        if (threadIdx.x % 32 == 0) {
            put(y, wide, row, s);
        }
    }
}

template <typename T> DEVICE void sumBlocks(const T *x, T *y, float *wide, i64 length, int parts, i64 chunk) {
    __shared__ float scratch[8];
    i64 row = blockIdx.x / parts;
    i64 from = blockIdx.x % parts * chunk;
    float s = blockSum<256>(partial<256>(x + row * length + from, from + chunk < length ? chunk : length - from, length % Pack<T>::N == 0), scratch);
    if (threadIdx.x == 0) {
        put(y, wide, blockIdx.x, s);
    }
}

// Columns as packs of V: a block's threads lie row by row over a tile, so that what they load is contiguous where the tile is as wide as the matrix.
template <typename T, int V> struct Lane {
    static DEVICE void add(const T *p, float *s) {
        if (V == 1) {
            s[0] += toFloat(*p);
        } else {
            Pack<T> q = Pack<T>::load(p);
#pragma unroll
            for (int k = 0; k < V; k++) s[k] += q.v[k];
        }
    }
};

template <typename In, typename T, int V>
DEVICE void sumColumns(const In *x, T *y, float *wide, i64 length, i64 inner, int parts, i64 chunk, int tiles, int across, float *scratch) {
    const int STRIDE = 256 + 32 / V; // sums of neighbouring columns in different banks, both when threads write their own and when they read another's
    int down = 256 / across;
    int row = threadIdx.x / across;
    i64 tile = blockIdx.x % tiles;
    i64 part = blockIdx.x / tiles % parts;
    i64 outer = blockIdx.x / tiles / parts;
    i64 first = tile * across * V;
    i64 column = first + threadIdx.x % across * V;
    i64 to = (part + 1) * chunk < length ? (part + 1) * chunk : length;
    float s[V] = {};
    if (row < down && column < inner) {
#pragma unroll 4 // loads in flight: sum_combine has few blocks and many parts
        for (i64 t = part * chunk + row; t < to; t += down) {
            Lane<In, V>::add(x + (outer * length + t) * inner + column, s);
        }
    }
#pragma unroll
    for (int k = 0; k < V; k++) scratch[k * STRIDE + threadIdx.x] = s[k];
    __syncthreads();
#pragma unroll 1
    for (; down > 1; down = (down + 1) / 2) { // the upper half of the rows onto the lower
        int half = (down + 1) / 2;
        if (row + half < down) {
#pragma unroll
            for (int k = 0; k < V; k++) {
                s[k] += scratch[k * STRIDE + threadIdx.x + half * across];
                scratch[k * STRIDE + threadIdx.x] = s[k];
            }
        }
        __syncthreads();
    }
    if (threadIdx.x < across * V && first + threadIdx.x < inner) {
        put(y, wide, (outer * parts + part) * inner + first + threadIdx.x, scratch[threadIdx.x % V * STRIDE + threadIdx.x / V]);
    }
}

template <typename In, typename T> DEVICE void sumColumns(const In *x, T *y, float *wide, i64 length, i64 inner, int parts, i64 chunk, int tiles, int across) {
    const int V = Pack<In>::N;
    __shared__ float scratch[V * (256 + 32 / V)];
    if (inner % V == 0) {
        sumColumns<In, T, V>(x, y, wide, length, inner, parts, chunk, tiles, across, scratch);
    } else {
        sumColumns<In, T, 1>(x, y, wide, length, inner, parts, chunk, tiles, across, scratch);
    }
}

DEVICE float term(f32 x) { return x; }
DEVICE float term(f16 x) { return toFloat(x); }
DEVICE float term(bf16 x) { return toFloat(x); }
DEVICE i64 term(int x) { return x; }
DEVICE i64 term(i64 x) { return x; }
DEVICE void put(int *y, i64 *wide, i64 i, i64 s) {
    if (wide) {
        wide[i] = s;
    } else {
        y[i] = (int)s;
    }
}
DEVICE void put(i64 *y, i64 *wide, i64 i, i64 s) { (wide ? wide : y)[i] = s; }

// For a few terms, and for integers, which only tests and metrics sum.
template <typename In, typename T, typename Wide> DEVICE void sumEach(const In *x, T *y, Wide *wide, i64 outer, i64 length, i64 inner) {
    i64 i = (i64)blockIdx.x * 256 + threadIdx.x;
    if (i < outer * inner) {
        const In *p = x + i / inner * length * inner + i % inner;
        Wide s = 0;
#pragma unroll 1
        for (i64 t = 0; t < length; t++) s += term(p[t * inner]);
        put(y, wide, i, s);
    }
}

#define M(S, T)                                                                                                                        \
    KERNEL(256) sum_rows_##S(const T *x, T *y, float *wide, i64 outer, i64 length) { sumRows<T>(x, y, wide, outer, length); }            \
    KERNEL(256) sum_blocks_##S(const T *x, T *y, float *wide, i64 length, int parts, i64 chunk) { sumBlocks<T>(x, y, wide, length, parts, chunk); } \
    KERNEL(256) sum_columns_##S(const T *x, T *y, float *wide, i64 length, i64 inner, int parts, i64 chunk, int tiles, int across) {     \
        sumColumns<T, T>(x, y, wide, length, inner, parts, chunk, tiles, across);                                                       \
    }                                                                                                                                  \
    KERNEL(256) sum_combine_##S(const float *x, T *y, float *wide, i64 length, i64 inner, int parts, i64 chunk, int tiles, int across) { \
        sumColumns<float, T>(x, y, wide, length, inner, parts, chunk, tiles, across);                                                   \
    }                                                                                                                                  \
    KERNEL(256) sum_each_##S(const T *x, T *y, float *wide, i64 outer, i64 length, i64 inner) { sumEach<T, T, float>(x, y, wide, outer, length, inner); }
FOR_FLOATS(M)
#define INTEGER(S, T)                                                                                                                  \
    KERNEL(256) sum_each_##S(const T *x, T *y, i64 *wide, i64 outer, i64 length, i64 inner) { sumEach<T, T, i64>(x, y, wide, outer, length, inner); }
INTEGER(i32, int) INTEGER(i64, i64)
KERNEL(256) sum_narrow_i32(const i64 *x, int *y, i64 *wide, i64 outer, i64 length, i64 inner) { sumEach<i64, int, i64>(x, y, wide, outer, length, inner); }
