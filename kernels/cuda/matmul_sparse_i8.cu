// matmul_sparse_i8.cu
// Target       compute_80 isa 8.5: mma.sp::ordered_metadata, since ptxas warns that plain mma.sp may be much slower on some targets; drivers older than CUDA 12.5 take sparse.cu's product instead
// Math         y[i][j] = round(act(scale[j] * sum over k of x[i][k] * w[j][k] + shift[j])), where w is 2:4 sparse and given as values and metadata
// Contract     x: (m, k) i8, values: (n, k/2) i8, scale, shift: n f32, y: (m, n) of the type `to` says (quantized_sums.cuh), all row-major, without gaps, 16-byte aligned;
//              metadata: (ceil(n/16), ceil(k/64), 32) words as Metadata24.java says for bytes, whose indices increase; k a multiple of 32; m, n, k > 0 fit int32
// Launch       grid ceil(n/ROWS) * ceil(m/COLUMNS) for tiles of ROWS x COLUMNS, as names say; block 128 in 128x128 (78 KiB of dynamic smem) and in 64x32 (36 KiB), block 256 in 256x128 (144 KiB)
// Traffic      quantized_sparse_matmul_128x128, quantized_sparse_matmul_256x128, quantized_sparse_matmul_64x32: read m*k + n*h + b*4 + n*8, write m*n*r
// Roofline     compute bound from k ~ 1000 on
// Numerics     sums exact in i32 while k < 2^17; times scale, plus shift, activated in f32; rounded once, to i8 half to even and saturated
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.SparseKernels
// Versions     v2; kernels/dev/matmul_sparse has them and their counts
// Measured     not yet: no GPU so far
#include "sparse_cores.cuh"
#include "quantized_sums.cuh"

struct QuantizedSink {
    const float *scale, *shift;
    void *y;
    int channel, pixel, m, n, act, to;
    float s[4], t[4];

    DEVICE void begin(int c) {
        channel += c;
        four(s, scale);
        four(t, shift);
    }

    DEVICE void four(float (&to)[4], const float *from) const {
        if (n % 4 == 0 && channel < n) {
            float4 v = *reinterpret_cast<const float4 *>(from + channel);
            to[0] = v.x; to[1] = v.y; to[2] = v.z; to[3] = v.w;
        } else {
#pragma unroll
            for (int i = 0; i < 4; i++) to[i] = channel + i < n ? from[channel + i] : 0;
        }
    }

    DEVICE void put(int p, float4 v) const {
        p += pixel;
        if (p >= m || channel >= n) return;
        i64 at = (i64)p * n + channel;
        v = make_float4(scaled(v.x, s[0], t[0], act), scaled(v.y, s[1], t[1], act), scaled(v.z, s[2], t[2], act), scaled(v.w, s[3], t[3], act));
        if (n % 4 == 0) {
            storeResults(y, at, to, v);
        } else {
            storeResult(y, at, to, v.x);
            if (channel + 1 < n) storeResult(y, at + 1, to, v.y);
            if (channel + 2 < n) storeResult(y, at + 2, to, v.z);
            if (channel + 3 < n) storeResult(y, at + 3, to, v.w);
        }
    }
};

// Neighbouring blocks share pixels: w is the smaller operand, and stays in the L2 cache.
#define QUANTIZED(NAME, R, C, WR, WC, S) \
    KERNEL(R / WR * (C / WC) * 32) NAME(const i8 *x, const i8 *values, const u32 *metadata, const float *scale, const float *shift, void *y, int m, int n, int k, int act, int to) { \
        extern __shared__ __align__(128) unsigned char shared[]; \
        typedef SparseEngine<i8, R, C, WR, WC, S> E; \
        int across = (n + R - 1) / R; \
        int channel = blockIdx.x % across * R, pixel = blockIdx.x / across * C; \
        E::Sums sums = {}; \
        sparseProduct<E>(sums, shared, x, values, metadata, channel, pixel, m, n, k, 0, k); \
        QuantizedSink sink = {scale, shift, y, channel, pixel, m, n, act, to}; \
        E::store(sums, shared, sink); \
    }
QUANTIZED(quantized_sparse_matmul_128x128_i8, 128, 128, 64, 64, 3)
QUANTIZED(quantized_sparse_matmul_256x128_i8, 256, 128, 64, 64, 4)
QUANTIZED(quantized_sparse_matmul_64x32_i8, 64, 32, 32, 16, 4)
