// The dense product on tensor cores, which the modules matmul_<type>.cu are made of: operands that lie as matrices, blocks in an order that the L2 cache likes, results rounded to y or left as
// sums of a part of the depth.
#pragma once
#include "tensor_cores.cuh"

// Blocks that run at the same time should need few rows of a and columns of b between them: they go down this many tiles before they go one to the right. Some 264 run at once.
const int DOWN = 16;

// Rows of results: with what follows them rounded to y, or as they are to this part's sums. WHOLE: rows are multiples of 16 bytes. FUSED: something follows.
template <class E, bool WHOLE, bool FUSED> struct RowSink {
    typedef typename E::Element T;
    static const int W = 16 / (int)sizeof(T);
    T *y;
    float *partial;  // or null
    Epilogue epilogue;
    int row, column, m, n;
    ColumnEpilogue<T, WHOLE, W> columns;
    ColumnMoments<E, W> moments;

    DEVICE void begin(int c) {
        column += c;
        if (FUSED && column < n) columns.begin(epilogue, column, n - column);
        if (FUSED) moments.begin();
    }
    DEVICE void put(int r, float (&v)[W]) {
        r += row;
        if (r >= m || column >= n) return;
        i64 at = (i64)r * n + column;
        if (partial != nullptr) {
            putNeighbours<WHOLE>(partial + at, v, n - column);
            return;
        }
        if (FUSED) columns.apply(v, at, n - column);
        if (FUSED && epilogue.statistics != nullptr) moments.add(v);
        putNeighbours<WHOLE>(y + at, v, n - column);
    }
};

// The tile of this block.
template <class E> struct TilePlace {
    int row, column;  // of its first result

    DEVICE TilePlace(int m, int n) {
        int down = (m + E::ROWS - 1) / E::ROWS, across = (n + E::COLUMNS - 1) / E::COLUMNS;
        int band = blockIdx.x / (DOWN * across), in = blockIdx.x % (DOWN * across);
        int height = min(down - band * DOWN, DOWN);
        row = (band * DOWN + in % height) * E::ROWS;
        column = in / height * E::COLUMNS;
    }
};

// What a kernel is told. partial: null, or where the sums of blockIdx.z's part go, m * n of them.
template <typename T> struct ProductArguments {
    const T *a, *b;
    T *y;
    float *partial;
    int m, n, k, perSplit;
    Epilogue epilogue;
};

template <class E, bool TA, bool TB, bool RAGGED, bool FUSED> DEVICE void product(const ProductArguments<typename E::Element> &p) {
    extern __shared__ __align__(128) unsigned char shared[];
    typedef typename E::Element T;
    typedef RowSink<E, !RAGGED, FUSED> Sink;
    TilePlace<E> tile(p.m, p.n);
    int from = blockIdx.z * p.perSplit, to = min(p.k, from + p.perSplit);
    DenseOperand<E, E::ROWS, !TA, RAGGED> left(p.a, TA ? p.m : p.k, tile.row, p.m, to);
    DenseOperand<E, E::COLUMNS, TB, RAGGED> right(p.b, TB ? p.k : p.n, tile.column, p.n, to);
    typename E::Sums sums = {};
    E::multiply(sums, (u32)__cvta_generic_to_shared(shared), left, right, from, to);
    Sink sink = {p.y, p.partial == nullptr ? nullptr : p.partial + (i64)blockIdx.z * p.m * p.n, p.epilogue, tile.row, tile.column, p.m, p.n};
    E::template store<Sink::W>(sums, shared, sink);
    if (FUSED && p.epilogue.statistics != nullptr) sink.moments.finish(shared, p.epilogue.statistics + (i64)(tile.row / E::ROWS) * 2 * p.n, sink.column, p.n);
}

#define PRODUCT(NAME, T, R, C, WR, WC, TA, TB, RAGGED) \
    KERNEL(R / WR * (C / WC) * 32) NAME(const T *a, const T *b, T *y, float *partial, int m, int n, int k, int perSplit) { \
        ProductArguments<T> p = {a, b, y, partial, m, n, k, perSplit}; \
        product<Engine<T, R, C, WR, WC, 4>, TA, TB, RAGGED, false>(p); \
    }
#define FUSED_PRODUCT(NAME, T, R, C, WR, WC, TA, TB, RAGGED) \
    KERNEL(R / WR * (C / WC) * 32) NAME(const T *a, const T *b, T *y, float *partial, int m, int n, int k, int perSplit, Epilogue epilogue) { \
        ProductArguments<T> p = {a, b, y, partial, m, n, k, perSplit, epilogue}; \
        product<Engine<T, R, C, WR, WC, 4>, TA, TB, RAGGED, true>(p); \
    }

// The tiles of TensorTile.java in one layout, and the one for operands whose rows are no multiples of 16 bytes.
#define PRODUCTS(P, LAYOUT, S, T, TA, TB) \
    P(matmul_##LAYOUT##_128x256_##S, T, 128, 256, 64, 64, TA, TB, false) \
    P(matmul_##LAYOUT##_128x128_##S, T, 128, 128, 64, 64, TA, TB, false) \
    P(matmul_##LAYOUT##_128x64_##S, T, 128, 64, 64, 32, TA, TB, false) \
    P(matmul_##LAYOUT##_64x64_##S, T, 64, 64, 32, 32, TA, TB, false) \
    P(matmul_##LAYOUT##_ragged_##S, T, 64, 64, 32, 32, TA, TB, true)
