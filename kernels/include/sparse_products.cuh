// The products of floating 2:4 sparse matrices: what matmul_sparse_f16.cu and matmul_sparse_bf16.cu instantiate.
#pragma once
#include "sparse_cores.cuh"

// Where results go: rounded to y, or as they are to this part's sums.
template <typename T> struct PixelSink {
    T *y;
    float *partial;  // null with one part
    int channel, pixel, m, n;

    DEVICE void begin(int c) { channel += c; }
    DEVICE void put(int p, float4 v) const {
        p += pixel;
        if (p >= m) return;
        i64 at = (i64)p * n + channel;
        if (partial != nullptr) {
            storeQuad(partial + at, channel, n, n % 4 == 0, v);
        } else {
            storeQuad(y + at, channel, n, n % 4 == 0, v);
        }
    }
};

// Neighbouring blocks share pixels: w is the smaller operand, and stays in the L2 cache.
template <class E, typename T> DEVICE void sparseMatmul(const T *x, const T *values, const u32 *metadata, T *y, float *partial, int m, int n, int k, int perSplit) {
    extern __shared__ __align__(128) unsigned char shared[];
    int across = (n + E::ROWS - 1) / E::ROWS;
    int channel = blockIdx.x % across * E::ROWS, pixel = blockIdx.x / across * E::COLUMNS;
    int from = blockIdx.z * perSplit;
    typename E::Sums sums = {};
    sparseProduct<E>(sums, shared, x, values, metadata, channel, pixel, m, n, k, from, min(k, from + perSplit));
    PixelSink<T> sink = {y, gridDim.z > 1 ? partial + (i64)blockIdx.z * m * n : nullptr, channel, pixel, m, n};
    E::store(sums, shared, sink);
}

#define SPARSE_MATMUL(NAME, T, R, C, WR, WC, S) \
    KERNEL(R / WR * (C / WC) * 32) NAME(const T *x, const T *values, const u32 *metadata, T *y, float *partial, int m, int n, int k, int perSplit) { \
        sparseMatmul<SparseEngine<T, R, C, WR, WC, S>>(x, values, metadata, y, partial, m, n, k, perSplit); \
    }
#define SPARSE_MATMULS(S, T) \
    SPARSE_MATMUL(sparse_matmul_128x128_##S, T, 128, 128, 64, 64, 3) \
    SPARSE_MATMUL(sparse_matmul_256x128_##S, T, 256, 128, 64, 64, 4) \
    SPARSE_MATMUL(sparse_matmul_64x32_##S, T, 64, 32, 32, 16, 4)
