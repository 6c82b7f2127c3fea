// Convolutions as implicit matrix products on the engine of tensor_cores.cuh: where their operands' chunks lie, and where results go. Channels of a group are a multiple of a chunk's elements,
// so that a chunk never straddles taps; all of a thread's chunks of a slice have the same place in their lines, so that a slice costs each thread the search for one tap (of a patch: none) and a
// line only an addition and a test of a bit. Images have less than 2^31 elements, at most 16 x 16 taps take part.
#pragma once
#include "convolution.cuh"
#include "tensor_cores.cuh"

extern __shared__ __align__(128) unsigned char stages[];
DEVICE u32 stagesAddress() { return (u32)__cvta_generic_to_shared(stages); }

// Which part of a pass this block does: neighbouring blocks share rows of the left operand.
struct Part {
    int row, column;  // of the tile
    int group, phase, split;
    int from, to;     // depth

    DEVICE Part(const Convolution &p, int rows, int columns, int across, int phases) {
        int tiles = (across + columns - 1) / columns;
        row = (int)blockIdx.x / tiles * rows;
        column = (int)blockIdx.x % tiles * columns;
        split = (int)blockIdx.z % p.splits;
        phase = (int)blockIdx.z / p.splits % phases;
        group = (int)blockIdx.z / p.splits / phases;
    }

    DEVICE void range(const Convolution &p, int depth) {
        from = split * p.perSplit;
        to = min(depth, from + p.perSplit);
    }

    // Where this split's sums of so many outputs go; null if results are written at once.
    DEVICE float *sums(float *partial, i64 outputs) const { return partial == nullptr ? nullptr : partial + split * outputs; }
};

// The left operand of forward and backward_data, (pixel, (tap, channel)), gathered from an image.
template <class E> struct Gathered {
    static const bool ALONG = true;
    typedef typename E::Element T;
    typedef Slice<T, E::ROWS, true, E::THREADS> S;
    const T *at;                // of the group
    int lines[S::PER_THREAD];   // where the lines' pixels have tap (0, 0): may lie in the padding
    u32 inside[S::PER_THREAD];  // bit r: row r of the taps lies in the image; bit 16 + s: column s does
    int down, right;            // elements from tap to tap
    int depth;
    Divisor channels, taps;

    // Line i's pixel has tap (0, 0) at (h, w) of an image with so many channels; taps are `downwards` rows and `rightwards` columns apart.
    DEVICE void place(int i, int image, int h, int w, int height, int width, int channels, int downwards, int rightwards, int rows, int columns) {
        lines[i] = ((image * height + h) * width + w) * channels;
        u32 bits = 0;
#pragma unroll 1
        for (int r = 0; r < rows; r++) bits |= (u32)(h + r * downwards) < (u32)height ? 1u << r : 0;
#pragma unroll 1
        for (int s = 0; s < columns; s++) bits |= (u32)(w + s * rightwards) < (u32)width ? 0x10000u << s : 0;
        inside[i] = bits;
    }

    DEVICE void copy(u32 slice, int k0) const {
        int chunk = S::chunk();
        int k = k0 + chunk * S::ELEMENTS;
        int tap = k / channels;
        int r = tap / taps;
        int s = tap - r * (int)taps.d;
        int step = r * down + s * right + (k - tap * (int)channels.d);
        u32 both = k < depth ? 1u << r | 0x10000u << s : 0xffffffffu;
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            bool there = (inside[i] & both) == both;
            copyChunk(slice + S::ownPlace(i), at + (lines[i] + step), there);
        }
    }
};

