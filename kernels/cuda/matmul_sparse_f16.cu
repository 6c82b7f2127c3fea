// matmul_sparse_f16.cu
// Target       compute_80 isa 8.5: mma.sp::ordered_metadata, as ptxas expects plain mma.sp to be much slower on some later devices; drivers older than CUDA 12.5 expand the matrix instead
// Math         y[i][j] = act(scale[j] * sum over k of x[i][k] * w[j][k] + shift[j] + residualScale * residual[i][j]), where w is 2:4 sparse and given as values and metadata
// Contract     x: (m, k), values: (n, k/2), y: (m, n), all row-major, without gaps, 16-byte aligned; metadata: (ceil(n/16), ceil(k/64), 32) words as Metadata24.java says, whose indices increase;
//              scale, shift: n of f32, residual: (m, n) of T, each of these three may be null; k a multiple of 16; m, n, k > 0 fit int32; with more than one split the
//              sums over each part of k go to partial[split][m][n] in f32, and split_sum.cu adds them up and does the rest; partial is null with one
// Launch       grid (ceil(n/ROWS) * ceil(m/COLUMNS), 1, splits) for tiles of ROWS x COLUMNS, as names say; block 128 in 128x128 (75 KiB of dynamic smem) and in 64x32 (34 KiB),
//              block 256 in 256x128 (136 KiB)
// Traffic      sparse_matmul_128x128, sparse_matmul_256x128, sparse_matmul_64x32: read m*k*T + n*h*T + b*4 + v*4 + e*T, write y*T + p*4
// Roofline     compute bound from k ~ 500 on: an instruction of 16 x 8 results takes 64 bytes of each row of x and 32 of each of w, for the time of a dense one of half the depth
// Numerics     kept elements multiplied exactly, summed in f32, as is what follows; rounded once; what was pruned is not multiplied: an infinite x there makes no NaN
// Determinism  bitwise, run to run; splits follow from the shape alone
// CPU twin     dev.jacquard.cpu.SparseKernels
// Versions     v2; kernels/dev/matmul_sparse has them and their counts
// Measured     not yet: no GPU so far
#include "sparse_products.cuh"
SPARSE_TILES(SPARSE_MATMUL, sparse_matmul, f16, f16)
