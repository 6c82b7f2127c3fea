// transpose.cu
// Math         dst[b, p, q] = src[b, q, p]: matrices of a batch transposed
// Contract     src: elements of p next to each other, rows of q `srcRow` apart; dst: elements of q next to each other, rows of p `dstRow` apart; no overlap. Elements by size, not by type.
//              pairs: p, q, rows, the batch's strides and addresses are even in elements of 16 bits
// Launch       grid (ceil(p / 32), ceil(q / 32), batch), block 256; smem 32 rows of 32 elements and a word; one tile of 32 x 32 per block. pairs: tiles of 64 x 64, smem 64 * 33 * 4
// Traffic      transpose_*: read n*T, write n*T
// Roofline     memory bound: no arithmetic
// Numerics     exact
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.MovementKernels
// Versions     kernels/dev/transpose: naive, tiled, padded; pairs: 16-bit elements two by two, so that warps access 128 bytes
// Measured     not yet: no GPU so far
#include "loops.cuh"

// Rows of a tile are padded by a word, so that a column's 32 elements are in different banks.
template <typename T> struct TileRow { static const int N = 32 + (sizeof(T) < 4 ? 4 / (int)sizeof(T) : 1); };

template <typename T> DEVICE void transpose(const T *src, T *dst, const Loops<2> &batch, u32 p, u32 q, i64 srcRow, i64 dstRow, T (*tile)[TileRow<T>::N]) {
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, p0 = blockIdx.x * 32, q0 = blockIdx.y * 32;
    i64 at[2];
    batch.offsets(blockIdx.z, blockIdx.z, at);
    const T *from = src + at[0] + p0 + lane + (q0 + warp) * srcRow;
    T *to = dst + at[1] + q0 + lane + (p0 + warp) * dstRow;
    // How many rows and columns this thread's lane has in the tile and beyond
    u32 rows = p0 + lane < p ? q - q0 : 0, columns = q0 + lane < q ? p - p0 : 0;
#pragma unroll
    for (u32 k = 0; k < 4; k++) {
        if (warp + 8 * k < rows) tile[warp + 8 * k][lane] = from[8 * k * srcRow];
    }
    __syncthreads();
#pragma unroll
    for (u32 k = 0; k < 4; k++) {
        if (warp + 8 * k < columns) to[8 * k * dstRow] = tile[lane][warp + 8 * k];
    }
}

#define M(S, T)                                                                                                                \
    KERNEL(256) transpose_##S(const T *src, T *dst, Loops<2> batch, u32 p, u32 q, i64 srcRow, i64 dstRow) {                    \
        __shared__ T tile[32][TileRow<T>::N];                                                                                  \
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
    u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, p0 = blockIdx.x * 64, q0 = blockIdx.y * 64;
    i64 at[2];
    batch.offsets(blockIdx.z, blockIdx.z, at);
    const u16 *from = src + at[0] + p0 + 2 * lane + (q0 + 2 * warp) * srcRow;
    u16 *to = dst + at[1] + q0 + 2 * lane + (p0 + warp) * dstRow;
    u32 rows = p0 + 2 * lane < p ? q - q0 : 0, columns = q0 + 2 * lane < q ? p - p0 : 0;
#pragma unroll
    for (u32 k = 0; k < 4; k++) {
        u32 r = warp + 8 * k;
        if (2 * r < rows) {
            u32 a = *reinterpret_cast<const u32 *>(from + 16 * k * srcRow);
            u32 b = *reinterpret_cast<const u32 *>(from + 16 * k * srcRow + srcRow);
            tile[lane][r] = (a & 0xffffu) | b << 16;
            tile[32 + lane][r] = a >> 16 | (b & 0xffff0000u);
        }
    }
    __syncthreads();
#pragma unroll
    for (u32 k = 0; k < 8; k++) {
        u32 r = warp + 8 * k;
        if (r < columns) *reinterpret_cast<u32 *>(to + 8 * k * dstRow) = tile[r / 2 + r % 2 * 32][lane];
    }
}
