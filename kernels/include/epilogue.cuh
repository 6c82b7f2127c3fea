// What is done to sums before they are stored, W neighbouring columns of a row at a time: v = act(v * scale + shift + residualScale * residual), in F32. Columns are the results' channels.
#pragma once
#include "nonlinearity.cuh"
#include "quad.cuh"

// As dev.jacquard.kernels.Epilogue fills it. Scale and shift are a value per column, in f32 whatever the results are: they are few, and what was summed in f32 is not to
// be scaled by less. residual has the results' layout and type; each of the three may be null. statistics: null, or where the mean and the squared
// deviations of each tile's columns go, see ColumnMoments in tensor_cores.cuh.
struct Epilogue {
    const float *scale, *shift;
    const void *residual;
    float *statistics;
    float residualScale;
    int activation;
};

// One value behind it.
DEVICE float after(float v, const Epilogue &e, float scale, float shift, float residual) { return activate(fmaf(residual, e.residualScale, fmaf(v, scale, shift)), e.activation); }

struct i8 { signed char bits; };
DEVICE float toFloat(i8 x) { return (float)x.bits; }
// Rounded half to even and saturated; NaN becomes 0.
template <> DEVICE i8 fromFloat<i8>(float x) { i8 b; b.bits = (signed char)max(-128, min(127, __float2int_rn(x))); return b; }

template <> struct Pack<i8> {
    static const int N = 16;
    float v[N];

    static DEVICE Pack load(const i8 *p) {
        uint4 q = *reinterpret_cast<const uint4 *>(p);
        u32 w[4] = {q.x, q.y, q.z, q.w};
        Pack a;
#pragma unroll
        for (int i = 0; i < N; i++) a.v[i] = (float)(signed char)(w[i / 4] >> i % 4 * 8);
        return a;
    }
    DEVICE void storeWhole(i8 *p) const {
        u32 w[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            u32 low = byteOf(v[4 * i]) | byteOf(v[4 * i + 1]) << 8;
            w[i] = low | byteOf(v[4 * i + 2]) << 16 | byteOf(v[4 * i + 3]) << 24;
        }
        store16(p, w[0], w[1], w[2], w[3]);
    }

  private:
    static DEVICE u32 byteOf(float x) { return (u8)fromFloat<i8>(x).bits; }
};

// W neighbours of a row to or from memory. WHOLE: by packs, as rows are multiples of 16 bytes; else one by one, the first `left` of them.
template <bool WHOLE, int W, typename T> DEVICE void putNeighbours(T *p, const float (&v)[W], int left) {
    if (WHOLE) {
        const int N = Pack<T>::N < W ? Pack<T>::N : W;
#pragma unroll
        for (int i = 0; i < W; i += N) {
            Pack<T> q;
#pragma unroll
            for (int j = 0; j < N; j++) q.v[j] = v[i + j];
            q.storeWhole(p + i);
        }
    } else {
#pragma unroll
        for (int i = 0; i < W; i++) {
            if (i < left) p[i] = fromFloat<T>(v[i]);
        }
    }
}
template <bool WHOLE, int W, typename T> DEVICE void getNeighbours(float (&v)[W], const T *p, int left) {
    if (WHOLE) {
        const int N = Pack<T>::N < W ? Pack<T>::N : W;
#pragma unroll
        for (int i = 0; i < W; i += N) {
            Pack<T> q = Pack<T>::load(p + i);
#pragma unroll
            for (int j = 0; j < N; j++) v[i + j] = q.v[j];
        }
    } else {
#pragma unroll
        for (int i = 0; i < W; i++) v[i] = i < left ? toFloat(p[i]) : 0;
    }
}

// An epilogue at W columns. R: type of the residual.
template <typename R, bool WHOLE, int W> struct ColumnEpilogue {
    Epilogue of;
    float scale[W], shift[W];

    // column: the first; left: how many there are from there on, at least 1.
    DEVICE void begin(const Epilogue &e, int column, int left) {
        of = e;
#pragma unroll
        for (int i = 0; i < W; i++) {
            scale[i] = 1;
            shift[i] = 0;
        }
        if (e.scale != nullptr) getNeighbours<WHOLE>(scale, e.scale + column, left);
        if (e.shift != nullptr) getNeighbours<WHOLE>(shift, e.shift + column, left);
    }

    // at: offset of the first result.
    DEVICE void apply(float (&v)[W], i64 at, int left) const {
#pragma unroll
        for (int i = 0; i < W; i++) v[i] = fmaf(v[i], scale[i], shift[i]);
        if (of.residual != nullptr) {
            float r[W];
            getNeighbours<WHOLE>(r, (const R *)of.residual + at, left);
#pragma unroll
            for (int i = 0; i < W; i++) v[i] = fmaf(r[i], of.residualScale, v[i]);
        }
        if (of.activation != ACT_NONE) {
#pragma unroll
            for (int i = 0; i < W; i++) v[i] = activate(v[i], of.activation);
        }
    }
};
