// hopper_forward_bf16.cu
// Math         y[pixel][k] = act(scale[k] * (sum over taps and c of x[pixel of the tap][c] * w[k][tap][c]) + shift[k] + residualScale * residual[pixel][k])
//              where pixels outside of x are 0; a matrix product a b^T is this with one tap and pixels in one row
// Contract     x (n, h, w, c) and w (k, r, s, c) as tensor maps, which HopperProduct.java makes; y (n, oh, ow, k); c and k are multiples of 8, strides at most 8, results fewer than 2^34;
//              scale and shift have k elements of f32, residual is like y, all 16-byte aligned; each may be null;
//              with more than one part the sums over each part of the depth go to partial[part][result] in f32, and split_sum.cu adds them up
// Launch       grid of at most the multiprocessors' number times the blocks that one holds, each block taking every so-manieth tile; block 288, smem 112 or 208 KiB dynamic; a tile has 128 rows and
//              256, 128 or 64 columns, as the symbol says
// Traffic      hopper_forward_*: read n*h*w*c*T + k*r*s*c*T + v*4 + e*T, write y*T + p*4
// Roofline     compute bound: 2*n*oh*ow*k*r*s*c flop on the tensor cores; a tile of 128 x 256 loads 384 elements per 32768 multiply-adds, one of 128 x 64 192 per 8192
// Numerics     products are exact, sums in f32 in the tensor cores' order (of parts, then), rounded once; padding takes part as 0, so that it meets an infinite weight as NaN
// Determinism  bitwise, run to run and for any grid; parts follow from the shape alone
// CPU twin     dev.jacquard.cpu.Conv
// Versions     kernels/dev/hopper: v1 a warpgroup that copies and setmaxnreg; v2 a warp that copies; v3 no spills; v4, v5 the epilogue
// Measured     not yet: no GPU so far
// Target       compute_90a isa 8.0: wgmma and TMA
#include "hopper.cuh"
HOPPERS(HOPPER_AFTER, hopper_forward, bf16, bf16, FORWARD)
