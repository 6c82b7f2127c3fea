// transpose.cu
// Math         dst[b, p, q] = src[b, q, p]: matrices of a batch transposed
// Contract     src: elements of p next to each other, rows of q `srcRow` apart; dst: elements of q next to each other, rows of p `dstRow` apart; no overlap. Elements by size, not by type.
//              pairs: p, q, rows, the batch's strides and addresses are even in elements of 16 bits
// Launch       grid batch * ceil(p / 32) * ceil(q / 32), block 256; smem 33 * 32 elements; one tile of 32 x 32 per block. pairs: tiles of 64 x 64, smem 33 * 64 * 4
// Traffic      transpose_*: read n*T, write n*T
// Roofline     memory bound: no arithmetic
// Numerics     exact
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.MovementKernels
// Versions     kernels/dev/transpose: naive, tiled, padded; pairs: 16-bit elements two by two, so that warps access 128 bytes
// Measured     not yet: no GPU so far
#include "loops.cuh"

// This block's tile: its place in the batch, and its first row and column.
struct Tile {
    i64 at[2];
    u32 p0, q0;

    DEVICE Tile(const Loops<2> &batch, u32 p, u32 q, u32 side) {
        u32 columns = (p + side - 1) / side, rows = (q + side - 1) / side;
        u32 i = blockIdx.x / columns, b = i / rows;
        p0 = (blockIdx.x - i * columns) * side;
        q0 = (i - b * rows) * side;
        batch.offsets(b, b, at);
    }
};

template <typename T> DEVICE void transpose(const T *src, T *dst, const Loops<2> &batch, u32 p, u32 q, i64 srcRow, i64 dstRow, T (*tile)[33]) {
    Tile t(batch, p, q, 32);
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    src += t.at[0] + t.p0 + lane;
    dst += t.at[1] + t.q0 + lane;
#pragma unroll
    for (u32 r = warp; r < 32; r += 8) {
        if (t.p0 + lane < p && t.q0 + r < q) tile[r][lane] = src[(t.q0 + r) * srcRow];
    }
    __syncthreads();
#pragma unroll
    for (u32 r = warp; r < 32; r += 8) {
        if (t.q0 + lane < q && t.p0 + r < p) dst[(t.p0 + r) * dstRow] = tile[lane][r];
    }
}

#define M(S, T)                                                                                                                \
    KERNEL(256) transpose_##S(const T *src, T *dst, Loops<2> batch, u32 p, u32 q, i64 srcRow, i64 dstRow) {                    \
        __shared__ T tile[32][33];                                                                                             \
        transpose(src, dst, batch, p, q, srcRow, dstRow, tile);                                                                \
    }
M(b8, u8)
M(b16, u16)
M(b32, u32)
M(b64, u64)

// A thread takes a block of two by two elements and turns it in registers. Row p of the tile lies at p / 2, or 32 after that for an odd p: the two words that a thread writes are then in
// rows that its warp's 32 threads have to themselves, and no two of them in one bank.
KERNEL(256) transpose_pairs_b16(const u16 *src, u16 *dst, Loops<2> batch, u32 p, u32 q, i64 srcRow, i64 dstRow) {
    __shared__ u32 tile[64][33];
    Tile t(batch, p, q, 64);
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    src += t.at[0] + t.p0 + 2 * lane;
    dst += t.at[1] + t.q0 + 2 * lane;
#pragma unroll
    for (u32 r = warp; r < 32; r += 8) {
        if (t.p0 + 2 * lane < p && t.q0 + 2 * r < q) {
            u32 a = *reinterpret_cast<const u32 *>(src + (t.q0 + 2 * r) * srcRow);
            u32 b = *reinterpret_cast<const u32 *>(src + (t.q0 + 2 * r + 1) * srcRow);
            tile[lane][r] = (a & 0xffffu) | b << 16;
            tile[32 + lane][r] = a >> 16 | (b & 0xffff0000u);
        }
    }
    __syncthreads();
#pragma unroll
    for (u32 r = warp; r < 64; r += 8) {
        if (t.q0 + 2 * lane < q && t.p0 + r < p) *reinterpret_cast<u32 *>(dst + (t.p0 + r) * dstRow) = tile[r / 2 + r % 2 * 32][lane];
    }
}
