// The steps to sum_columns of kernels/cuda/sum.cu: sums of the columns of a matrix (length, inner) of f32, inner a multiple of 4 and at most 128; README.md says what each costs. 256 threads per block.
#include "common.cuh"

// v1: a thread per column; grid ceil(inner / 256). Loads are coalesced, but the 64 channels of a large image keep two warps of one multiprocessor busy, with 4 bytes per load.
KERNEL(256) sum_thread_f32(const f32 *x, f32 *y, i64 length, i64 inner) {
    i64 column = (i64)blockIdx.x * 256 + threadIdx.x;
    if (column >= inner) return;
    float s = 0;
    for (i64 t = 0; t < length; t++) s += x[t * inner + column];
    y[column] = s;
}

// v2 and v3: a block per chunk of rows, its threads lying row by row over the columns in packs of 4; grid parts, partial sums (parts, inner) for a second launch. Rows of a block meet in shared memory:
// with a stride of 256 between the sums of a pack, those that one warp reads at the end lie in a quarter of the banks (v2); with 264 they lie in all (v3).
template <int STRIDE> DEVICE void columns(const f32 *x, f32 *wide, i64 length, i64 inner, i64 chunk, float *scratch) {
    int across = (int)inner / 4, down = 256 / across, row = threadIdx.x / across;
    i64 to = (blockIdx.x + 1) * chunk < length ? (blockIdx.x + 1) * chunk : length;
    float s[4] = {};
    if (row < down) {
        for (i64 t = blockIdx.x * chunk + row; t < to; t += down) {
            Pack<f32> p = Pack<f32>::load(x + t * inner + threadIdx.x % across * 4);
#pragma unroll
            for (int k = 0; k < 4; k++) s[k] += p.v[k];
        }
    }
#pragma unroll
    for (int k = 0; k < 4; k++) scratch[k * STRIDE + threadIdx.x] = s[k];
    __syncthreads();
    if (threadIdx.x < inner) {
        float sum = 0;
        for (int r = 0; r < down; r++) sum += scratch[threadIdx.x % 4 * STRIDE + r * across + threadIdx.x / 4];
        wide[blockIdx.x * inner + threadIdx.x] = sum;
    }
}

KERNEL(256) sum_chunks_f32(const f32 *x, f32 *wide, i64 length, i64 inner, i64 chunk) {
    __shared__ float scratch[4 * 256];
    columns<256>(x, wide, length, inner, chunk, scratch);
}

KERNEL(256) sum_spread_f32(const f32 *x, f32 *wide, i64 length, i64 inner, i64 chunk) {
    __shared__ float scratch[4 * 264];
    columns<264>(x, wide, length, inner, chunk, scratch);
}
