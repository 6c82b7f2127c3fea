// The steps to kernels/cuda/softmax.cu, in f32, for n a multiple of 4; README.md says what each costs. 256 threads per block where nothing else is said.
#include "reduction.cuh"

// Least of all floats.
#define LEAST __int_as_float(0xff800000)

// v0: a thread per row; grid ceil(rows / 256). Neighbouring threads read a row apart: each load of a warp is 32 sectors of which an eighth is used.
KERNEL(256) softmax_thread_f32(const f32 *x, f32 *y, i64 rows, int n) {
    i64 row = (i64)blockIdx.x * 256 + threadIdx.x;
    if (row >= rows) return;
    x += row * n;
    y += row * n;
    float m = LEAST, s = 0;
    for (int i = 0; i < n; i++) m = nanMax(m, x[i]);
    for (int i = 0; i < n; i++) s += expf(x[i] - m);
    for (int i = 0; i < n; i++) y[i] = expf(x[i] - m) / s;
}

// v1: a warp per row; grid ceil(rows / 8). Loads are rows now, but there are three of them, and expf is ten instructions twice per element.
KERNEL(256) softmax_three_reads_f32(const f32 *x, f32 *y, i64 rows, int n) {
    i64 row = rowOfGroup<32>();
    if (row >= rows) return;
    x += row * n;
    y += row * n;
    int lane = threadIdx.x % 32;
    float m = LEAST, s = 0;
    for (int i = lane; i < n; i += 32) m = nanMax(m, x[i]);
    m = warpMax(m);
    for (int i = lane; i < n; i += 32) s += expf(x[i] - m);
    s = warpSum(s);
    for (int i = lane; i < n; i += 32) y[i] = expf(x[i] - m) / s;
}

// v2: running largest and sum by powers of 2, which take two instructions, 16 bytes per thread; grid ceil(rows / 8). What remains as softmax_warp, and with a block per row as softmax_long.
KERNEL(256) softmax_two_reads_f32(const f32 *x, f32 *y, i64 rows, int n) {
    i64 row = rowOfGroup<32>();
    if (row >= rows) return;
    RowSums all;
    forPacks<32>(x + row * n, n, true, [&](int, float *v, auto count) { all.add<count>(v); });
    all.combine<32>(nullptr, false);
    float scale = __fdividef(1, all.sum);
    forPacks<32>(x + row * n, n, true, [&](int i, float *v, auto) {
        Pack<f32> p;
#pragma unroll
        for (int k = 0; k < 4; k++) p.v[k] = exp2Fast(all.power(v[k])) * scale;
        p.store(y + row * n + i);
    });
}

// v3: a block per row, which stays in registers between one load and one store; grid rows, n at most 4 * THREADS * PACKS. Most instructions are those of the threads' combining, and the more threads
// there are the less each has to do in between.
template <int THREADS, int PACKS> DEVICE void registers(const f32 *x, f32 *y, int n, float *scratch) {
    Pack<f32> p[PACKS];
    RowSums all;
    x += blockIdx.x * (i64)n;
    y += blockIdx.x * (i64)n;
#pragma unroll
    for (int k = 0; k < PACKS; k++) {
        int i = (k * THREADS + threadIdx.x) * 4;
        if (i < n) {
            p[k] = Pack<f32>::load(x + i);
            all.add<4>(p[k].v);
        }
    }
    all.combine<THREADS>(scratch, false);
    float scale = __fdividef(1, all.sum);
#pragma unroll
    for (int k = 0; k < PACKS; k++) {
        int i = (k * THREADS + threadIdx.x) * 4;
        if (i < n) {
#pragma unroll
            for (int j = 0; j < 4; j++) p[k].v[j] = exp2Fast(all.power(p[k].v[j])) * scale;
            p[k].store(y + i);
        }
    }
}

KERNEL(256) softmax_block_256_f32(const f32 *x, f32 *y, i64 rows, int n) {
    __shared__ __align__(16) float scratch[32];
    registers<256, 1>(x, y, n, scratch);
}

KERNEL(128) softmax_block_128_f32(const f32 *x, f32 *y, i64 rows, int n) {
    __shared__ __align__(16) float scratch[16];
    registers<128, 2>(x, y, n, scratch);
}

// v4: a warp per row, which holds up to 1024 elements; grid ceil(rows / 2), block 64. No barriers, no shared memory, and one shift for all powers, as the row's largest element is known before the
// first of them. What remains as softmax_held.
KERNEL(64) softmax_held_f32(const f32 *x, f32 *y, i64 rows, int n) {
    i64 row = rowOfGroup<32>();
    if (row >= rows) return;
    Held<f32> held(x + row * n, n);
    RowSums all;
    all.begin(held, n);
    held.forPacks(n, [&](int, float *v, auto count) { all.addBelow<count>(v); });
    float scale = __fdividef(1, warpSum(all.sum));
    held.forPacks(n, [&](int, float *v, auto count) {
#pragma unroll
        for (int k = 0; k < count; k++) v[k] = exp2Fast(all.power(v[k])) * scale;
    });
    held.store(y + row * n, n);
}
