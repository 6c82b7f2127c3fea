// matmul_tf32.cu
// Target       compute_80 isa 7.1: mma.sync of TF32 and cp.async
// Math         y[i][j] = act(scale[j] * sum over k of a[i][k] * b[j][k] + shift[j] + residualScale * residual[i][j]): a layer, a 1x1 convolution; scale, shift, residual may be absent
// Contract     a, b, y: row-major, without gaps, 16-byte aligned; rows of a, b and y are a multiple of 4 elements, but for _ragged; m, n, k > 0 fit int32;
//              residual lies as y, scale and shift are n of f32; if statistics is not null, mean and squared deviations of each tile's columns go there: (tiles down, 2, n) in f32;
//              with more than one split the sums over each part of k go to partial[split][m][n] in f32, and split_sum.cu adds them up
// Launch       grid (ceil(m/ROWS) * ceil(n/COLUMNS), 1, splits), ROWS x COLUMNS as the symbol says, 64 x 64 for _ragged; block 128, for 128x256 block 256;
//              smem 256 * (ROWS + COLUMNS) bytes dynamic: four stages
// Traffic      matmul_nt_*: read (m*k + n*k)*T, write y*T + p*4; of an epilogue comes what it reads
// Roofline     compute bound from k ~ 500 on; a tile loads ROWS + COLUMNS elements per ROWS * COLUMNS multiply-adds
// Numerics     elements are rounded to TF32 (10 bits of mantissa, nearest, ties away), multiplied exactly, summed in f32, rounded once
// Determinism  bitwise, run to run; splits follow from the shape and the device
// CPU twin     dev.jacquard.cpu.Gemm
// Versions     kernels/dev/gemm_f16
// Measured     not yet: no GPU so far
#include "products.cuh"
PRODUCTS(FUSED_PRODUCT, nt, tf32_f32, f32, false, true)
