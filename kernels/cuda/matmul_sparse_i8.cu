// matmul_sparse_i8.cu
// Target       compute_80 isa 8.5: mma.sp::ordered_metadata, as ptxas expects plain mma.sp to be much slower on some later devices; drivers older than CUDA 12.5 expand the matrix instead
// Math         y[i][j] = act(scale[j] * sum over k of x[i][k] * w[j][k] + shift[j] + residualScale * residual[i][j]), where w is 2:4 sparse and given as values and metadata
// Contract     x: (m, k) i8, values: (n, k/2) i8, scale, shift: n f32, residual: (m, n) i8 or null, y: (m, n) of I8, F16, BF16 or F32 as `to` is 0, 1, 2, 3; all row-major, without gaps, 16-byte
//              aligned; metadata: (ceil(n/16), ceil(k/64), 32) words as Metadata24.java says for bytes, whose indices increase; k a multiple of 32; m, n > 0 and 0 < k < 2^17 fit int32
// Launch       grid ceil(n/ROWS) * ceil(m/COLUMNS) for tiles of ROWS x COLUMNS, as names say; block 128 in 128x128 (78 KiB of dynamic smem) and in 64x32 (36 KiB), block 256 in 256x128 (144 KiB)
// Traffic      quantized_sparse_matmul_128x128, quantized_sparse_matmul_256x128, quantized_sparse_matmul_64x32: read m*k + n*h + b*4 + n*8, write m*n*r
// Roofline     compute bound from k ~ 1000 on
// Numerics     sums exact in i32; what follows in f32; rounded once, to i8 half to even and saturated
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.SparseKernels
// Versions     v2; kernels/dev/matmul_sparse has them and their counts
// Measured     not yet: no GPU so far
#include "sparse_products.cuh"
SPARSE_TILES(QUANTIZED_SPARSE_MATMUL, quantized_sparse_matmul, i8, i8)
