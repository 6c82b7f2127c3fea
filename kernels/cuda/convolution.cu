// convolution.cu
// Math         y[n][oh][ow][k] = sum over r, s, c of x[n][oh*sh + r*dh - top][ow*sw + s*dw - left][c] * w[k][r][s][c], in each group of channels, and its gradients by x and by w
// Contract     x (N, H, W, C), w (K, R, S, C/groups), y (N, OH, OW, K): without gaps, 16-byte aligned, extents > 0; an image has less than 2^31 elements, as have all pixels together;
//              with more than one split the sums over each part of the depth go to partial[split][output] in f32, and split_sum.cu adds them up
// Launch       grid (tiles, 1, groups * phases * splits), block 128, smem 16 or 20 KiB static; tiles are 64 x 64, in _narrow 128 x 32 and in _flat 32 x 128, which are for channels of
//              groups that fill tiles of 64 badly (Tile.java) and require them in fours; phases: the sh * sw residues of the image's
//              pixels modulo the stride, each of which meets its own taps (conv2d_backward_data), else 1
// Traffic      conv2d, conv2d_narrow: read n*h*w*c*T + k*r*s*c/g*T, write y*T + p*4
//              conv2d_backward_data, conv2d_backward_data_narrow: read n*oh*ow*k*T + k*r*s*c/g*T, write y*T + p*4
//              conv2d_backward_weight, conv2d_backward_weight_flat: read n*h*w*c*T + n*oh*ow*k*T, write y*T + p*4
// Roofline     compute bound on the CUDA cores from C/groups * R * S ~ 100 on: implicit matrix products of (pixels, taps) by (taps, channels), 2*N*OH*OW*K*R*S*C/groups flop each;
//              groups of fewer than 32 channels leave part of the tile idle
// Numerics     multiplied and summed in f32 in order of (r, s, channel) or of pixels (of splits, then), rounded once; padding takes part as 0, so that it meets an infinite weight as NaN
// Determinism  bitwise, run to run; splits follow from the shape alone
// CPU twin     dev.jacquard.cpu.Conv
// Versions     v1 64 x 64 tiles; v2 128 x 32 and 32 x 128, too, for groups
// Measured     not yet: no GPU so far
#include "convolution.cuh"
#include "gemm.cuh"

// Where the two rows of a thread's quads begin in the image that is gathered from, and how taps move: the left operand of forward and backward_data, (pixel, (tap, channel)).
template <typename T, int N> struct Taps {
    static const int SIDE = N;
    const T *image[N / 32];  // of the row's pixel; null outside of the product
    int h[N / 32], w[N / 32];  // where tap (0, 0) lies
    int height, width, pitch;  // of the image; elements per pixel
    int down, right;    // from tap to tap
    int depth;
    bool whole;
    Divisor channels, taps;

    DEVICE bool alongDepth() const { return true; }

    // The address of depth k, null in the padding.
    DEVICE const T *find(int i, int k) const {
        int tap = k / channels;
        int r = tap / taps;
        int y = h[i] + r * down;
        int x = w[i] + (tap - r * (int)taps.d) * right;
        bool inside = (u32)y < (u32)height && (u32)x < (u32)width && k < depth && image[i] != nullptr;
        return inside ? image[i] + ((i64)(y * width + x) * pitch + (k - tap * (int)channels.d)) : nullptr;
    }

    DEVICE Quad<T> fetch(int i, int k0) const {
        int k = k0 + inner<SIDE>(true, i);
        Quad<T> q = Quad<T>::zero();
        if (whole) {
            const T *p = find(i, k);
            if (p != nullptr) q = Quad<T>::load(p);
        } else {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const T *p = find(i, k + j);
                if (p != nullptr) q.v[j] = *p;
            }
        }
        return q;
    }
};

// The right operand of backward_data: ((tap, k), c). Of the taps only every so many-th takes part.
template <typename T, int N> struct TapWeights {
    static const int SIDE = N;
    const T *at;   // of the group, at the first tap that takes part
    i64 pitch;     // from one k to the next
    int cg, s;     // channels of a group of x, all taps of a row
    int rowStep, columnStep;
    int first, depth;
    bool whole;
    Divisor channels, taps;

    DEVICE bool alongDepth() const { return false; }

    DEVICE Quad<T> fetch(int i, int k0) const {
        int o = first + outer<SIDE>(false, i);
        int k = k0 + inner<SIDE>(false, i);
        Quad<T> q = Quad<T>::zero();
        if (o >= cg || k >= depth) {
            return q;
        }
        int tap = k / channels;
        int r = tap / taps;
        const T *p = at + ((k - tap * (int)channels.d) * pitch + (i64)((r * rowStep * s + (tap - r * (int)taps.d) * columnStep) * cg + o));
        if (whole) {
            return Quad<T>::load(p);
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
            if (o + j < cg) q.v[j] = p[j];
        }
        return q;
    }
};

