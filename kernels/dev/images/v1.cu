// Image input, first version: packs of a block's rows found by division, a channel's factors by comparisons of its number, bytes converted one by one. Same parameters but for the weights' type.
#include "common.cuh"

struct Affine {
    float scale[4], shift[4];
};

// By comparisons: an index into a parameter that differs between lanes would serialise.
DEVICE float pick(const float *v, u32 k) { return k == 0 ? v[0] : k == 1 ? v[1] : k == 2 ? v[2] : v[3]; }
DEVICE float normal(const Affine &a, u32 byte, u32 k) { return (float)byte * pick(a.scale, k) + pick(a.shift, k); }

// V neighbouring bytes in one access.
template <int V> struct Bytes;
template <> struct Bytes<4> {
    u32 w;
    DEVICE void load(const u8 *p) { w = *(const u32 *)p; }
    DEVICE u32 at(int k) const { return w >> 8 * k & 255; }
};
template <> struct Bytes<8> {
    uint2 w;
    DEVICE void load(const u8 *p) { w = *(const uint2 *)p; }
    DEVICE u32 at(int k) const { return (k < 4 ? w.x : w.y) >> 8 * (k % 4) & 255; }
};

template <typename T> DEVICE void pixels(const u8 *x, T *y, i64 n, u32 c, const Affine &a) {
    const int V = Pack<T>::N;
#pragma unroll 1
    for (int unit = 0; unit < 4; unit++) {
        i64 i = ((i64)blockIdx.x * 1024 + unit * 256 + threadIdx.x) * V;
        u32 k = (u32)(i % c);
        if (i + V <= n) {
            Bytes<V> b;
            b.load(x + i);
            Pack<T> p;
#pragma unroll
            for (int j = 0; j < V; j++) {
                p.v[j] = normal(a, b.at(j), k);
                k = k + 1 == c ? 0 : k + 1;
            }
            p.store(y + i);
        } else {
#pragma unroll 1
            for (; i < n; i++) {
                y[i] = fromFloat<T>(normal(a, x[i], k));
                k = k + 1 == c ? 0 : k + 1;
            }
        }
    }
}

// What all blocks of a launch share. images: how many; rows: of the result, per block; pitch: bytes of shared memory per row, a multiple of 16. Of 32-bit numbers alone: nvcc loads pairs of them
// from aligned parameters and marks half-used ones in a way that PTX 8.0 does not know.
struct Frame {
    int images, inHeight, inWidth, height, width, c, rows, pitch;
};

// Where an image's part begins, and whether it is mirrored.
struct Place {
    int top, left, flip;
};
DEVICE int clamped(int v, int most) { return v < 0 ? 0 : v > most ? most : v; }
DEVICE Place place(const int *places, int image, const Frame &f) {
    return Place{clamped(places[3 * image], f.inHeight - f.height), clamped(places[3 * image + 1], f.inWidth - f.width), places[3 * image + 2]};
}
DEVICE i64 rowBegin(const Frame &f, int image, const Place &p, int row) { return ((i64)image * f.inHeight + p.top + row) * f.inWidth * f.c + (i64)p.left * f.c; }

// Rows first.. of an image's part into shared memory, each from the aligned address before its first byte.
DEVICE void stage(const u8 *images, u8 *shared, const Frame &f, int image, const Place &p, int first, int rows) {
    int units = f.pitch / 16;
    i64 bytes = (i64)f.images * f.inHeight * f.inWidth * f.c;
    for (int u = threadIdx.x; u < rows * units; u += 256) {
        int row = u / units, unit = u % units;
        i64 begin = rowBegin(f, image, p, first + row);
        i64 from = (begin & ~15LL) + 16 * unit;
        if (from >= begin + f.width * f.c) continue;
        u8 *to = shared + row * f.pitch + 16 * unit;
        if (from + 16 <= bytes) {
            *(uint4 *)to = *(const uint4 *)(images + from);
        } else {
            for (int k = 0; from + k < bytes; k++) to[k] = images[from + k];
        }
    }
}

