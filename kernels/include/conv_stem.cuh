// Convolutions of images with few channels, as networks begin with: a chunk of 16 bytes holds several taps of a row. Neighbouring taps of a row are neighbours in memory, as are their weights, so
// the depth of the product is (row of taps, element of the row), each row filled up to whole chunks: 7 x 21 elements become 7 x 24. What fills them up takes part as 0 on both sides. One group, no
// dilation along rows. Images come through strips: conv_strip.cuh.
//
// Forward reads its left operand's fragments, which are pairs of neighbouring elements, from the strip as they are. Blocks keep their weights and walk over tiles.
#pragma once
#include "conv_strip.cuh"

// Weights of E::COLUMNS outputs in shared memory: a line for each, its rows of taps filled up with zeros. The elements of 8 of f32 are permuted, so that a pair of neighbours are the two that a
// thread has in a fragment.
template <class E> struct StemWeights {
    typedef typename E::Element T;
    u32 base;
    int steps;                     // of 32 bytes of depth
    int pitch;                     // bytes of a line, an odd number of chunks

    DEVICE StemWeights(const Convolution &p, u32 base) : base(base), steps((p.r * (int)p.channels.d * (int)sizeof(T) + 31) / 32) { pitch = (2 * steps + 1) * CHUNK; }

    // Those of outputs from `column` on. All threads must call; they are there after the next barrier.
    DEVICE void fetch(const T *w, const Convolution &p, int column) const {
        typedef typename WordOf<T>::type Word;
        for (int at = threadIdx.x * CHUNK; at < E::COLUMNS * pitch; at += E::THREADS * CHUNK) storeShared16(base + at, 0, 0, 0, 0);
        __syncthreads();
        int taps = p.s * p.c, line = p.r * taps;
        int count = min(E::COLUMNS, p.k - column) * line;
        const T *from = w + column * line;
#pragma unroll 4
        for (int e = threadIdx.x; e < count; e += E::THREADS) {
            int row = e / taps, k = row / p.r;
            int j = e - row * taps;
            if (sizeof(T) == 4) j = (j & ~7) | (j & 1) << 2 | (j & 7) >> 1;
            storeElement(base + k * pitch + ((row - k * p.r) * (int)p.channels.d + j) * (int)sizeof(T), from[e]);
        }
    }

    // The fragments for 16 columns of the tile.
    DEVICE void fragments(u32 (&d)[4], int first, int step) const {
        int lane = threadIdx.x % 32;
        loadMatrices(d, base + (first + lane / 16 * 8 + lane % 8) * pitch + (2 * step + (lane / 8 & 1)) * CHUNK);
        roundFragment<T>(d);
    }
};

// Walks over the depth of forward by 8 elements, of bytes by 16: four threads' pairs.
template <typename T> struct StemDepth {
    int offset;    // bytes from a window's beginning
    int row;       // of taps
    int left;      // elements of it from this thread's pair on; not positive where they fill up
    int rows, taps, filled, down;
    static const int STEP = sizeof(T) == 1 ? 16 : 8;

    DEVICE StemDepth(const Convolution &p, int pitch) : offset(0), row(0), left(p.s * p.c - pair()), rows(p.r), taps(p.s * p.c), filled((int)p.channels.d), down(p.dh * pitch) {}
    static DEVICE int pair() { return (int)threadIdx.x % 4 * (STEP / 4); }

    DEVICE void next() {
        left -= STEP;
        offset += STEP * (int)sizeof(T);
        if (taps - left - pair() < filled) return;
        offset += down - filled * (int)sizeof(T);
        left = taps - pair();
        if (++row == rows) left = offset = 0; // behind the last: somewhere, and nothing of it
    }
};

