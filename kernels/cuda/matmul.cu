// matmul.cu
// Math         y[i][j] = sum over k of a[i][k] * b[k][j], where a is stored as (m, k) or (k, m) and b as (k, n) or (n, k)
// Contract     a, b, y: row-major, without gaps, 16-byte aligned; m, n, k > 0 fit int32; flags: 1 a is (k, m), 2 b is (n, k), 4/8/16 rows of a/b/y are a multiple of 4 elements;
//              with more than one split the sums over each part of k go to partial[split][m][n] in f32, and split_sum.cu adds them up
// Launch       grid (ceil(m/ROWS) * ceil(n/COLUMNS), 1, splits), block 128, smem 16 or 20 KiB static; a tile has 64 x 64 results in matmul, 128 x 32 in matmul_narrow and 32 x 128 in
//              matmul_flat, which are for n or m that fill tiles of 64 badly (Tile.java) and require flags 4, 8 and 16
// Traffic      matmul, matmul_narrow, matmul_flat: read (m*k + k*n)*T, write y*T + p*4
// Roofline     compute bound from k ~ 100 on: 2*m*n*k flop on the CUDA cores; a tile loads 128 or 160 elements per 4096 multiply-adds
// Numerics     multiplied and summed in f32 in order of k (of splits, then), rounded once
// Determinism  bitwise, run to run; splits follow from the shape alone
// CPU twin     dev.jacquard.cpu.Gemm
// Versions     v1 64 x 64 tiles; v2 128 x 32 and 32 x 128, too, as thin networks and grouped convolutions have
// Measured     not yet: no GPU so far
#include "gemm.cuh"
template <typename T, class TILE, bool WHOLE> DEVICE void matmul(const T *a, const T *b, T *y, float *partial, int m, int n, int k, int perSplit, int flags) {
    bool transposeA = flags & 1;
    bool transposeB = flags & 2;
    int tilesN = (n + TILE::COLUMNS - 1) / TILE::COLUMNS;
    // Neighbouring blocks share rows of a, the operand that is usually the larger.
    int row = blockIdx.x / tilesN * TILE::ROWS;
    int column = blockIdx.x % tilesN * TILE::COLUMNS;
    int from = blockIdx.z * perSplit;
    int to = min(k, from + perSplit);
    Matrix<T, TILE::ROWS> left = {a, transposeA ? m : k, row, m, to, !transposeA, WHOLE || (flags & 4) != 0};
    Matrix<T, TILE::COLUMNS> right = {b, transposeB ? k : n, column, n, to, transposeB, WHOLE || (flags & 8) != 0};
    const float4 *tile = multiply<T, TILE>(left, right, from, to);
    bool whole = WHOLE || (flags & 16) != 0;
    int c = column + TILE::storeColumn();
#pragma unroll 1
    for (int i = 0; i < 8; i++) {
        int r = row + TILE::storeRow(i);
        float4 v = TILE::quad(tile, i);
        if (r >= m) {
            continue;
        }
        if (gridDim.z > 1) {
            storeQuad(partial + ((i64)blockIdx.z * m + r) * n + c, c, n, whole, v);
        } else {
            storeQuad(y + (i64)r * n + c, c, n, whole, v);
        }
    }
}
#define MATMUL(NAME, T, ROWS, WHOLE) \
    KERNEL(128) NAME(const T *a, const T *b, T *y, float *partial, int m, int n, int k, int perSplit, int flags) { matmul<T, Tile<ROWS>, WHOLE>(a, b, y, partial, m, n, k, perSplit, flags); }
#define M(S, T) MATMUL(matmul_##S, T, 64, false) MATMUL(matmul_narrow_##S, T, 128, true) MATMUL(matmul_flat_##S, T, 32, true)
FOR_FLOATS(M)
