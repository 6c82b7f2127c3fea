// scale_shift.cu
// Math         y = act(x * scale + shift [+ residual]), scale and shift per channel: batch normalisation in evaluation
// Contract     x, y, residual: (rows, C) of T, contiguous, 16-byte aligned, 0 < rows < 2^31; scale, shift: C in f32; residual may be null; y may be x. scale_shift needs C to be a multiple
//              of 16 / sizeof(T), scale_shift1 does not
// Launch       grid (ceil(rows / perBlock), ceil(C / (tx * W))), block 256 at most, (tx, ty) with tx <= 32, smem 0; W = 16 / sizeof(T), or 1
// Traffic      scale_shift: read rows*c*T + residual*rows*c*T + 2*c*4, write rows*c*T
//              scale_shift1: read rows*c*T + residual*rows*c*T + 2*c*4, write rows*c*T
// Roofline     memory bound: 2 to 7 flop per element
// Numerics     f32, rounded once
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.PointwiseKernels
// Versions     v1: the walk of kernels/dev/batch_norm
// Measured     not yet: no GPU so far
#include "channels.cuh"
#include "nonlinearity.cuh"

template <typename T, int W> DEVICE void scaleShift(const T *x, const float *scale, const float *shift, const T *residual, T *y, int rows, int c, int perBlock, int act) {
    typedef TileFloats<W> Tile;
    __shared__ __align__(16) float shared[2 * Tile::SIZE]; // eight floats of a thread's own would be loads that leave gaps, for each of its rows' threads again
    fillTile<W>(shared, c, [&](int k) { return scale[k]; });
    fillTile<W>(shared + Tile::SIZE, c, [&](int k) { return shift[k]; });
    __syncthreads();
    ChannelWalk<W> walk(rows, c, perBlock);
    if (!walk.active) return;
    float a[W], b[W];
    Tile::get(shared, a);
    Tile::get(shared + Tile::SIZE, b);
    forRows<T, W>(x, residual, y, walk, c, [&](Lanes<T, W> &q, const Lanes<T, W> &r) {
#pragma unroll
        for (int v = 0; v < W; v++) {
            float pre = q.v[v] * a[v] + b[v];
            q.v[v] = activate(residual ? pre + r.v[v] : pre, act);
        }
    });
}

#define M(NAME, S, T, W) KERNEL(256) NAME##_##S(const T *x, const float *scale, const float *shift, const T *residual, T *y, int rows, int c, int perBlock, int act) { \
    scaleShift<T, W>(x, scale, shift, residual, y, rows, c, perBlock, act); }
FOR_WIDTHS(M, scale_shift)
