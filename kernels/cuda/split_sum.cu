// split_sum.cu
// Math         y[i] = sum over s of partial[s][i]; split_epilogue: y[i] = act(sum * scale[i % columns] + shift[i % columns] + residualScale * residual[i])
// Contract     partial: splits of n sums in f32; y, residual: n elements of T; scale, shift: `columns` of f32, each of these three may be null; all contiguous, 16-byte aligned; n > 0 fits int64, and
//              is a multiple of `columns`. The sums are what the products and convolutions leave when their depth is divided among blocks
// Launch       grid ceil(n / 1024), block 256, smem 0; four elements per thread, one by one where n or `columns` is no multiple of 4
// Traffic      split_sum: read p*4, write outputs*T
//              split_epilogue: read p*4 + v*4 + e*T, write outputs*T
// Roofline     memory bound: an addition per 4 bytes; what it reads was just written and is mostly in L2
// Numerics     summed in f32 in order of s, rounded once
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.Gemm
// Versions     v1; split_epilogue came with the fused products
// Measured     not yet: no GPU so far
#include "epilogue.cuh"

DEVICE float4 sumOfQuads(const float *partial, i64 n, int splits) {
    float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 4
    for (int s = 0; s < splits; s++) {
        float4 p = *reinterpret_cast<const float4 *>(partial + s * n);
        sum.x += p.x; sum.y += p.y; sum.z += p.z; sum.w += p.w;
    }
    return sum;
}

DEVICE float sumOf(const float *partial, i64 n, int splits) {
    float sum = 0;
#pragma unroll 1
    for (int s = 0; s < splits; s++) sum += partial[s * n];
    return sum;
}

template <typename T> DEVICE void splitSum(const float *partial, T *y, i64 n, int splits) {
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * 4;
    if (n % 4 == 0) {
        if (i < n) storeQuad(y + i, 0, 4, true, sumOfQuads(partial + i, n, splits));
    } else {
        i64 end = i + 4 < n ? i + 4 : n;
#pragma unroll 1
        for (; i < end; i++) y[i] = fromFloat<T>(sumOf(partial + i, n, splits));
    }
}

// Four neighbours behind the epilogue, whose first is in column c of row element i.
template <typename T> DEVICE float4 finished(float4 v, const Epilogue &e, i64 i, int c) {
    float x[4] = {v.x, v.y, v.z, v.w};
    Quad<f32> scale, shift;
    Quad<T> residual = Quad<T>::zero();
    if (e.scale != nullptr) scale = Quad<f32>::load(e.scale + c);
    if (e.shift != nullptr) shift = Quad<f32>::load(e.shift + c);
    if (e.residual != nullptr) residual = Quad<T>::load((const T *)e.residual + i);
#pragma unroll
    for (int j = 0; j < 4; j++) x[j] = after(x[j], e, e.scale != nullptr ? scale.v[j] : 1, e.shift != nullptr ? shift.v[j] : 0, toFloat(residual.v[j]));
    return make_float4(x[0], x[1], x[2], x[3]);
}

template <typename T> DEVICE float finished(float v, const Epilogue &e, i64 i, int c) {
    float scale = e.scale != nullptr ? e.scale[c] : 1;
    float shift = e.shift != nullptr ? e.shift[c] : 0;
    return after(v, e, scale, shift, e.residual != nullptr ? toFloat(((const T *)e.residual)[i]) : 0);
}

template <typename T> DEVICE void splitEpilogue(const float *partial, T *y, i64 n, int columns, int splits, const Epilogue &e) {
    i64 i = ((i64)blockIdx.x * 256 + threadIdx.x) * 4;
    if (columns % 4 == 0) {
        if (i < n) storeQuad(y + i, 0, 4, true, finished<T>(sumOfQuads(partial + i, n, splits), e, i, (int)(i % columns)));
    } else {
        i64 end = i + 4 < n ? i + 4 : n;
#pragma unroll 1
        for (; i < end; i++) y[i] = fromFloat<T>(finished<T>(sumOf(partial + i, n, splits), e, i, (int)(i % columns)));
    }
}
#define M(S, T) \
    KERNEL(256) split_sum_##S(const float *partial, T *y, i64 n, int splits) { splitSum<T>(partial, y, n, splits); } \
    KERNEL(256) split_epilogue_##S(const float *partial, T *y, i64 n, int columns, int splits, Epilogue e) { splitEpilogue<T>(partial, y, n, columns, splits, e); }
FOR_FLOATS(M)