// The right operand of backward_data: ((tap, k), c). Of the taps only every so many-th takes part.
template <class E> struct TapWeights {
    static const bool ALONG = false;
    typedef typename E::Element T;
    typedef Slice<T, E::COLUMNS, false, E::THREADS> S;
    const T *at;   // of the group, at the first tap that takes part
    int pitch;     // from one k to the next
    int cg;        // channels of a group of x
    int down, right;  // elements from tap to tap
    int first, depth;
    Divisor channels, taps;

    DEVICE void copy(u32 slice, int k0) const {
        int chunk = S::chunk();
        int o = first + chunk * S::ELEMENTS;
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            int k = k0 + S::line(i);
            int tap = k / channels;
            int r = tap / taps;
            bool there = o < cg && k < depth;
            int offset = (k - tap * (int)channels.d) * pitch + r * down + (tap - r * (int)taps.d) * right + o;
            copyChunk(slice + S::ownPlace(i), at + offset, there);
        }
    }
};

// The right operand of backward_weight: (pixel of y, (tap, c)), gathered from x.
template <class E> struct Patches {
    static const bool ALONG = false;
    typedef typename E::Element T;
    typedef Slice<T, E::COLUMNS, false, E::THREADS> S;
    const T *at;  // of the group, at this thread's channel
    const Convolution &p;
    int top, left;  // where this thread's tap lies for pixel (0, 0) of y
    int depth;      // 0 where the thread has no column

    DEVICE Patches(const T *x, const Convolution &p, int first, int columns, int to) : p(p) {
        int column = first + S::chunk() * S::ELEMENTS;
        int tap = column / p.channels;
        int r = tap / p.tapsMore;
        at = x + (column - tap * (int)p.channels.d);
        top = r * p.dh - p.top;
        left = (tap - r * p.s) * p.dw - p.left;
        depth = column < columns ? to : 0;
    }

    DEVICE void copy(u32 slice, int k0) const {
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            int k = k0 + S::line(i);
            Pixel pixel(k, p);
            int y = pixel.h * p.sh + top;
            int x = pixel.w * p.sw + left;
            bool there = k < depth && (u32)y < (u32)p.h && (u32)x < (u32)p.w;
            copyChunk(slice + S::ownPlace(i), at + ((pixel.n * p.h + y) * p.w + x) * p.c, there);
        }
    }
};

// Rows of results that lie one after the other, pixels of y or weights: with what follows them rounded to y, or as they are to this split's sums. FUSED: something may follow.
template <class E, bool FUSED> struct Rows {
    typedef typename E::Element T;
    static const int W = 16 / (int)sizeof(T);
    T *y;
    float *partial;  // or null
    Epilogue epilogue;
    int row, rows;
    int column, columns;  // of the group
    i64 pitch;
    int group;            // where the group's columns begin
    ColumnEpilogue<T, true, W> after;
    ColumnMoments<E, W> moments;

    DEVICE void begin(int c) {
        column += c;
        if (FUSED && column < columns) after.begin(epilogue, group + column, columns - column);
        if (FUSED) moments.begin();
    }
    DEVICE void put(int r, float (&v)[W]) {
        if (row + r >= rows || column >= columns) return;
        i64 at = (row + r) * pitch + (group + column);
        if (partial != nullptr) {
            putNeighbours<true>(partial + at, v, W);
            return;
        }
        if (FUSED) after.apply(v, at, W);
        if (FUSED && epilogue.statistics != nullptr) moments.add(v);
        putNeighbours<true>(y + at, v, W);
    }
    // After store(): what is wanted of the tile's columns, of `all` that results have; with several groups, their tiles are full. All threads must call.
    DEVICE void finish(int all) {
        if (epilogue.statistics != nullptr) moments.finish(stages, epilogue.statistics + (i64)(row / E::ROWS) * 2 * all, group + column, all);
    }
};

