// The steps to kernels/cuda/transpose.cu, for matrices of 32-bit elements (q, p) to (p, q); README.md says what each costs. 256 threads per block; grid (ceil(p / 32), ceil(q / 32)).
#include "common.cuh"

// v1: neighbouring threads read neighbours and write a row apart: each write of a warp is 32 sectors of which an eighth is used.
KERNEL(256) transpose_naive_b32(const u32 *src, u32 *dst, u32 p, u32 q) {
    u32 column = blockIdx.x * 32 + threadIdx.x % 32;
    for (u32 r = threadIdx.x / 32; r < 32; r += 8) {
        u32 row = blockIdx.y * 32 + r;
        if (column < p && row < q) dst[(i64)column * q + row] = src[(i64)row * p + column];
    }
}

// v2 and v3: through a tile in shared memory, so that reads and writes are rows. With rows of 32 words a column of the tile is in one bank; one word of padding spreads it over all.
template <int ROW> DEVICE void tiled(const u32 *src, u32 *dst, u32 p, u32 q, u32 (*tile)[ROW]) {
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, p0 = blockIdx.x * 32, q0 = blockIdx.y * 32;
    for (u32 r = warp; r < 32; r += 8) {
        if (p0 + lane < p && q0 + r < q) tile[r][lane] = src[(i64)(q0 + r) * p + p0 + lane];
    }
    __syncthreads();
    for (u32 r = warp; r < 32; r += 8) {
        if (q0 + lane < q && p0 + r < p) dst[(i64)(p0 + r) * q + q0 + lane] = tile[lane][r];
    }
}

KERNEL(256) transpose_tiled_b32(const u32 *src, u32 *dst, u32 p, u32 q) {
    __shared__ u32 tile[32][32];
    tiled(src, dst, p, q, tile);
}

KERNEL(256) transpose_padded_b32(const u32 *src, u32 *dst, u32 p, u32 q) {
    __shared__ u32 tile[32][33];
    tiled(src, dst, p, q, tile);
}
