// conv_stem_bf16.cu
// Target       compute_80 isa 7.1: mma.sync of bfloat16 and cp.async
// Math         y[n][oh][ow][k] = sum over r, s, c of x[n][oh*sh + r*dh - top][ow*sw + s - left][c] * w[k][r][s][c], for images with few channels, and the gradient by the weights
// Contract     x (N, H, W, C), w (K, R, S, C), y (N, OH, OW, K): without gaps, 16-byte aligned, extents > 0, less than 2^31 elements each; R <= 16; K a multiple of 8, C of any size; one group,
//              no dilation of columns; with more than one split the sums over each part of the depth go to partial[split][output] in f32, and split_sum.cu adds them up;
//              of an epilogue: scale and shift K of f32, residual like y, each of which may be null; statistics (tiles down, 2, K) in f32
// Launch       grid (blocks, 1, splits), block 128; smem dynamic: forward the strip of 128 pixels (at least 16 KiB) and the weights of 64 outputs, backward_weight 32 KiB and the strip; one split of
//              forward, whose blocks go through the tiles of a column
// Traffic      conv2d_stem_mma_128x64: read n*h*w*c*T + k*r*s*c*T, write y*T + p*4
//              conv2d_backward_weight_stem_mma_64x64: read n*h*w*c*T + n*oh*ow*k*T, write y*T + p*4
// Roofline     compute bound; what a tile's windows look at is loaded once, in aligned chunks of 16 bytes, rows of taps that several rows of pixels look at included
// Conflicts    none in the main loops with 3 channels at strides of 1 (forward) and 2 and images of multiples of 32 columns; windows of eight pixels meet in banks where a row of y ends among them,
//              with 3 channels at a stride of 4, and with 5 or more at a stride of 2; weights meet once per block where rows of taps are short
// Numerics     multiplied exactly, summed in f32 in order of (r, s, channel) or of pixels (of splits, then), rounded once;
//              padding takes part as 0, and so do up to 7 elements behind each row of taps, both as images and as weights
// Determinism  bitwise, run to run; splits follow from the shape and the device
// CPU twin     dev.jacquard.cpu.Conv
// Versions     v1 loaded elements one by one, 2.1 to 5.2 times the sectors; v2 cuts unaligned chunks out of aligned ones, as they come to shared memory
// Measured     not yet: no GPU so far
#include "conv_stem.cuh"
STEM(mma, bf16)
