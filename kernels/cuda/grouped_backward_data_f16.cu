// grouped_backward_data_f16.cu
// Math         dx[n][2*u + a - top][2*v + b - left][c] = sum over r, s, j of dy[n][u + (a - r)/2][v + (b - s)/2][c / g * g + j] * w[c / g * g + j][r][s][c % g] with j < g, over the r and s of 3 that
//              a - r and b - s are even for: the gradient by x of grouped 3x3 convolutions of stride 2 (of stride 1: grouped_forward_f16.cu)
// Contract     dy (N, H, W, C), w (C, 3, 3, g), dx (N, OH, OW, C): without gaps, 16-byte aligned, extents > 0; g is 4, 8, 16 or 32; C a multiple of 32; N*H*W and N*OH*OW fit int32. grouped8 is for
//              g of 4 and 8
// Launch       grid (C / 32, blocks of units), block 256 (grouped32: block 128) threads; a unit is a strip of 8 pairs of columns per warp by p.rows pairs of rows, counted from the padding's first,
//              see include/grouped.cuh. Dynamic smem: 4 stages of a row of dy (18 KiB; grouped32: 9), and 18.5 KiB for weights
// Target       compute_80 isa 7.1: cp.async and mma.sync of 16-bit elements
// Traffic      grouped8s2_backward_data, grouped16s2_backward_data, grouped32s2_backward_data: read n*oh*ow*c*T + c*9*c/g*T, write n*h*w*c*T
// Roofline     memory bound: 4.5 g flop and 2.5 bytes per element of dx; each product of a tap and a pixel of dy is made once, none with a zero that strides leave
// Numerics     multiplied exactly, summed in f32 by the tensor cores, rounded once; zeros beside the image and the group take part as in grouped_forward_f16.cu
// Determinism  bitwise, run to run; units and their blocks follow from the shape alone
// CPU twin     dev.jacquard.cpu.GatherConv
// Versions     v3 (this) of kernels/dev/grouped
// Measured     not yet: no GPU so far
#include "grouped_backward_data.cuh"
GROUPED_BACKWARD_DATA(f16, f16)
