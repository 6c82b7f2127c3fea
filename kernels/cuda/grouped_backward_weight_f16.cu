// grouped_backward_weight_f16.cu
// Math         dw[k][r][s][j] = sum over n, oh, ow of dy[n][oh][ow][k] * x[n][oh*st + r - top][ow*st + s - left][k / g * g + j] with j < g: the gradient by w of grouped 3x3 convolutions of stride st
// Contract     x (N, H, W, C), dy (N, OH, OW, C): without gaps, 16-byte aligned, extents > 0; g is 4, 8, 16 or 32; C a multiple of 32; N*H*W and N*OH*OW fit int32. The sums of each block of units
//              go to partial[blockIdx.y][C][3][3][g] in f32, and split_sum.cu adds them up. grouped16 is for g of 4, 8 and 16
// Launch       grid (C / 32, blocks of units), block 256; a unit is a strip of 8 columns per warp by p.rows rows of dy, see include/grouped.cuh. Dynamic smem: 4 stages of a row of x and of dy
//              (37 KiB), or 3 of two and one (66 KiB); the sums lie there at the end
// Target       compute_80 isa 7.1: cp.async and mma.sync of 16-bit elements
// Traffic      grouped16s1_backward_weight, grouped16s2_backward_weight, grouped32s1_backward_weight, grouped32s2_backward_weight: read n*h*w*c*T + n*oh*ow*c*T, write p*4
// Roofline     memory bound: 18 g flop and 4 bytes per element of dy (stride 1); tensor cores do 16/g times as many for g < 16
// Numerics     multiplied exactly, summed in f32 by the tensor cores, rounded once; padding is multiplied as zero, and so is what lies beside y: infinite x make NaN there
// Determinism  bitwise, run to run; units and their blocks follow from the shape alone
// CPU twin     dev.jacquard.cpu.WeightGradientConv
// Versions     v3 (this) of kernels/dev/grouped
// Measured     not yet: no GPU so far
#include "grouped_backward_weight.cuh"
GROUPED_BACKWARD_WEIGHTS(f16, f16)
