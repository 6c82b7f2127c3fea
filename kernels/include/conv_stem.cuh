// Convolutions of images with few channels, as networks begin with: a chunk of 16 bytes holds several taps of a row. Neighbouring taps of a row are neighbours in memory, as are their weights, so the
// depth of the product is (row of taps, element of the row), each row filled up with zeros to whole chunks: 7 x 21 elements become 7 x 24. Chunks begin at any element, which cp.async does not
// copy, so they are loaded one by one and stored to shared memory; one group, no dilation along rows.
#pragma once
#include "conv_tensor_cores.cuh"

DEVICE u32 wordOf(f32 x) { return floatToBits(x); }
DEVICE u32 wordOf(f16 x) { return x.bits; }
DEVICE u32 wordOf(bf16 x) { return x.bits; }

// A chunk of elements p[0..]: those that are among the first `n` and whose place in the row, x + 0.., is below `width`; zeros for the others.
template <typename T> struct Loose {
    static const int ELEMENTS = 16 / (int)sizeof(T);
    u32 w[4];

    DEVICE void load(const T *p, int x, int width, int n) {
        const int PER_WORD = ELEMENTS / 4;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            w[i] = 0;
#pragma unroll
            for (int j = 0; j < PER_WORD; j++) {
                int e = PER_WORD * i + j;
                if ((u32)(x + e) < (u32)width && e < n) w[i] |= wordOf(p[e]) << 16 * j;
            }
        }
    }
    DEVICE void store(u32 to) const { storeShared16(to, w[0], w[1], w[2], w[3]); }
};

// The left operand of forward: (pixel, (row of taps, element)).
template <class E> struct StemPixels {
    static const bool ALONG = true;
    typedef typename E::Element T;
    typedef Slice<T, E::ROWS, true, E::THREADS> S;
    const T *at;
    const Convolution &p;
    int lines[S::PER_THREAD];  // where the lines' pixels have tap (0, 0): may lie in the padding
    int left[S::PER_THREAD];   // its place in the image's row, in elements
    u32 inside[S::PER_THREAD]; // bit r: row r of the taps lies in the image
    int depth;

    DEVICE StemPixels(const T *x, const Convolution &p, int first, int rows, int to) : at(x), p(p), depth(to) {
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            int m = first + S::line(i);
            Pixel pixel(m, p);
            int top = pixel.h * p.sh - p.top;
            left[i] = (pixel.w * p.sw - p.left) * p.c;
            lines[i] = (pixel.n * p.h + top) * p.w * p.c + left[i];
            inside[i] = 0;
#pragma unroll 1
            for (int r = 0; r < p.r; r++) inside[i] |= m < rows && (u32)(top + r * p.dh) < (u32)p.h ? 1u << r : 0;
        }
    }

    DEVICE void copy(u32 slice, int k0) const {
        int k = k0 + S::chunk() * S::ELEMENTS;
        int r = k / p.channels;
        int j = k - r * (int)p.channels.d;
        Loose<T> chunks[S::PER_THREAD];
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            bool there = k < depth && (inside[i] >> r & 1);
            chunks[i].load(at + (lines[i] + r * p.dh * p.w * p.c + j), left[i] + j, p.w * p.c, there ? p.s * p.c - j : 0);
        }
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) chunks[i].store(slice + S::ownPlace(i));
    }
};

// The right operand of forward: (k, (row of taps, element)).
template <class E> struct StemWeights {
    static const bool ALONG = true;
    typedef typename E::Element T;
    typedef Slice<T, E::COLUMNS, true, E::THREADS> S;
    const T *at;
    const Convolution &p;
    int first, depth;

    DEVICE void copy(u32 slice, int k0) const {
        int k = k0 + S::chunk() * S::ELEMENTS;
        int r = k / p.channels;
        int j = k - r * (int)p.channels.d;
        int width = p.s * p.c;
        Loose<T> chunks[S::PER_THREAD];
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            int o = first + S::line(i);
            chunks[i].load(at + ((o * p.r + r) * width + j), j, width, o < p.k && k < depth ? S::ELEMENTS : 0);
        }
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) chunks[i].store(slice + S::ownPlace(i));
    }
};

