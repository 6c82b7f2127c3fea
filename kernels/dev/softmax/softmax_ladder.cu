// The steps to kernels/cuda/softmax.cu, in f32, for n a multiple of 4; README.md says what each costs. 256 threads per block.
#include "reduction.cuh"

// v0: a thread per row; grid ceil(rows / 256). Neighbouring threads read a row apart: each load of a warp is 32 sectors of which an eighth is used.
KERNEL(256) softmax_thread_f32(const f32 *x, f32 *y, i64 rows, int n) {
    i64 row = (i64)blockIdx.x * 256 + threadIdx.x;
    if (row >= rows) return;
    x += row * n;
    y += row * n;
    float m = -INFINITE, s = 0;
    for (int i = 0; i < n; i++) m = nanMax(m, x[i]);
    for (int i = 0; i < n; i++) s += expf(x[i] - m);
    for (int i = 0; i < n; i++) y[i] = expf(x[i] - m) / s;
}

// v1: a warp per row; grid ceil(rows / 8). Loads are rows now, but there are three of them, and expf is ten instructions twice per element.
KERNEL(256) softmax_three_reads_f32(const f32 *x, f32 *y, i64 rows, int n) {
    i64 row = Group<32>::row();
    if (row >= rows) return;
    x += row * n;
    y += row * n;
    int lane = threadIdx.x % 32;
    float m = -INFINITE, s = 0;
    for (int i = lane; i < n; i += 32) m = nanMax(m, x[i]);
    m = warpMax(m);
    for (int i = lane; i < n; i += 32) s += expf(x[i] - m);
    s = warpSum(s);
    for (int i = lane; i < n; i += 32) y[i] = expf(x[i] - m) / s;
}

// v2: running largest and sum, 16 bytes per thread, exponentials in two instructions; grid ceil(rows / 8). What remains in kernels/cuda as softmax_warp, and with a block per row as softmax_long.
KERNEL(256) softmax_two_reads_f32(const f32 *x, f32 *y, i64 rows, int n) {
    i64 row = Group<32>::row();
    if (row >= rows) return;
    Softmax all;
    forPacks<32>(x + row * n, n, true, [&](i64, float *v, auto count) { all.add<count>(v); });
    all.combine<32>(nullptr);
    float scale = 1 / all.sum;
    forPacks<32>(x + row * n, n, true, [&](i64 i, float *v, auto) {
        Pack<f32> p;
#pragma unroll
        for (int k = 0; k < 4; k++) p.v[k] = expDown(v[k] - all.max) * scale;
        p.store(y + row * n + i);
    });
}

// v3: a block per row, which stays in registers between one load and one store; grid rows. In kernels/cuda as softmax_block, for rows of up to 2048.
KERNEL(256) softmax_registers_f32(const f32 *x, f32 *y, i64 rows, int n) {
    __shared__ float scratch[16];
    x += blockIdx.x * (i64)n;
    y += blockIdx.x * (i64)n;
    Pack<f32> p;
    int i = threadIdx.x * 4;
    float m = -INFINITE, s = 0;
    if (i < n) {
        p = Pack<f32>::load(x + i);
#pragma unroll
        for (int k = 0; k < 4; k++) m = nanMax(m, p.v[k]);
    }
    m = Group<256>::max(m, scratch);
    if (i < n) {
#pragma unroll
        for (int k = 0; k < 4; k++) s += p.v[k] = expDown(p.v[k] - m);
    }
    s = Group<256>::sum(s, scratch + 8);
    float scale = 1 / s;
    if (i < n) {
#pragma unroll
        for (int k = 0; k < 4; k++) p.v[k] *= scale;
        p.store(y + i);
    }
}
