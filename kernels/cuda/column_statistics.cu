// column_statistics.cu
// Math         mean and biased variance of the columns of a (rows, c) matrix from means and squared deviations of its chunks of perChunk rows, as products and convolutions on tensor cores leave them
// Contract     partial: (chunks, 2, c) in f32, of each chunk the means, then the squared deviations from them; chunk i has min(perChunk, rows - i * perChunk) > 0 rows; all sizes fit int32.
//              column_combine makes one chunk of each `group` of them: combined is (ceil(chunks / group), 2, c); column_finish gives mean and variance, c each; all is f32, whatever the matrix is of
// Launch       column_combine: grid (ceil(c/32), ceil(chunks/group)), column_finish: grid ceil(c/32); block (32, 8), smem 1 KiB static
// Traffic      column_combine: read chunks*2*c*4, write groups*2*c*4
//              column_finish: read parts*2*c*4, write 2*c*4
// Roofline     memory bound: what it reads was just written and is mostly in L2. Two steps, since a column has one partial result per 64 or 128 pixels, and one block per 32 columns would take long
// Numerics     f32, combined as by Chan et al. 1979: first the mean, then the squared deviations around it; a column with an infinity has a mean of NaN, like its variance
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.TrainingKernels
// Versions     v1
// Measured     not yet: no GPU so far
#include "common.cuh"

const int STRIPES = 8;  // threads of a column

// Sum over a column's threads, in order; every one of them gets it. All threads must call.
DEVICE float sumOfStripes(float x, float (*scratch)[32]) {
    __syncthreads();
    scratch[threadIdx.y][threadIdx.x] = x;
    __syncthreads();
    float s = 0;
#pragma unroll
    for (int i = 0; i < STRIPES; i++) s += scratch[i][threadIdx.x];
    return s;
}

// Of chunks from .. to - 1 together.
struct Combined {
    float rows, mean, m2;

    DEVICE Combined(const float *partial, int from, int to, int perChunk, int all, int c, int column, float (*scratch)[32]) {
        bool active = column < c;
        float sum = 0;
        if (active) {
#pragma unroll 8
            for (int p = from + threadIdx.y; p < to; p += STRIPES) sum += rowsOf(p, perChunk, all) * partial[(i64)p * 2 * c + column];
        }
        int left = all - from * perChunk, most = (to - from) * perChunk;
        rows = left < most ? left : most;
        mean = sumOfStripes(sum, scratch) / rows;
        float around = 0;
        if (active) {
#pragma unroll 8
            for (int p = from + threadIdx.y; p < to; p += STRIPES) {
                float d = partial[(i64)p * 2 * c + column] - mean;
                around += partial[((i64)p * 2 + 1) * c + column] + rowsOf(p, perChunk, all) * d * d;
            }
        }
        m2 = sumOfStripes(around, scratch);
    }

  private:
    static DEVICE float rowsOf(int p, int perChunk, int all) { return min(perChunk, all - p * perChunk); }
};

KERNEL(256) column_combine_f32(const float *partial, float *combined, int chunks, int group, int perChunk, int rows, int c) {
    __shared__ float scratch[STRIPES][32];
    int column = blockIdx.x * 32 + threadIdx.x;
    int from = blockIdx.y * group;
    Combined all(partial, from, min(chunks, from + group), perChunk, rows, c, column, scratch);
    if (column < c && threadIdx.y == 0) {
        combined[(i64)blockIdx.y * 2 * c + column] = all.mean;
        combined[((i64)blockIdx.y * 2 + 1) * c + column] = all.m2;
    }
}

KERNEL(256) column_finish_f32(const float *partial, float *mean, float *variance, int chunks, int perChunk, int rows, int c) {
    __shared__ float scratch[STRIPES][32];
    int column = blockIdx.x * 32 + threadIdx.x;
    Combined all(partial, 0, chunks, perChunk, rows, c, column, scratch);
    if (column < c && threadIdx.y == 0) {
        mean[column] = all.mean;
        variance[column] = all.m2 / rows;
    }
}