// Byte e of a row of the result.
DEVICE u32 byteAt(const u8 *shared, const Frame &f, int image, const Place &p, int first, int row, int e) {
    int skip = (int)(rowBegin(f, image, p, first + row) & 15);
    int x = e / f.c, k = e - x * f.c;
    return shared[row * f.pitch + skip + (p.flip ? (f.width - 1 - x) * f.c + k : e)];
}

extern __shared__ uint4 memory[];

// Results of a block: one image's rows, as bytes in shared memory; an image that is not there is zeros.
struct Source {
    const u8 *shared;
    int image;
    Place place;
};

template <typename T> DEVICE void augment(const u8 *images, const int *places, const int *partners, const float *weights, int weightStep, T *y, const Frame &f, const Affine &a) {
    const int V = Pack<T>::N;
    int n = blockIdx.y, first = blockIdx.x * f.rows;
    int rows = f.height - first < f.rows ? f.height - first : f.rows;
    Source own = {(const u8 *)memory, n, place(places, n, f)}, other = own;
    stage(images, (u8 *)memory, f, n, own.place, first, rows);
    float weight = 1, rest = 0;
    if (partners) {
        other.image = partners[n];
        weight = weights[n * weightStep];
        rest = 1 - weight;
        if (other.image < 0 || other.image >= f.images) {
            rest = 0;
            other = own;
        } else {
            other.place = place(places, other.image, f);
            other.shared = (const u8 *)memory + f.rows * f.pitch;
            stage(images, (u8 *)memory + f.rows * f.pitch, f, other.image, other.place, first, rows);
        }
    }
    __syncthreads();
    int line = f.width * f.c;
    // Packs where every row begins at one
    int step = line % V == 0 ? V : 1;
    int units = line / step;
    for (int u = threadIdx.x; u < rows * units; u += 256) {
        int row = u / units, e = (u - row * units) * step;
        T *to = y + ((i64)n * f.height + first + row) * line + e;
        Pack<T> p;
#pragma unroll
        for (int j = 0; j < V; j++) {
            if (j < step) {
                u32 k = (u32)(e + j) % (u32)f.c;
                float v = normal(a, byteAt(own.shared, f, own.image, own.place, first, row, e + j), k);
                if (partners) v = weight * v + (rest != 0 ? rest * normal(a, byteAt(other.shared, f, other.image, other.place, first, row, e + j), k) : 0);
                p.v[j] = v;
            }
        }
        if (step == V) p.store(to); else *to = fromFloat<T>(p.v[0]);
    }
}

#define PIXELS(S, T) KERNEL(256) pixels_##S(const u8 *x, T *y, i64 n, u32 c, const __grid_constant__ Affine a) { pixels<T>(x, y, n, c, a); }
#define AUGMENT(S, T) KERNEL(256) augment_##S(const u8 *images, const int *places, const int *partners, const float *weights, int weightStep, T *y, \
        const __grid_constant__ Frame f, const __grid_constant__ Affine a) { augment<T>(images, places, partners, weights, weightStep, y, f, a); }
FOR_FLOATS(PIXELS)
FOR_FLOATS(AUGMENT)

KERNEL(256) crop_u8(const u8 *images, const int *places, u8 *y, const __grid_constant__ Frame f) {
    int n = blockIdx.y, first = blockIdx.x * f.rows;
    int rows = f.height - first < f.rows ? f.height - first : f.rows;
    Place p = place(places, n, f);
    stage(images, (u8 *)memory, f, n, p, first, rows);
    __syncthreads();
    int line = f.width * f.c;
    for (int row = 0; row < rows; row++) {
        for (int e = threadIdx.x; e < line; e += 256) y[((i64)n * f.height + first + row) * line + e] = (u8)byteAt((const u8 *)memory, f, n, p, first, row, e);
    }
}