// Rows of results that are every so many-th pixel of x.
template <typename T> struct PhaseRows {
    static const int W = 16 / (int)sizeof(T);
    T *y;
    float *partial;  // or null
    const Convolution &p;
    int row, rows;
    int column, columns;
    int ph, pw;  // of the phase
    int group;

    DEVICE void begin(int c) { column += c; }
    DEVICE void put(int r, const float (&v)[W]) const {
        int m = row + r;
        Pixel pixel(m, p);
        int h = ph + p.sh * pixel.h;
        int w = pw + p.sw * pixel.w;
        if (m >= rows || column >= columns || h >= p.h || w >= p.w) return;
        i64 at = (((i64)pixel.n * p.h + h) * p.w + w) * p.c + (group + column);
        if (partial != nullptr) {
            putNeighbours<true>(partial + at, v, W);
        } else {
            putNeighbours<true>(y + at, v, W);
        }
    }
};

// The left operand of forward for a block's part.
template <class E> DEVICE void gatherForward(Gathered<E> &left, const typename E::Element *x, const Convolution &p, const Part &part) {
    typedef typename Gathered<E>::S S;
    left.at = x + part.group * (p.c / p.groups);
    left.down = p.dh * p.w * p.c;
    left.right = p.dw * p.c;
    left.depth = part.to;
    left.channels = p.channels;
    left.taps = p.tapsMore;
#pragma unroll
    for (int i = 0; i < S::PER_THREAD; i++) {
        int m = part.row + S::line(i);
        Pixel at(m, p);
        left.place(i, at.n, at.h * p.sh - p.top, at.w * p.sw - p.left, p.h, p.w, p.c, p.dh, p.dw, m < p.n * p.oh * p.ow ? p.r : 0, p.s);
    }
}

template <class E> DEVICE void forward(const typename E::Element *x, const typename E::Element *w, typename E::Element *y, float *partial, const Convolution &p, const Epilogue &epilogue) {
    typedef Rows<E, true> Sink;
    int kg = p.k / p.groups, depth = p.r * p.s * (p.c / p.groups), rows = p.n * p.oh * p.ow;
    Part part(p, E::ROWS, E::COLUMNS, kg, 1);
    part.range(p, depth);
    Gathered<E> left;
    gatherForward(left, x, p, part);
    DenseOperand<E, E::COLUMNS, true> right(w + (i64)part.group * kg * depth, depth, part.column, kg, part.to);
    typename E::Sums sums = {};
    E::multiply(sums, stagesAddress(), left, right, part.from, part.to);
    Sink sink = {y, part.sums(partial, (i64)rows * p.k), epilogue, part.row, rows, part.column, kg, p.k, part.group * kg};
    E::template store<Sink::W>(sums, stages, sink);
    sink.finish(p.k);
}

template <class E> DEVICE void backwardData(const typename E::Element *dy, const typename E::Element *w, typename E::Element *dx, float *partial, const Convolution &p) {
    typedef typename E::Element T;
    typedef Gathered<E> Left;
    int kg = p.k / p.groups, cg = p.c / p.groups;
    Part part(p, E::ROWS, E::COLUMNS, cg, p.sh * p.sw);
    int ph = part.phase / p.sw, pw = part.phase % p.sw;
    int r0 = firstTap(ph, p.top, p.sh, p.dh, p.rowStep, p.r);
    int s0 = firstTap(pw, p.left, p.sw, p.dw, p.columnStep, p.s);
    int height = (p.r - r0 + p.rowStep - 1) / p.rowStep, width = (p.s - s0 + p.columnStep - 1) / p.columnStep;
    part.range(p, height * width * kg);
    int rows = p.n * (int)p.area.d;
    Left left;
    left.at = dy + part.group * kg;
    left.down = -p.rowBack * p.ow * p.k;
    left.right = -p.columnBack * p.k;
    left.depth = part.to;
    left.channels = p.channels;
    left.taps = width == (int)p.tapsLess.d ? p.tapsLess : p.tapsMore;
#pragma unroll
    for (int i = 0; i < Left::S::PER_THREAD; i++) {
        int m = part.row + Left::S::line(i);
        Pixel at(m, p);
        left.place(i, at.n, (ph + p.top - r0 * p.dh) / p.sh + at.h, (pw + p.left - s0 * p.dw) / p.sw + at.w, p.oh, p.ow, p.k, -p.rowBack, -p.columnBack, m < rows ? height : 0, width);
    }
    int pitch = p.r * p.s * cg;
    TapWeights<E> right = {w + ((i64)part.group * kg * pitch + (r0 * p.s + s0) * cg), pitch, cg, p.rowStep * p.s * cg, p.columnStep * cg, part.column, part.to, p.channels, left.taps};
    typename E::Sums sums = {};
    E::multiply(sums, stagesAddress(), left, right, part.from, part.to);
    PhaseRows<T> sink = {dx, part.sums(partial, (i64)p.n * p.h * p.w * p.c), p, part.row, rows, part.column, cg, ph, pw, part.group * cg};
    E::template store<PhaseRows<T>::W>(sums, stages, sink);
}

