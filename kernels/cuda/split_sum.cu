// split_sum.cu
// Math         y[i] = sum over s of partial[s][i]
// Contract     partial: splits of n sums in f32; y: n elements of T; both contiguous, 16-byte aligned; n > 0 fits int64. The sums are what matmul.cu and convolution.cu leave when a product's
//              depth is divided among blocks
// Launch       grid ceil(n / 1024), block 256, smem 0; four elements per thread, one by one where n is no multiple of 4
// Traffic      split_sum: read p*4, write outputs*T
// Roofline     memory bound: an addition per 4 bytes; what it reads was just written and is mostly in L2
// Numerics     summed in f32 in order of s, rounded once
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.Gemm
// Versions     v1
// Measured     not yet: no GPU so far
#include "quad.cuh"
template <typename T> DEVICE void splitSum(const float *partial, T *y, i64 n, int splits) {
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * 4;
    if (n % 4 == 0) {
        if (i >= n) {
            return;
        }
        float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 4
        for (int s = 0; s < splits; s++) {
            float4 p = *reinterpret_cast<const float4 *>(partial + s * n + i);
            sum.x += p.x; sum.y += p.y; sum.z += p.z; sum.w += p.w;
        }
        storeQuad(y + i, 0, 4, true, sum);
    } else {
        i64 end = i + 4 < n ? i + 4 : n;
#pragma unroll 1
        for (; i < end; i++) {
            float sum = 0;
#pragma unroll 1
            for (int s = 0; s < splits; s++) sum += partial[s * n + i];
            y[i] = fromFloat<T>(sum);
        }
    }
}
#define M(S, T) KERNEL(256) split_sum_##S(const float *partial, T *y, i64 n, int splits) { splitSum<T>(partial, y, n, splits); }
FOR_FLOATS(M)
