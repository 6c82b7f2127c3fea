// matmul_i8.cu
// Target       compute_80 isa 7.1: mma.sync of I8 and cp.async
// Math         y[i][j] = act(scale[j] * sum over k of a[i][k] * b[j][k] + shift[j] + residualScale * residual[i][j]), in I8 rounded half to even and saturated
// Contract     a: (m, k) of I8, b: (n, k) of I8, scale, shift: n of F32, residual: (m, n) of I8 or null, y: (m, n) of I8, F16, BF16 or F32 as `to` is 0, 1, 2, 3; row-major, without gaps, 16-byte
//              aligned; k and n are multiples of 16, but for _ragged; m, n > 0 and 0 < k < 2^17 fit int32
// Launch       grid ceil(m/ROWS) * ceil(n/COLUMNS), ROWS x COLUMNS as the symbol says, 64 x 64 for _ragged; block 128, for 128x256 block 256; smem 256 * (ROWS + COLUMNS) bytes dynamic: four stages
// Traffic      matmul_nt_*: read m*k + n*k + 8*n + r, write o
// Roofline     compute bound from k ~ 1000 on
// Numerics     sums are exact in I32; they, scale, shift and residual are multiplied and added in F32; rounded once
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.tck.reference.ReferenceBackend
// Versions     kernels/dev/gemm_f16
// Measured     not yet: no GPU so far
#include "products.cuh"

enum { TO_I8 = 0, TO_F16 = 1, TO_BF16 = 2, TO_F32 = 3 };

// Rows of results of a type that is known at run time; the choice is the same for all threads.
template <bool WHOLE> struct QuantizedSink {
    static const int W = 16;
    void *y;
    int to;
    Epilogue epilogue;
    int row, column, m, n;
    ColumnEpilogue<i8, WHOLE, W> columns;

    DEVICE void begin(int c) {
        column += c;
        if (column < n) columns.begin(epilogue, column, n - column);
    }
    DEVICE void put(int r, float (&v)[W]) const {
        r += row;
        if (r >= m || column >= n) return;
        i64 at = (i64)r * n + column;
        columns.apply(v, at, n - column);
        if (to == TO_I8) putNeighbours<WHOLE>((i8 *)y + at, v, n - column);
        else if (to == TO_F16) putNeighbours<WHOLE>((f16 *)y + at, v, n - column);
        else if (to == TO_BF16) putNeighbours<WHOLE>((bf16 *)y + at, v, n - column);
        else putNeighbours<WHOLE>((f32 *)y + at, v, n - column);
    }
};

template <class E, bool RAGGED> DEVICE void quantizedProduct(const i8 *a, const i8 *b, void *y, int m, int n, int k, int to, const Epilogue &epilogue) {
    extern __shared__ __align__(128) unsigned char shared[];
    TilePlace<E> tile(m, n);
    DenseOperand<E, E::ROWS, true, RAGGED> left(a, k, tile.row, m, k);
    DenseOperand<E, E::COLUMNS, true, RAGGED> right(b, k, tile.column, n, k);
    typename E::Sums sums = {};
    E::multiply(sums, (u32)__cvta_generic_to_shared(shared), left, right, 0, k);
    QuantizedSink<!RAGGED> sink = {y, to, epilogue, tile.row, tile.column, m, n};
    E::template store<QuantizedSink<!RAGGED>::W>(sums, shared, sink);
}

#define QUANTIZED_PRODUCT(NAME, T, R, C, WR, WC, TA, TB, RAGGED) \
    KERNEL(R / WR * (C / WC) * 32) NAME(const i8 *a, const i8 *b, void *y, int m, int n, int k, int to, Epilogue epilogue) { \
        quantizedProduct<Engine<i8, R, C, WR, WC, 4>, RAGGED>(a, b, y, m, n, k, to, epilogue); \
    }
PRODUCTS(QUANTIZED_PRODUCT, nt, i8, i8, false, true)
