// hopper_backward_f16.cu
// Math         hopper_data: x[pixel][c] = sum over taps and k of y[pixel of the tap][k] * w[k][tap][c]; hopper_weight: w[k][tap][c] = sum over pixels of y[pixel][k] * x[pixel of the tap][c]
//              the gradients of convolution; matrix products a b and a^T b are these with one tap and pixels in one row
// Contract     y (n, oh, ow, k), w (k, r, s, c) or x (n, h, w, c) as tensor maps, which HopperProduct.java makes; c and k are multiples of 8, strides at most 8, results fewer than 2^34;
//              hopper_data: of stride and dilation one is 1;
//              with more than one part the sums over each part of the depth go to partial[part][result] in f32, and split_sum.cu adds them up
// Launch       grid of at most the multiprocessors' number times the blocks that one holds, each block taking every so-manieth tile; block 288, smem 112 or 208 KiB dynamic; a tile has 128 rows and
//              256, 128 or 64 columns, as the symbol says
// Traffic      hopper_data_*: read n*oh*ow*k*T + k*r*s*c*T, write y*T + p*4
//              hopper_weight_*: read n*h*w*c*T + n*oh*ow*k*T, write y*T + p*4
// Roofline     compute bound: 2*n*oh*ow*k*r*s*c flop on the tensor cores; a tile of 128 x 256 loads 384 elements per 32768 multiply-adds, one of 128 x 64 192 per 8192
// Numerics     products are exact, sums in f32 in the tensor cores' order (of parts, then), rounded once; padding, and what lies beside y, takes part as 0: times infinity it is NaN
// Determinism  bitwise, run to run and for any grid; parts follow from the shape alone
// CPU twin     dev.jacquard.cpu.Conv
// Versions     kernels/dev/hopper: v1 a warpgroup that copies and setmaxnreg; v2 a warp that copies; v3 no spills; v4, v5 the epilogue
// Measured     not yet: no GPU so far
// Target       compute_90a isa 8.0: wgmma and TMA
#include "hopper.cuh"
HOPPERS(HOPPER, hopper_data, f16, f16, DATA)
HOPPERS(HOPPER, hopper_weight, f16, f16, WEIGHT)