// The pixels of a tile whose windows a thread reads.
template <class E> struct StemPixels {
    typedef typename E::Element T;
    static const int N = E::WARP_ROWS / 16;
    u32 windows[N][2];  // of rows lane / 4 and 8 further on of each fragment, from this thread's pair on

    DEVICE StemPixels(const Strip<T, E::THREADS> &strip, const Convolution &p, int first, int rows) {
        int row = first + E::warpRow() + (int)threadIdx.x % 32 / 4;
#pragma unroll
        for (int i = 0; i < 2 * N; i++) windows[i / 2][i % 2] = strip.window(Pixel(min(row + 8 * i, rows - 1), p)) + StemDepth<T>::pair() * (int)sizeof(T);
    }

    // The left operands for 32 bytes of depth: two steps, of f32 one.
    DEVICE void fragments(u32 (&a)[N][4], StemDepth<T> &depth) const {
        const int STEPS = sizeof(T) == 4 ? 1 : 2;
#pragma unroll
        for (int h = 0; h < STEPS; h++, depth.next()) {
            bool one = depth.left > 0, two = depth.left > 1;
            u32 mask = sizeof(T) == 1 ? 0xffffffffu >> 8 * (4 - min(max(depth.left, 1), 4)) : two ? 0xffffffffu : 0xffffu;
            mask = one ? mask : 0;
#pragma unroll
            for (int i = 0; i < N; i++) {
#pragma unroll
                for (int j = 0; j < 2; j++) {
                    loadPair(a[i][2 * h + j], a[i][2 + j], windows[i][j] + depth.offset, typename WordOf<T>::type());
                    if (sizeof(T) == 4) {
                        a[i][j] = one ? a[i][j] : 0;
                        a[i][2 + j] = two ? a[i][2 + j] : 0;
                    } else {
                        a[i][2 * h + j] &= mask;
                    }
                }
            }
        }
#pragma unroll
        for (int i = 0; i < N; i++) roundFragment<T>(a[i]);
    }
};

template <class E> DEVICE void stemMultiply(typename E::Sums &sums, const StemPixels<E> &pixels, const StemWeights<E> &weights, StemDepth<typename E::Element> depth) {
    typedef typename E::Element T;
#pragma unroll 1
    for (int step = 0; step < weights.steps; step++) {
        u32 a[E::WARP_ROWS / 16][4];
        pixels.fragments(a, depth);
#pragma unroll
        for (int j = 0; j < E::WARP_COLUMNS / 16; j++) {
            u32 b[4];
            weights.fragments(b, E::warpColumn() + 16 * j, step);
#pragma unroll
            for (int i = 0; i < E::WARP_ROWS / 16; i++) {
                TensorCore<T>::multiply(sums[i][2 * j], a[i], b[0], b[1]);
                TensorCore<T>::multiply(sums[i][2 * j + 1], a[i], b[2], b[3]);
            }
        }
    }
}

// All tiles of a block, whose results go where `sinks` says. strip: bytes of shared memory for a tile's strip, or for what goes through the engine's store() if that is more; the weights
// lie behind.
template <class E, class SINKS> DEVICE void stemForward(const typename E::Element *x, const typename E::Element *w, const Convolution &p, int strip, const SINKS &sinks) {
    typedef typename E::Element T;
    int rows = p.n * p.oh * p.ow;
    int across = (p.k + E::COLUMNS - 1) / E::COLUMNS;
    int column = (int)blockIdx.x % across * E::COLUMNS;
    StemWeights<E> weights(p, stagesAddress() + strip);
    weights.fetch(w, p, column);
#pragma unroll 1
    for (int row = (int)blockIdx.x / across * E::ROWS; row < rows; row += (int)gridDim.x / across * E::ROWS) {
        typename E::Sums sums = {};
        {
            Strip<T, E::THREADS> images(x, p, stagesAddress());
            images.fetch(row, min(row + E::ROWS, rows) - 1, 0, p.r - 1);
            __syncthreads();
            stemMultiply<E>(sums, StemPixels<E>(images, p, row, rows), weights, StemDepth<T>(p, images.pitch));
        }
        __syncthreads(); // the strip's memory is free
        sinks.store(sums, row, rows, column);
        __syncthreads();
    }
}

// Results of the operands' type.
template <class E> struct StemResults {
    typedef Rows<E, true> Sink;
    typename E::Element *y;
    const Convolution &p;
    const Epilogue &epilogue;

    DEVICE void store(const typename E::Sums &sums, int row, int rows, int column) const {
        Sink sink = {y, nullptr, epilogue, row, rows, column, p.k, p.k, 0};
        E::template store<Sink::W>(sums, stages, sink);
        sink.finish(p.k);
    }
};

