// conv_stem_i8.cu
// Target       compute_80 isa 7.1: mma.sync of I8
// Math         y[n][oh][ow][k] = act(scale[k] * sum over r, s, c of x[n][oh*sh + r*dh - top][ow*sw + s - left][c] * w[k][r][s][c] + shift[k] + residualScale * residual[n][oh][ow][k]), for images
//              with few channels; in I8 rounded half to even and saturated
// Contract     x (N, H, W, C) and w (K, R, S, C) of I8, scale and shift (K) of F32, residual like y of I8 or null, y (N, OH, OW, K) of I8, F16, BF16 or F32 as `to` is 0, 1, 2, 3: without gaps,
//              16-byte aligned, extents > 0, less than 2^31 elements each; R, S <= 16; K a multiple of 16, C of any size; one group, no dilation of columns; R * S * C < 2^17
// Launch       grid (blocks), block 128; smem dynamic: the strip of 128 pixels (at least 16 KiB) and the weights of 64 outputs; blocks go through the tiles of a column
// Traffic      conv2d_stem_mma_128x64: read n*h*w*c + k*r*s*c + 8*k + res, write o
// Roofline     compute bound; what a tile's windows look at is loaded once, in aligned chunks of 16 bytes, rows of taps that several rows of pixels look at included
// Conflicts    windows of eight pixels meet in banks where a row of y ends among them; weights, by bytes, once per block
// Numerics     sums are exact in I32; they, scale, shift and residual are multiplied and added in F32; rounded once
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.tck.reference.ReferenceBackend
// Versions     v1 as conv_stem_f16.cu
// Measured     not yet: no GPU so far
#include "conv_stem.cuh"
#include "quantized_rows.cuh"

template <class E> struct StemBytes {
    void *y;
    int to;
    const Convolution &p;
    const Epilogue &epilogue;

    DEVICE void store(const typename E::Sums &sums, int row, int rows, int column) const {
        QuantizedRows sink = {y, to, epilogue, row, rows, column, p.k, p.k, 0};
        E::template store<QuantizedRows::W>(sums, stages, sink);
    }
};

KERNEL_OF(3, 128, 64, 64, 32) conv2d_stem_mma_128x64_i8(const i8 *x, const i8 *w, void *y, int to, const Convolution p, const Epilogue epilogue, const int strip) {
    typedef Engine<i8, 128, 64, 64, 32, 2> E;
    stemForward<E>(x, w, p, strip, StemBytes<E>{y, to, p, epilogue});
}
