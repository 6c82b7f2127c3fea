// grouped_forward_f16.cu
// Math         y[n][oh][ow][k] = sum over r, s, j of x[n][oh*st + r - top][ow*st + s - left][k / g * g + j] * w[k][r][s][j] with j < g: 3x3 kernels of stride st 1 or 2 on groups of g channels
// Contract     x (N, H, W, C), w (C, 3, 3, g), y (N, OH, OW, C): without gaps, 16-byte aligned, extents > 0; g is 4, 8, 16 or 32; C a multiple of 32; N*H*W and N*OH*OW fit int32. Of an
//              epilogue: scale, shift (C of f32 each) and ReLU. `flip` turns the taps around and takes w's groups transposed, so that stride 1 and padding 2 - top is the gradient by x. grouped8
//              is for g of 4 and 8
// Launch       grid (C / 32, blocks of units), block 256 (grouped32: block 128) threads; a unit is a strip of 8 columns per warp by p.rows rows, see include/grouped.cuh. Dynamic smem: 4 stages of
//              a row (20 KiB) or 3 of two rows (54 KiB), half of it for grouped32; and 18.5 KiB for weights
// Target       compute_80 isa 7.1: cp.async and mma.sync of 16-bit elements
// Traffic      grouped8s1, grouped8s2, grouped16s1, grouped16s2, grouped32s1, grouped32s2: read n*h*w*c*T + c*9*c/g*T, write n*oh*ow*c*T
// Roofline     memory bound: 18 g flop and 4 bytes per element (stride 1), for g = 32 on the edge of what mma.sync does; tensor cores do twice as many for g = 4
// Numerics     multiplied exactly, summed in f32 by the tensor cores, rounded once, behind the epilogue. Padding is multiplied as zero, and for g = 4 the neighbouring group's channels with zeros: an
//              infinity there makes NaN of what it should not touch
// Determinism  bitwise, run to run; units and their blocks follow from the shape alone
// CPU twin     dev.jacquard.cpu.GatherConv
// Versions     v3 (this) of kernels/dev/grouped
// Measured     not yet: no GPU so far
#include "grouped_forward.cuh"
GROUPED_FORWARDS(f16, f16)
