// conv_forward_i8.cu
// Target       compute_80 isa 7.1: mma.sync of I8 and cp.async
// Math         y[n][oh][ow][k] = act(scale[k] * sum over r, s, c of x[n][oh*sh + r*dh - top][ow*sw + s*dw - left][c] * w[k][r][s][c] + shift[k] + residualScale * residual[n][oh][ow][k]), in each
//              group of channels; in I8 rounded half to even and saturated
// Contract     x (N, H, W, C) and w (K, R, S, C/groups) of I8, scale and shift (K) of F32, residual like y of I8 or null, y (N, OH, OW, K) of I8, F16, BF16 or F32 as `to` is 0, 1, 2, 3: without
//              gaps, 16-byte aligned, extents > 0, less than 2^31 elements each; R, S <= 16; channels of a group, of x and of y, a multiple of 16; R * S * C/groups < 2^17
// Launch       grid (tiles, 1, groups), block 128; smem 256 * (ROWS + COLUMNS) bytes dynamic, four stages: 64, 48 and 32 KiB
// Traffic      conv2d_mma_*: read n*h*w*c + k*r*s*c/g + 8*k + res, write o
// Roofline     compute bound: an implicit matrix product of (pixels, taps and channels) by (taps and channels, k), 2*N*OH*OW*K*R*S*C/groups operations; 1x1 with few channels is memory bound
// Numerics     sums are exact in I32; they, scale, shift and residual are multiplied and added in F32; rounded once
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.tck.reference.ReferenceBackend
// Versions     v1 as conv_forward_f16.cu
// Measured     not yet: no GPU so far
#include "quantized_rows.cuh"

template <class E> DEVICE void quantized(const i8 *x, const i8 *w, void *y, int to, const Convolution &p, const Epilogue &epilogue) {
    int kg = p.k / p.groups, depth = p.r * p.s * (p.c / p.groups), rows = p.n * p.oh * p.ow;
    Part part(p, E::ROWS, E::COLUMNS, kg, 1);
    part.range(p, depth);
    Gathered<E> left;
    gatherForward(left, x, p, part);
    DenseOperand<E, E::COLUMNS, true> right(w + (i64)part.group * kg * depth, depth, part.column, kg, part.to);
    typename E::Sums sums = {};
    E::multiply(sums, stagesAddress(), left, right, part.from, part.to);
    QuantizedRows sink = {y, to, epilogue, part.row, rows, part.column, kg, p.k, part.group * kg};
    E::template store<QuantizedRows::W>(sums, stages, sink);
}

#define QUANTIZED(R, C, WR, WC, BLOCKS)                                                                                                                  \
    KERNEL_OF(BLOCKS, R, C, WR, WC) conv2d_mma_##R##x##C##_i8(const i8 *x, const i8 *w, void *y, int to, const Convolution p, const Epilogue epilogue) {    \
        quantized<Engine<i8, R, C, WR, WC, 4>>(x, w, y, to, p, epilogue);                                                                                \
    }
QUANTIZED(128, 128, 64, 64, 2)
QUANTIZED(128, 64, 64, 32, 3)
QUANTIZED(64, 64, 32, 32, 4)
