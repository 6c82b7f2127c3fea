// The products that matmul_sparse_*.cu are made of: a block's tile, and what becomes of its sums.
#pragma once
#include "sparse_cores.cuh"

template <> DEVICE Quad<i8> Quad<i8>::load(const i8 *p) {
    u32 w = *reinterpret_cast<const u32 *>(p);
    Quad a;
#pragma unroll
    for (int i = 0; i < 4; i++) a.v[i].bits = (signed char)(w >> 8 * i);
    return a;
}
template <> DEVICE void Quad<i8>::store(i8 *p) const {
    *reinterpret_cast<u32 *>(p) = (u32)(u8)v[0].bits | (u32)(u8)v[1].bits << 8 | (u32)(u8)v[2].bits << 16 | (u32)(u8)v[3].bits << 24;
}

// Four neighbours, at once if rows are multiples of four; else the first `left` of them.
template <typename T> DEVICE void getQuad(float (&v)[4], const T *p, bool whole, int left) {
    if (whole) {
        Quad<T> q = Quad<T>::load(p);
#pragma unroll
        for (int i = 0; i < 4; i++) v[i] = toFloat(q.v[i]);
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) v[i] = i < left ? toFloat(p[i]) : 0;
    }
}

// Where results go: as they are to this part's sums, or with what follows them to y. R: type of the residual.
template <typename R> struct PixelSink {
    float *partial;  // or null
    Epilogue epilogue;
    int channel, pixel, m, n;
    float scale[4], shift[4];

    DEVICE PixelSink(float *partial, const Epilogue &epilogue, int channel, int pixel, int m, int n) : partial(partial), epilogue(epilogue), channel(channel), pixel(pixel), m(m), n(n) {}

    DEVICE bool whole() const { return n % 4 == 0; }
    DEVICE void begin(int c) {
        channel += c;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            scale[i] = 1;
            shift[i] = 0;
        }
        if (channel >= n) return;
        if (epilogue.scale != nullptr) getQuad(scale, epilogue.scale + channel, whole(), n - channel);
        if (epilogue.shift != nullptr) getQuad(shift, epilogue.shift + channel, whole(), n - channel);
    }

    DEVICE float4 finished(float4 v, i64 at) const {
        float x[4] = {v.x, v.y, v.z, v.w}, r[4] = {};
        if (epilogue.residual != nullptr) getQuad(r, (const R *)epilogue.residual + at, whole(), n - channel);
#pragma unroll
        for (int i = 0; i < 4; i++) x[i] = after(x[i], epilogue, scale[i], shift[i], r[i]);
        return make_float4(x[0], x[1], x[2], x[3]);
    }

    // What a subclass's put() begins with: whether there is such a result, and where; sums of parts are stored.
    DEVICE bool place(i64 &at, int p, float4 v) const {
        at = (i64)(pixel + p) * n + channel;
        if (pixel + p >= m || channel >= n) return false;
        if (partial != nullptr) storeQuad(partial + at, channel, n, whole(), v);
        return partial == nullptr;
    }
};

template <typename T> struct FloatingSink : PixelSink<T> {
    T *y;

    DEVICE FloatingSink(T *y, float *partial, const Epilogue &epilogue, int channel, int pixel, int m, int n) : PixelSink<T>(partial, epilogue, channel, pixel, m, n), y(y) {}
    DEVICE void put(int p, float4 v) const {
        i64 at;
        if (this->place(at, p, v)) storeQuad(y + at, this->channel, this->n, this->whole(), this->finished(v, at));
    }
};

enum { TO_I8 = 0, TO_F16 = 1, TO_BF16 = 2, TO_F32 = 3 };

// Results of a type that is known at run time; the choice is the same for all threads.
struct QuantizedSink : PixelSink<i8> {
    void *y;
    int to;

    DEVICE QuantizedSink(void *y, int to, const Epilogue &epilogue, int channel, int pixel, int m, int n) : PixelSink<i8>(nullptr, epilogue, channel, pixel, m, n), y(y), to(to) {}
    DEVICE void put(int p, float4 v) const {
        i64 at;
        if (!place(at, p, v)) return;
        v = finished(v, at);
        if (to == TO_I8) storeQuad((i8 *)y + at, channel, n, whole(), v);
        else if (to == TO_F16) storeQuad((f16 *)y + at, channel, n, whole(), v);
        else if (to == TO_BF16) storeQuad((bf16 *)y + at, channel, n, whole(), v);
        else storeQuad((f32 *)y + at, channel, n, whole(), v);
    }
};

// The tile of this block. Neighbouring blocks share pixels: w is the smaller operand, and stays in the L2 cache.
template <class E> struct SparseTile {
    int channel, pixel;  // its first

    DEVICE SparseTile(int n) {
        int across = (n + E::ROWS - 1) / E::ROWS;
        channel = blockIdx.x % across * E::ROWS;
        pixel = blockIdx.x / across * E::COLUMNS;
    }
};

template <class E, typename T> DEVICE void sparseMatmul(const T *x, const T *values, const u32 *metadata, T *y, float *partial, int m, int n, int k, int perSplit, const Epilogue &epilogue) {
    extern __shared__ __align__(128) unsigned char shared[];
    SparseTile<E> tile(n);
    int from = blockIdx.z * perSplit;
    typename E::Sums sums = {};
    sparseProduct<E>(sums, shared, x, values, metadata, tile.channel, tile.pixel, m, n, k, from, min(k, from + perSplit));
    FloatingSink<T> sink(y, partial == nullptr ? nullptr : partial + (i64)blockIdx.z * m * n, epilogue, tile.channel, tile.pixel, m, n);
    E::store(sums, shared, sink);
}

template <class E> DEVICE void quantizedSparseMatmul(const i8 *x, const i8 *values, const u32 *metadata, void *y, int m, int n, int k, int to, const Epilogue &epilogue) {
    extern __shared__ __align__(128) unsigned char shared[];
    SparseTile<E> tile(n);
    typename E::Sums sums = {};
    sparseProduct<E>(sums, shared, x, values, metadata, tile.channel, tile.pixel, m, n, k, 0, k);
    QuantizedSink sink(y, to, epilogue, tile.channel, tile.pixel, m, n);
    E::store(sums, shared, sink);
}

#define SPARSE_MATMUL(NAME, T, R, C, WR, WC, S) \
    KERNEL(R / WR * (C / WC) * 32) NAME(const T *x, const T *values, const u32 *metadata, T *y, float *partial, int m, int n, int k, int perSplit, Epilogue epilogue) { \
        sparseMatmul<SparseEngine<T, R, C, WR, WC, S>>(x, values, metadata, y, partial, m, n, k, perSplit, epilogue); \
    }
#define QUANTIZED_SPARSE_MATMUL(NAME, T, R, C, WR, WC, S) \
    KERNEL(R / WR * (C / WC) * 32) NAME(const T *x, const T *values, const u32 *metadata, void *y, int m, int n, int k, int to, Epilogue epilogue) { \
        quantizedSparseMatmul<SparseEngine<T, R, C, WR, WC, S>>(x, values, metadata, y, m, n, k, to, epilogue); \
    }

// The tiles of SparseProduct.java.
#define SPARSE_TILES(P, NAME, S, T) P(NAME##_128x128_##S, T, 128, 128, 64, 64, 3) P(NAME##_256x128_##S, T, 256, 128, 64, 64, 4) P(NAME##_64x32_##S, T, 64, 32, 32, 16, 4)
