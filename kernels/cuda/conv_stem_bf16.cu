// conv_stem_bf16.cu
// Target       compute_80 isa 7.1: mma.sync of bfloat16 and cp.async
// Math         y[n][oh][ow][k] = sum over r, s, c of x[n][oh*sh + r*dh - top][ow*sw + s - left][c] * w[k][r][s][c], for images with few channels, and the gradient by the weights
// Contract     x (N, H, W, C), w (K, R, S, C), y (N, OH, OW, K): without gaps, 16-byte aligned, extents > 0, less than 2^31 elements each; R <= 16; K a multiple of 8, C of any size; one group, no
//              dilation of columns; with more than one split the sums over each part of the depth go to partial[split][output] in f32, and split_sum.cu adds them up
// Launch       grid (tiles, 1, splits), block 128; smem 256 * (ROWS + COLUMNS) bytes dynamic, four stages: 48 KiB with tiles of 128 x 64, 32 KiB with 64 x 64
// Traffic      conv2d_stem_mma_128x64: read n*h*w*c*T + k*r*s*c*T, write y*T + p*4
//              conv2d_backward_weight_stem_mma_64x64: read n*h*w*c*T + n*oh*ow*k*T, write y*T + p*4
// Roofline     compute bound on loads of single elements, which begin at any byte: 8 of them for a chunk of 8 halves, most from the L1 cache, as windows overlap
// Numerics     multiplied exactly, summed in f32 in order of (r, s, channel) or of pixels (of splits, then), rounded once; padding takes part as 0, and so do up to
//              7 elements behind each row of taps, both as images and as weights
// Determinism  bitwise, run to run; splits follow from the shape and the device
// CPU twin     dev.jacquard.cpu.Conv
// Versions     v1 loads and stores to shared memory without a stage between them
// Measured     not yet: no GPU so far
#include "conv_stem.cuh"
STEM(mma, bf16)