// The right operand of backward_weight: (pixel of y, (row of taps, element)), from a strip.
template <class E> struct StemPatches {
    static const bool ALONG = false;
    typedef typename E::Element T;
    typedef Slice<T, E::COLUMNS, false, E::THREADS> S;
    const Strip<T, E::THREADS> &strip;
    int offset;     // of this thread's chunk in a window
    int elements;   // of the row of taps from this thread's chunk on; none where the thread has no column
    int depth;

    DEVICE StemPatches(const Strip<T, E::THREADS> &strip, int first, int columns) : strip(strip), depth(0) {
        const Convolution &p = strip.p;
        int column = first + S::chunk() * S::ELEMENTS;
        int r = column / p.channels;
        int j = column - r * (int)p.channels.d;
        offset = r * p.dh * strip.pitch + j * (int)sizeof(T);
        elements = column < columns ? p.s * p.c - j : 0;
    }

    DEVICE void copy(u32 slice, int k0) const {
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            int k = k0 + S::line(i);
            u32 d[4] = {0, 0, 0, 0};
            if (k < depth && elements > 0) {
                load(d, strip.window(Pixel(k, strip.p)) + offset);
#pragma unroll
                for (int j = 0; j < S::ELEMENTS; j++) {
                    if (j >= elements) d[j * (int)sizeof(T) / 4] &= sizeof(T) == 4 ? 0 : j % 2 ? 0xffffu : 0;
                }
            }
            storeShared16(slice + S::ownPlace(i), d[0], d[1], d[2], d[3]);
        }
    }

  private:
    // A chunk by pairs. Of the 16 chunks of f32 that half a warp reads, the second 8 begin with their second pair: they lie 128 bytes behind the first.
    static DEVICE void load(u32 (&d)[4], u32 from) {
        typedef typename WordOf<T>::type Word;
        if (sizeof(T) == 2) {
#pragma unroll
            for (int j = 0; j < 4; j++) loadPair(d[j], d[j], from + j * 4, Word());
            return;
        }
        bool second = S::chunk() & 8;
        u32 e[4];
        loadPair(e[0], e[1], from + (second ? 8 : 0), Word());
        loadPair(e[2], e[3], from + (second ? 0 : 8), Word());
#pragma unroll
        for (int j = 0; j < 4; j++) d[j] = second ? e[(j + 2) % 4] : e[j];
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

// Goes through the pixels by STRETCH, whose strip lies behind the engine's stages.
template <class E> DEVICE void stemBackwardWeight(const typename E::Element *x, const typename E::Element *dy, typename E::Element *dw, float *partial, const Convolution &p) {
    typedef StemRows<typename E::Element> Sink;
    const int STRETCH = 128;
    int filled = (int)p.channels.d, columns = p.r * filled;
    Part part(p, E::ROWS, E::COLUMNS, columns, 1);
    part.range(p, p.n * p.oh * p.ow);
    int r0 = part.column / p.channels, r1 = min(part.column + E::COLUMNS, columns) - 1;
    r1 = r1 / p.channels;
    DenseOperand<E, E::ROWS, false> left(dy, p.k, part.row, p.k, part.to);
    Strip<typename E::Element, E::THREADS> strip(x, p, stagesAddress() + E::SHARED_BYTES);
    StemPatches<E> right(strip, part.column, columns);
    typename E::Sums sums = {};
#pragma unroll 1
    for (int k = part.from; k < part.to; k += STRETCH) {
        right.depth = min(k + STRETCH, part.to);
        strip.fetch(k, right.depth - 1, r0, r1);
        __syncthreads();
        E::multiply(sums, stagesAddress(), left, right, k, right.depth);
    }
    Sink sink = {dw, part.sums(partial, (i64)p.k * p.r * p.s * p.c), p, part.row, part.column, columns};
    E::template store<Sink::W>(sums, stages, sink);
}

#define STEM(MARK, T)                                                                                                                                                                    \
    KERNEL_OF(3, 128, 64, 64, 32) conv2d_stem_##MARK##_128x64_##T(const T *x, const T *w, T *y, const Convolution p, const Epilogue epilogue, const int strip) {                         \
        typedef Engine<T, 128, 64, 64, 32, 2> E;                                                                                                                                         \
        stemForward<E>(x, w, p, strip, StemResults<E>{y, p, epilogue});                                                                                                                  \
    }                                                                                                                                                                                    \
    KERNEL_OF(4, 64, 64, 32, 32) conv2d_backward_weight_stem_##MARK##_64x64_##T(const T *x, const T *dy, T *dw, float *partial, const Convolution p) {                                   \
        stemBackwardWeight<Engine<T, 64, 64, 32, 32, 4>>(x, dy, dw, partial, p);                                                                                                         \
    }
