// matmul_f16.cu
// Target       compute_80 isa 7.1: mma.sync of 16-bit elements and cp.async
// Math         y[i][j] = sum over k of a[i][k] * b[k][j], where a is stored as (m, k) or (k, m) and b as (k, n) or (n, k): _nn, _nt (b is (n, k)), _tn (a is (k, m))
// Contract     a, b, y: row-major, without gaps, 16-byte aligned; rows of a, b and y are a multiple of 8 elements; m, n, k > 0 fit int32;
//              with more than one split the sums over each part of k go to partial[split][m][n] in f32, and split_sum.cu adds them up
// Launch       grid (ceil(m/128) * ceil(n/128), 1, splits), block 128, smem 48 KiB dynamic
// Traffic      matmul_nt_128x128, matmul_nn_128x128, matmul_tn_128x128: read (m*k + k*n)*T, write y*T + p*4
// Roofline     compute bound from k ~ 500 on
// Numerics     multiplied exactly, summed in f32, rounded once
// Determinism  bitwise, run to run; splits follow from the shape alone
// CPU twin     dev.jacquard.cpu.Gemm
// Versions     kernels/dev/gemm_f16
// Measured     not yet: no GPU so far
#include "tensor_cores.cuh"

// Where results go: rounded to y, or as they are to this part's sums.
template <typename T> struct RowSink {
    static const int W = 16 / (int)sizeof(T);
    T *y;
    float *partial;  // null with one part
    int row, column, m, n;

    DEVICE void begin(int c) { column += c; }
    DEVICE void put(int r, const float (&v)[W]) const {
        r += row;
        if (r >= m || column >= n) return;
        i64 at = (i64)r * n + column;
        if (partial != nullptr) {
#pragma unroll
            for (int i = 0; i < W; i += 4) *reinterpret_cast<float4 *>(partial + at + i) = make_float4(v[i], v[i + 1], v[i + 2], v[i + 3]);
        } else {
            Pack<T> p;
#pragma unroll
            for (int i = 0; i < W; i++) p.v[i] = v[i];
            p.storeWhole(y + at);
        }
    }
};

template <class E, bool TA, bool TB> DEVICE void product(const typename E::Element *a, const typename E::Element *b, typename E::Element *y, float *partial, int m, int n, int k, int perSplit) {
    extern __shared__ __align__(128) unsigned char shared[];
    typedef typename E::Element T;
    int across = (n + E::COLUMNS - 1) / E::COLUMNS;
    int row = blockIdx.x / across * E::ROWS, column = blockIdx.x % across * E::COLUMNS;
    int from = blockIdx.z * perSplit, to = min(k, from + perSplit);
    DenseOperand<E, E::ROWS, !TA> left = {a, TA ? m : k, row, m, to};
    DenseOperand<E, E::COLUMNS, TB> right = {b, TB ? k : n, column, n, to};
    typename E::Sums sums = {};
    E::multiply(sums, (u32)__cvta_generic_to_shared(shared), left, right, from, to);
    RowSink<T> sink = {y, gridDim.z > 1 ? partial + (i64)blockIdx.z * m * n : nullptr, row, column, m, n};
    E::template store<RowSink<T>::W>(sums, shared, sink);
}

#define MATMUL(NAME, T, R, C, WR, WC, S, TA, TB) \
    KERNEL(R / WR * (C / WC) * 32) NAME(const T *a, const T *b, T *y, float *partial, int m, int n, int k, int perSplit) { product<Engine<T, R, C, WR, WC, S>, TA, TB>(a, b, y, partial, m, n, k, perSplit); }
MATMUL(matmul_nt_128x128_f16, f16, 128, 128, 64, 64, 3, false, true)
MATMUL(matmul_nn_128x128_f16, f16, 128, 128, 64, 64, 3, false, false)
MATMUL(matmul_tn_128x128_f16, f16, 128, 128, 64, 64, 3, true, false)