template <class E> DEVICE void backwardWeight(const typename E::Element *x, const typename E::Element *dy, typename E::Element *dw, float *partial, const Convolution &p) {
    typedef typename E::Element T;
    int kg = p.k / p.groups, cg = p.c / p.groups;
    int columns = p.r * p.s * cg;
    Part part(p, E::ROWS, E::COLUMNS, columns, 1);
    part.range(p, p.n * p.oh * p.ow);
    DenseOperand<E, E::ROWS, false> left(dy + part.group * kg, p.k, part.row, kg, part.to);
    Patches<E> right(x + part.group * cg, p, part.column, columns, part.to);
    typename E::Sums sums = {};
    E::multiply(sums, stagesAddress(), left, right, part.from, part.to);
    i64 group = (i64)part.group * kg * columns;
    float *own = part.sums(partial, (i64)p.k * columns);
    Rows<E, false> sink = {dw + group, own == nullptr ? nullptr : own + group, {}, part.row, kg, part.column, columns, columns, 0};
    E::template store<Rows<E, false>::W>(sums, stages, sink);
}

// Kernels with tiles of R x C, of which each warp has WR x WC. BLOCKS: on a multiprocessor, at least; left to itself, ptxas spills to have one more.
#define KERNEL_OF(BLOCKS, R, C, WR, WC) extern "C" __global__ void __launch_bounds__(R / WR * (C / WC) * 32, BLOCKS)
#define FORWARD(NAME, T, R, C, WR, WC, BLOCKS)                                                                                                        \
    KERNEL_OF(BLOCKS, R, C, WR, WC) NAME(const T *x, const T *w, T *y, float *partial, const Convolution p, const Epilogue epilogue) {               \
        forward<Engine<T, R, C, WR, WC, 4>>(x, w, y, partial, p, epilogue);                                                                           \
    }
#define BACKWARD(PASS, NAME, T, R, C, WR, WC, BLOCKS)                                                                                                 \
    KERNEL_OF(BLOCKS, R, C, WR, WC) NAME(const T *a, const T *b, T *y, float *partial, const Convolution p) {                                         \
        PASS<Engine<T, R, C, WR, WC, 4>>(a, b, y, partial, p);                                                                                        \
    }
// The tiles of TensorTile.java but the largest.
#define FORWARDS(MARK, T)                                             \
    FORWARD(conv2d_##MARK##_128x128_##T, T, 128, 128, 64, 64, 2)      \
    FORWARD(conv2d_##MARK##_128x64_##T, T, 128, 64, 64, 32, 3)        \
    FORWARD(conv2d_##MARK##_64x64_##T, T, 64, 64, 32, 32, 4)
#define BACKWARDS(PASS, NAME, T)                                      \
    BACKWARD(PASS, NAME##_128x128_##T, T, 128, 128, 64, 64, 2)        \
    BACKWARD(PASS, NAME##_128x64_##T, T, 128, 64, 64, 32, 3)          \
    BACKWARD(PASS, NAME##_64x64_##T, T, 64, 64, 32, 32, 4)