// The right operand of backward_weight: (pixel of y, (row of taps, element)).
template <class E> struct StemPatches {
    static const bool ALONG = false;
    typedef typename E::Element T;
    typedef Slice<T, E::COLUMNS, false, E::THREADS> S;
    const T *at;
    const Convolution &p;
    int top, left;  // of this thread's row of taps for pixel (0, 0) of y; in the image's row in elements
    int elements;   // of the row of taps from this thread's chunk on; 0 where the thread has no column
    int depth;

    DEVICE StemPatches(const T *x, const Convolution &p, int first, int columns, int to) : at(x), p(p), depth(to) {
        int column = first + S::chunk() * S::ELEMENTS;
        int r = column / p.channels;
        int j = column - r * (int)p.channels.d;
        top = r * p.dh - p.top;
        left = j - p.left * p.c;
        elements = column < columns ? p.s * p.c - j : 0;
    }

    DEVICE void copy(u32 slice, int k0) const {
        Loose<T> chunks[S::PER_THREAD];
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            int k = k0 + S::line(i);
            Pixel pixel(k, p);
            int y = pixel.h * p.sh + top;
            int x = pixel.w * p.sw * p.c + left;
            bool there = k < depth && (u32)y < (u32)p.h;
            chunks[i].load(at + ((pixel.n * p.h + y) * p.w * p.c + x), x, p.w * p.c, there ? elements : 0);
        }
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) chunks[i].store(slice + S::ownPlace(i));
    }
};

// Rows of weights' gradients, without what fills up their rows of taps.
template <typename T> struct StemRows {
    static const int W = 16 / (int)sizeof(T);
    T *y;
    float *partial;  // or null
    const Convolution &p;
    int row;
    int column, columns;

    DEVICE void begin(int c) { column += c; }
    DEVICE void put(int o, const float (&v)[W]) const {
        o += row;
        if (o >= p.k || column >= columns) return;
        int r = column / p.channels;
        int j = column - r * (int)p.channels.d;
        int width = p.s * p.c;
        int at = (o * p.r + r) * width + j;
        if (partial != nullptr) {
            putNeighbours<false>(partial + at, v, width - j);
        } else {
            putNeighbours<false>(y + at, v, width - j);
        }
    }
};

template <class E> DEVICE void stemForward(const typename E::Element *x, const typename E::Element *w, typename E::Element *y, float *partial, const Convolution &p, const Epilogue &epilogue) {
    typedef Rows<E, true> Sink;
    int rows = p.n * p.oh * p.ow;
    Part part(p, E::ROWS, E::COLUMNS, p.k, 1);
    part.range(p, p.r * (int)p.channels.d);
    StemPixels<E> left(x, p, part.row, rows, part.to);
    StemWeights<E> right = {w, p, part.column, part.to};
    typename E::Sums sums = {};
    E::multiply(sums, stagesAddress(), left, right, part.from, part.to);
    Sink sink = {y, part.sums(partial, (i64)rows * p.k), epilogue, part.row, rows, part.column, p.k, p.k, 0};
    E::template store<Sink::W>(sums, stages, sink);
    sink.finish(p.k);
}

template <class E> DEVICE void stemBackwardWeight(const typename E::Element *x, const typename E::Element *dy, typename E::Element *dw, float *partial, const Convolution &p) {
    typedef StemRows<typename E::Element> Sink;
    int columns = p.r * (int)p.channels.d;
    Part part(p, E::ROWS, E::COLUMNS, columns, 1);
    part.range(p, p.n * p.oh * p.ow);
    DenseOperand<E, E::ROWS, false> left(dy, p.k, part.row, p.k, part.to);
    StemPatches<E> right(x, p, part.column, columns, part.to);
    typename E::Sums sums = {};
    E::multiply(sums, stagesAddress(), left, right, part.from, part.to);
    Sink sink = {dw, part.sums(partial, (i64)p.k * p.r * p.s * p.c), p, part.row, part.column, columns};
    E::template store<Sink::W>(sums, stages, sink);
}

#define STEM(MARK, T)                                                                                                                                                                    \
    KERNEL_OF(3, 128, 64, 64, 32) conv2d_stem_##MARK##_128x64_##T(const T *x, const T *w, T *y, float *partial, const Convolution p, const Epilogue epilogue) {                          \
        stemForward<Engine<T, 128, 64, 64, 32, 4>>(x, w, y, partial, p, epilogue);                                                                                                       \
    }                                                                                                                                                                                    \
    KERNEL_OF(4, 64, 64, 32, 32) conv2d_backward_weight_stem_##MARK##_64x64_##T(const T *x, const T *dy, T *dw, float *partial, const Convolution p) {                                   \
        stemBackwardWeight<Engine<T, 64, 64, 32, 32, 4>>(x, dy, dw, partial, p);                                                                                                         \
    }
