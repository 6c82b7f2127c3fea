// matmul.cu
// Math         y[i][j] = sum over k of a[i][k] * b[k][j], where a is stored as (m, k) or (k, m) and b as (k, n) or (n, k)
// Contract     a, b, y: row-major, without gaps, 16-byte aligned; m, n, k > 0 fit int32; flags: 1 a is (k, m), 2 b is (n, k), 4/8/16 rows of a/b/y are a multiple of 4 elements;
//              with more than one split the sums over each part of k go to partial[split][m][n] in f32, and split_sum.cu adds them up
// Launch       grid (ceil(m/64) * ceil(n/64), 1, splits), block 128, smem 16 KiB static
// Traffic      matmul: read (m*k + k*n)*T, write y*T + p*4
// Roofline     compute bound from k ~ 100 on: 2*m*n*k flop on the CUDA cores; a tile loads 128 elements per 4096 multiply-adds
// Numerics     multiplied and summed in f32 in order of k (of splits, then), rounded once
// Determinism  bitwise, run to run; splits follow from the shape alone
// CPU twin     dev.jacquard.cpu.Gemm
// Versions     v1
// Measured     not yet: no GPU so far
#include "gemm.cuh"
template <typename T> DEVICE void matmul(const T *a, const T *b, T *y, float *partial, int m, int n, int k, int perSplit, int flags) {
    bool transposeA = flags & 1;
    bool transposeB = flags & 2;
    int tilesN = (n + TILE - 1) / TILE;
    // Neighbouring blocks share rows of a, the operand that is usually the larger.
    int row = blockIdx.x / tilesN * TILE;
    int column = blockIdx.x % tilesN * TILE;
    int from = blockIdx.z * perSplit;
    int to = min(k, from + perSplit);
    Matrix<T> left = {a, transposeA ? m : k, row, m, to, !transposeA, (flags & 4) != 0};
    Matrix<T> right = {b, transposeB ? k : n, column, n, to, transposeB, (flags & 8) != 0};
    const float4 *tile = multiply<T>(left, right, from, to);
    int c = column + storeColumn();
#pragma unroll 1
    for (int i = 0; i < 8; i++) {
        int r = row + storeRow(i);
        float4 v = tileQuad(tile, r - row);
        if (r >= m) {
            continue;
        }
        if (gridDim.z > 1) {
            storeQuad(partial + ((i64)blockIdx.z * m + r) * n + c, c, n, (flags & 16) != 0, v);
        } else {
            storeQuad(y + (i64)r * n + c, c, n, (flags & 16) != 0, v);
        }
    }
}
#define M(S, T) KERNEL(128) matmul_##S(const T *a, const T *b, T *y, float *partial, int m, int n, int k, int perSplit, int flags) { matmul<T>(a, b, y, partial, m, n, k, perSplit, flags); }
FOR_FLOATS(M)