// The right operand of backward_weight: (pixel of y, (tap, c)), gathered from x.
template <typename T, int N> struct Patches {
    static const int SIDE = N;
    const T *at;  // of the group
    const Convolution &p;
    int first, columns, depth;
    bool whole;
    i64 image;

    DEVICE bool alongDepth() const { return false; }

    // An element's place in x for a pixel of y at (top, left) of its window; null in the padding.
    DEVICE const T *find(const T *from, int top, int left, int column) const {
        int tap = column / p.channels;
        int r = tap / p.tapsMore;
        int y = top + r * p.dh;
        int x = left + (tap - r * p.s) * p.dw;
        bool inside = (u32)y < (u32)p.h && (u32)x < (u32)p.w && column < columns;
        return inside ? from + ((i64)(y * p.w + x) * p.c + (column - tap * (int)p.channels.d)) : nullptr;
    }

    DEVICE Quad<T> fetch(int i, int k0) const {
        int column = first + outer<SIDE>(false, i);
        int k = k0 + inner<SIDE>(false, i);
        Quad<T> q = Quad<T>::zero();
        if (k >= depth) {
            return q;
        }
        Pixel pixel(k, p);
        int top = pixel.h * p.sh - p.top;
        int left = pixel.w * p.sw - p.left;
        const T *from = at + pixel.n * image;
        if (whole) {
            const T *a = find(from, top, left, column);
            if (a != nullptr) q = Quad<T>::load(a);
        } else {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const T *a = find(from, top, left, column + j);
                if (a != nullptr) q.v[j] = *a;
            }
        }
        return q;
    }
};

// Which part of a pass this block does.
struct Part {
    int row, column;  // of the tile
    int group, phase, split;

    template <class TILE> DEVICE Part(TILE, const Convolution &p, int columns, int phases) {
        int tiles = (columns + TILE::COLUMNS - 1) / TILE::COLUMNS;
        row = blockIdx.x / tiles * TILE::ROWS;
        column = blockIdx.x % tiles * TILE::COLUMNS;
        split = blockIdx.z % p.splits;
        phase = blockIdx.z / p.splits % phases;
        group = blockIdx.z / p.splits / phases;
    }
};

// Four results at an offset: to y, or to this split's partial sums of `size` outputs.
template <typename T> DEVICE void store(const Convolution &p, const Part &part, T *y, float *partial, i64 size, i64 offset, int c, int columns, bool whole, float4 v) {
    if (p.splits > 1) {
        storeQuad(partial + part.split * size + offset, c, columns, whole, v);
    } else {
        storeQuad(y + offset, c, columns, whole, v);
    }
}

template <typename T, class TILE, bool WHOLE> DEVICE void forward(const T *x, const T *w, T *y, float *partial, const Convolution &p) {
    bool wholeC = WHOLE || p.wholeC != 0;
    bool wholeK = WHOLE || p.wholeK != 0;
    int kg = p.k / p.groups;
    int cg = p.c / p.groups;
    int depth = p.r * p.s * cg;
    int rows = p.n * p.oh * p.ow;
    Part part(TILE(), p, kg, 1);
    int from = part.split * p.perSplit;
    int to = min(depth, from + p.perSplit);
    Taps<T, TILE::ROWS> left = {{}, {}, {}, p.h, p.w, p.c, p.dh, p.dw, to, wholeC, p.channels, p.tapsMore};
#pragma unroll
    for (int i = 0; i < TILE::ROWS / 32; i++) {
        int m = part.row + outer<TILE::ROWS>(true, i);
        Pixel at(m, p);
        left.image[i] = m < rows ? x + ((i64)at.n * p.h * p.w * p.c + part.group * cg) : nullptr;
        left.h[i] = at.h * p.sh - p.top;
        left.w[i] = at.w * p.sw - p.left;
    }
    Matrix<T, TILE::COLUMNS> right = {w + (i64)part.group * kg * depth, depth, part.column, kg, to, true, wholeC};
    const float4 *tile = multiply<T, TILE>(left, right, from, to);
    int c = part.column + TILE::storeColumn();
#pragma unroll 1
    for (int i = 0; i < 8; i++) {
        int m = part.row + TILE::storeRow(i);
        float4 v = TILE::quad(tile, i);
        if (m < rows) store(p, part, y, partial, (i64)rows * p.k, (i64)m * p.k + (part.group * kg + c), c, kg, wholeK, v);
    }
}

