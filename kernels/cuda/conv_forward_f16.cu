// conv_forward_f16.cu
// Target       compute_80 isa 7.1: mma.sync of 16-bit elements and cp.async
// Math         y[n][oh][ow][k] = sum over r, s, c of x[n][oh*sh + r*dh - top][ow*sw + s*dw - left][c] * w[k][r][s][c], in each group of channels
// Contract     x (N, H, W, C), w (K, R, S, C/groups), y (N, OH, OW, K): without gaps, 16-byte aligned, extents > 0, less than 2^31 elements each; R, S <= 16; channels of a group, of x and of y,
//              a multiple of 8; with more than one split the sums over each part of the depth go to partial[split][output] in f32, and split_sum.cu adds them up;
//              of an epilogue: scale and shift K of f32, residual like y, each of which may be null; statistics (tiles down, 2, K) in f32
// Launch       grid (tiles, 1, groups * splits), block 128; smem 256 * (ROWS + COLUMNS) bytes dynamic, four stages: 64, 48 and 32 KiB
// Traffic      conv2d_mma_128x128, conv2d_mma_128x64, conv2d_mma_64x64: read n*h*w*c*T + k*r*s*c/g*T, write y*T + p*4
// Roofline     compute bound: an implicit matrix product of (pixels, taps and channels) by (taps and channels, k), 2*N*OH*OW*K*R*S*C/groups flop; 1x1 with few channels is memory bound
// Numerics     multiplied exactly, summed in f32 in order of (r, s, channel) (of splits, then), rounded once;
//              padding takes part as 0, so that it meets an infinite weight as NaN
// Determinism  bitwise, run to run; tile and splits follow from the shape and the device, or are chosen by measurement
// CPU twin     dev.jacquard.cpu.Conv
// Versions     v1 chunks of 16 bytes gathered by cp.async, a bit per tap and line for the padding
// Measured     not yet: no GPU so far
#include "conv_tensor_cores.cuh"
FORWARDS(mma, f16)
