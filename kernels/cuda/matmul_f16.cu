// matmul_f16.cu
// Target       compute_80 isa 7.1: mma.sync of 16-bit elements and cp.async
// Math         y[i][j] = sum over k of a[i][k] * b[k][j], where a is stored as (m, k) or (k, m) and b as (k, n) or (n, k): _nn, _nt (b is (n, k)), _tn (a is (k, m))
// Contract     a, b, y: row-major, without gaps, 16-byte aligned; rows of a, b and y are a multiple of 8 elements, but for _ragged; m, n, k > 0 fit int32;
//              with more than one split the sums over each part of k go to partial[split][m][n] in f32, and split_sum.cu adds them up
// Launch       grid (ceil(m/ROWS) * ceil(n/COLUMNS), 1, splits), ROWS x COLUMNS as the symbol says, 64 x 64 for _ragged; block 128, for 128x256 block 256;
//              smem 256 * (ROWS + COLUMNS) bytes dynamic: four stages
// Traffic      matmul_*: read (m*k + k*n)*T, write y*T + p*4
// Roofline     compute bound from k ~ 500 on; a tile loads ROWS + COLUMNS elements per ROWS * COLUMNS multiply-adds
// Numerics     multiplied exactly, summed in f32, rounded once
// Determinism  bitwise, run to run; splits follow from the shape and the device
// CPU twin     dev.jacquard.cpu.Gemm
// Versions     kernels/dev/gemm_f16
// Measured     not yet: no GPU so far
#include "products.cuh"
PRODUCTS_OF_ALL_LAYOUTS(f16, f16)