template <typename T, class TILE, bool WHOLE> DEVICE void backwardData(const T *dy, const T *w, T *dx, float *partial, const Convolution &p) {
    bool wholeC = WHOLE || p.wholeC != 0;
    bool wholeK = WHOLE || p.wholeK != 0;
    int kg = p.k / p.groups;
    int cg = p.c / p.groups;
    Part part(TILE(), p, cg, p.sh * p.sw);
    int ph = part.phase / p.sw;
    int pw = part.phase % p.sw;
    int r0 = firstTap(ph, p.top, p.sh, p.dh, p.rowStep, p.r);
    int s0 = firstTap(pw, p.left, p.sw, p.dw, p.columnStep, p.s);
    int across = (p.s - s0 + p.columnStep - 1) / p.columnStep;
    int depth = (p.r - r0 + p.rowStep - 1) / p.rowStep * across * kg;
    int from = part.split * p.perSplit;
    int to = min(depth, from + p.perSplit);
    Divisor taps = across == (int)p.tapsLess.d ? p.tapsLess : p.tapsMore;
    Taps<T, TILE::ROWS> left = {{}, {}, {}, p.oh, p.ow, p.k, -p.rowBack, -p.columnBack, to, wholeK, p.channels, taps};
    int rows = p.n * (int)p.area.d;
#pragma unroll
    for (int i = 0; i < TILE::ROWS / 32; i++) {
        int m = part.row + outer<TILE::ROWS>(true, i);
        Pixel at(m, p);
        left.image[i] = m < rows ? dy + ((i64)at.n * p.oh * p.ow * p.k + part.group * kg) : nullptr;
        left.h[i] = (ph + p.top - r0 * p.dh) / p.sh + at.h;
        left.w[i] = (pw + p.left - s0 * p.dw) / p.sw + at.w;
    }
    i64 pitch = (i64)p.r * p.s * cg;
    TapWeights<T, TILE::COLUMNS> right = {w + (part.group * kg * pitch + (r0 * p.s + s0) * cg), pitch, cg, p.s, p.rowStep, p.columnStep, part.column, to, wholeC, p.channels, taps};
    const float4 *tile = multiply<T, TILE>(left, right, from, to);
    int c = part.column + TILE::storeColumn();
#pragma unroll 1
    for (int i = 0; i < 8; i++) {
        int m = part.row + TILE::storeRow(i);
        float4 v = TILE::quad(tile, i);
        Pixel at(m, p);
        int y = ph + p.sh * at.h;
        int x = pw + p.sw * at.w;
        if (m < rows && y < p.h && x < p.w) {
            i64 place = (((i64)at.n * p.h + y) * p.w + x) * p.c + (part.group * cg + c);
            store(p, part, dx, partial, (i64)p.n * p.h * p.w * p.c, place, c, cg, wholeC, v);
        }
    }
}

template <typename T, class TILE, bool WHOLE> DEVICE void backwardWeight(const T *x, const T *dy, T *dw, float *partial, const Convolution &p) {
    bool wholeC = WHOLE || p.wholeC != 0;
    bool wholeK = WHOLE || p.wholeK != 0;
    int kg = p.k / p.groups;
    int cg = p.c / p.groups;
    int columns = p.r * p.s * cg;
    Part part(TILE(), p, columns, 1);
    int from = part.split * p.perSplit;
    int to = min(p.n * p.oh * p.ow, from + p.perSplit);
    Matrix<T, TILE::ROWS> left = {dy + part.group * kg, p.k, part.row, kg, to, false, wholeK};
    Patches<T, TILE::COLUMNS> right = {x + part.group * cg, p, part.column, columns, to, wholeC, (i64)p.h * p.w * p.c};
    const float4 *tile = multiply<T, TILE>(left, right, from, to);
    int c = part.column + TILE::storeColumn();
#pragma unroll 1
    for (int i = 0; i < 8; i++) {
        int m = part.row + TILE::storeRow(i);
        float4 v = TILE::quad(tile, i);
        if (m < kg) store(p, part, dw, partial, (i64)p.k * columns, (i64)(part.group * kg + m) * columns + c, c, columns, wholeC, v);
    }
}

#define FORWARD(NAME, T, ROWS, WHOLE) KERNEL(128) NAME(const T *x, const T *w, T *y, float *partial, const Convolution p) { forward<T, Tile<ROWS>, WHOLE>(x, w, y, partial, p); }
#define DATA(NAME, T, ROWS, WHOLE) KERNEL(128) NAME(const T *dy, const T *w, T *dx, float *partial, const Convolution p) { backwardData<T, Tile<ROWS>, WHOLE>(dy, w, dx, partial, p); }
#define WEIGHT(NAME, T, ROWS, WHOLE) KERNEL(128) NAME(const T *x, const T *dy, T *dw, float *partial, const Convolution p) { backwardWeight<T, Tile<ROWS>, WHOLE>(x, dy, dw, partial, p); }
#define M(S, T) \
    FORWARD(conv2d_##S, T, 64, false) FORWARD(conv2d_narrow_##S, T, 128, true) \
    DATA(conv2d_backward_data_##S, T, 64, false) DATA(conv2d_backward_data_narrow_##S, T, 128, true) \
    WEIGHT(conv2d_backward_weight_##S, T, 64, false) WEIGHT(conv2d_backward_weight_flat_##S, T, 32, true)
FOR_FLOATS(M)
