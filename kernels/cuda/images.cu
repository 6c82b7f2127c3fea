// images.cu
// Math         pixels: y[i] = scale[i % c] * x[i] + shift[i % c] of bytes x
//              augment: y[n,y,x,k] = scale[k] * image[n, top + y, left + (flip ? width - 1 - x : x), k] + shift[k]
//              mix: p = pixels(x); y[n] = p[partner[n]] within box[n], else weight[n] * p[n] + (1 - weight[n]) * p[partner[n]]
//              crop: y[n,y,x,k] = image[n, top + y, left + (flip ? width - 1 - x : x), k]
// Contract     images: n images of inHeight x inWidth x c bytes, 16-byte aligned; y: T (crop: bytes), contiguous, 16-byte aligned; places i32 (n, 3) of (top, left, flip), clamped to the image;
//              partner i32 (n), outside of [0, n) none; weight f32, f16 or bf16 (n); box i32 (n, 4) of (y0, x0, y1, x1), ends exclusive, any integers; c 1 to 4 (3 or a power of two);
//              augment, crop: bytes * rows of a block within 48 KiB
// Launch       pixels: grid ceil(n / (1024 * V)), block 256, smem 0; V = 16 / sizeof(T); tail guarded
//              augment, crop: grid (ceil(height / rows), n), block 256, smem rows * (width * c rounded up to 16, + 32);
//              mix: grid (ceil(height / 8), n), block 256, smem 0; a warp per row; packs of V where rows are whole packs, else single elements; partners' rows are rows that other blocks read;
//              o in Traffic: bytes of an element of the result, whatever the operands' type
// Traffic      pixels: read n, write n*o
//              augment: read m, write m*o
//              mix: read n, write n*o
//              crop: read m, write m
// Roofline     memory bound: 2 to 6 flop per 1 + sizeof(T) bytes
// Numerics     computed in f32, rounded once
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.ImageKernels
// Versions     kernels/dev/images: v1 a thread per pack over a block's rows, found by division; v2 a warp per row, factors of a pack's channels by selection: hardly a branch parts lanes
// Conflicts    augment, crop: a lane reads its pack's bytes one by one, since mirrored pixels are not mirrored bytes: lanes 4 (f32) or 8 (f16) bytes apart, from rows that begin anywhere
// Measured     not yet: no GPU so far
#include "common.cuh"

struct Affine {
    float scale[4], shift[4];
};

// Byte k of a word as a float: beneath the exponent of 2^23, which costs no conversion.
DEVICE float byteOf(u32 word, int k) { return __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7650 | k)) - 8388608.0f; }
DEVICE float floatOf(u32 byte) { return __uint_as_float(byte | 0x4b000000u) - 8388608.0f; }

// The factors of four neighbours, from a channel on. By selections: an index that differs between lanes would serialise a parameter's loads.
struct Cycle {
    float scale[4], shift[4];
};
DEVICE Cycle begin(const Affine &a, u32 c) {
    Cycle y;
#pragma unroll
    for (int j = 0; j < 4; j++) {
        int k = c == 3 ? j % 3 : j & (c - 1);
        y.scale[j] = a.scale[k];
        y.shift[j] = a.shift[k];
    }
    return y;
}
template <int PERIOD> DEVICE Cycle turned(const Cycle &y, u32 by) {
    Cycle t;
#pragma unroll
    for (int j = 0; j < PERIOD; j++) {
        t.scale[j] = by == 0 ? y.scale[j] : by == 1 ? y.scale[(j + 1) % PERIOD] : by == 2 ? y.scale[(j + 2) % PERIOD] : y.scale[(j + 3) % PERIOD];
        t.shift[j] = by == 0 ? y.shift[j] : by == 1 ? y.shift[(j + 1) % PERIOD] : by == 2 ? y.shift[(j + 2) % PERIOD] : y.shift[(j + 3) % PERIOD];
    }
    return t;
}

// 2^32 is 1 modulo 3.
DEVICE u32 modulo3(i64 i) { return ((u32)(i >> 32) % 3 + (u32)i % 3) % 3; }

// V neighbouring bytes in one access.
template <int V> struct Bytes;
template <> struct Bytes<4> {
    u32 w;
    DEVICE void load(const u8 *p) { w = *(const u32 *)p; }
    DEVICE float at(int k) const { return byteOf(w, k); }
};
template <> struct Bytes<8> {
    uint2 w;
    DEVICE void load(const u8 *p) { w = *(const uint2 *)p; }
    DEVICE float at(int k) const { return byteOf(k < 4 ? w.x : w.y, k % 4); }
};

// PERIOD: 3 for three channels, else 4, of which 1, 2 and 4 are parts.
template <typename T, int PERIOD> DEVICE void pixels(const u8 *x, T *y, i64 n, u32 c, const Affine &a) {
    const int V = Pack<T>::N;
    const Cycle factors = begin(a, c);
#pragma unroll 1
    for (int unit = 0; unit < 4; unit++) {
        i64 i = ((i64)blockIdx.x * 1024 + unit * 256 + threadIdx.x) * V;
        if (i >= n) return;
        const Cycle f = PERIOD == 3 ? turned<3>(factors, modulo3(i)) : factors;
        if (i + V <= n) {
            Bytes<V> b;
            b.load(x + i);
            Pack<T> p;
#pragma unroll
            for (int j = 0; j < V; j++) p.v[j] = b.at(j) * f.scale[j % PERIOD] + f.shift[j % PERIOD];
            p.storeWhole(y + i);
        } else {
#pragma unroll
            for (int j = 0; j < V; j++) {
                if (i + j < n) y[i + j] = fromFloat<T>(floatOf(x[i + j]) * f.scale[j % PERIOD] + f.shift[j % PERIOD]);
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

// Rows first.. of an image's part into shared memory, each from the aligned address before its first byte; a warp takes a row at a time.
DEVICE void stage(const u8 *images, u8 *shared, const Frame &f, int image, const Place &p, int first, int rows) {
    i64 bytes = (i64)f.images * f.inHeight * f.inWidth * f.c;
    int line = f.width * f.c;
    for (int row = threadIdx.x / 32; row < rows; row += 8) {
        i64 begin = rowBegin(f, image, p, first + row);
        int skip = (int)(begin & 15);
        for (int at = threadIdx.x % 32 * 16; at < skip + line; at += 512) {
            i64 from = begin - skip + at;
            u8 *to = shared + row * f.pitch + at;
            if (from + 16 <= bytes) {
                *(uint4 *)to = *(const uint4 *)(images + from);
            } else {
#pragma unroll 1
                for (int k = 0; from + k < bytes; k++) to[k] = images[from + k];
            }
        }
    }
}

// Walks over the bytes of a row of the result: within a pixel forwards, from pixel to pixel forwards, or, if mirrored, backwards.
struct Walk {
    const u8 *at;
    u32 k, c;
    int turn;
    // From byte e of the row, which lies in shared memory.
    DEVICE Walk(const u8 *row, const Frame &f, const Place &p, i64 begin, u32 e) {
        c = f.c;
        u32 x = c == 3 ? e / 3 : e >> (c >> 1); // 1, 2, 4
        k = e - x * c;
        at = row + (int)(begin & 15) + (p.flip ? (f.width - 1 - x) * c + k : e);
        turn = p.flip ? 1 - 2 * (int)c : 1;
    }
    DEVICE u32 next() {
        u32 byte = *at;
        bool last = ++k == c;
        at += last ? turn : 1;
        k = last ? 0 : k;
        return byte;
    }
};

extern __shared__ uint4 memory[];

// V bytes of the result's row from byte e on, as floats.
template <typename T> DEVICE void read(float *v, int step, const u8 *shared, const Frame &f, const Place &p, int image, int first, int row, u32 e) {
    Walk w(shared + row * f.pitch, f, p, rowBegin(f, image, p, first + row), e);
#pragma unroll
    for (int j = 0; j < Pack<T>::N; j++) {
        if (j < step) v[j] = floatOf(w.next());
    }
}

template <typename T, int PERIOD> DEVICE void augment(const u8 *images, const int *places, T *y, const Frame &f, const Affine &a) {
    const int V = Pack<T>::N;
    u8 *own = (u8 *)memory;
    int n = blockIdx.y, first = blockIdx.x * f.rows;
    int rows = f.height - first < f.rows ? f.height - first : f.rows;
    Place p = place(places, n, f);
    stage(images, own, f, n, p, first, rows);
    __syncthreads();
    int line = f.width * f.c;
    int step = line % V == 0 ? V : 1; // packs where every row begins at one
    const Cycle factors = begin(a, f.c);
    for (int row = threadIdx.x / 32; row < rows; row += 8) {
        T *to = y + ((i64)n * f.height + first + row) * line;
#pragma unroll 1
        for (int e = threadIdx.x % 32 * step; e < line; e += 32 * step) {
            const Cycle g = turned<PERIOD>(factors, PERIOD == 3 ? (u32)e % 3 : (u32)e & (f.c - 1));
            Pack<T> v;
            read<T>(v.v, step, own, f, p, n, first, row, e);
#pragma unroll
            for (int j = 0; j < V; j++) v.v[j] = v.v[j] * g.scale[j % PERIOD] + g.shift[j % PERIOD];
            if (step == V) v.storeWhole(to + e); else to[e] = fromFloat<T>(v.v[0]);
        }
    }
}

// An image's weight. type: 0 f32, 1 f16, 2 bf16
DEVICE float weightOf(const void *weights, int type, int i) { return type == 0 ? ((const float *)weights)[i] : type == 1 ? toFloat(((const f16 *)weights)[i]) : toFloat(((const bf16 *)weights)[i]); }

// A row of an image and of its partner, and the elements of it that are the partner's alone.
struct Pair {
    const u8 *own, *other;
    int from, to;
    float weight, present; // present: 1, or 0 without a partner

    // An element of either by its factors.
    DEVICE float mixed(int e, float a, float b, float scale, float shift) const {
        float w = e >= from && e < to ? 0 : weight;
        float rest = present * (1 - w);
        return (w * a + rest * b) * scale + (w + rest) * shift;
    }
};
DEVICE Pair pairOf(const u8 *images, const int *partners, float weight, const int *boxes, int n, int row, int count, int height, int width, int c) {
    int partner = partners[n], line = width * c;
    int4 box = ((const int4 *)boxes)[n];
    bool cut = row >= box.x && row < box.z;
    bool present = partner >= 0 && partner < count && (cut || weight != 1); // else nothing of it is seen, and it is not read
    const u8 *own = images + ((i64)n * height + row) * line;
    return Pair{own, present ? images + ((i64)partner * height + row) * line : own, cut ? clamped(box.y, width) * c : 0, cut ? clamped(box.w, width) * c : 0, weight, present ? 1.0f : 0.0f};
}

template <typename T, int PERIOD> DEVICE void mix(const u8 *images, const int *partners, const void *weights, int weightType, const int *boxes, T *y, int height, int width, u32 c, const Affine &a) {
    const int V = Pack<T>::N;
    int n = blockIdx.y, row = blockIdx.x * 8 + threadIdx.x / 32, line = width * c;
    if (row >= height) return;
    const Pair p = pairOf(images, partners, weightOf(weights, weightType, n), boxes, n, row, gridDim.y, height, width, c);
    const Cycle factors = begin(a, c);
    T *to = y + ((i64)n * height + row) * line;
    if (line % V == 0) {
#pragma unroll 1
        for (int e = threadIdx.x % 32 * V; e < line; e += 32 * V) {
            const Cycle g = turned<PERIOD>(factors, PERIOD == 3 ? (u32)e % 3 : (u32)e & (c - 1));
            Bytes<V> x, u;
            x.load(p.own + e);
            u.load(p.other + e);
            Pack<T> v;
#pragma unroll
            for (int j = 0; j < V; j++) v.v[j] = p.mixed(e + j, x.at(j), u.at(j), g.scale[j % PERIOD], g.shift[j % PERIOD]);
            v.storeWhole(to + e);
        }
    } else {
#pragma unroll 1
        for (int e = threadIdx.x % 32; e < line; e += 32) {
            const Cycle g = turned<PERIOD>(factors, PERIOD == 3 ? (u32)e % 3 : (u32)e & (c - 1));
            to[e] = fromFloat<T>(p.mixed(e, floatOf(p.own[e]), floatOf(p.other[e]), g.scale[0], g.shift[0]));
        }
    }
}

#define PIXELS(S, T) KERNEL(256) pixels_##S(const u8 *x, T *y, i64 n, u32 c, const __grid_constant__ Affine a) { if (c == 3) pixels<T, 3>(x, y, n, c, a); else pixels<T, 4>(x, y, n, c, a); }
#define AUGMENT(S, T) KERNEL(256) augment_##S(const u8 *images, const int *places, T *y, const __grid_constant__ Frame f, const __grid_constant__ Affine a) { \
        if (f.c == 3) augment<T, 3>(images, places, y, f, a); else augment<T, 4>(images, places, y, f, a); }
#define MIX(S, T) KERNEL(256) mix_##S(const u8 *images, const int *partners, const void *weights, int weightType, const int *boxes, T *y, int height, int width, u32 c, const __grid_constant__ Affine a) { \
        if (c == 3) mix<T, 3>(images, partners, weights, weightType, boxes, y, height, width, c, a); else mix<T, 4>(images, partners, weights, weightType, boxes, y, height, width, c, a); }
FOR_FLOATS(PIXELS)
FOR_FLOATS(AUGMENT)
FOR_FLOATS(MIX)

KERNEL(256) crop_u8(const u8 *images, const int *places, u8 *y, const __grid_constant__ Frame f) {
    int n = blockIdx.y, first = blockIdx.x * f.rows;
    int rows = f.height - first < f.rows ? f.height - first : f.rows;
    Place p = place(places, n, f);
    stage(images, (u8 *)memory, f, n, p, first, rows);
    __syncthreads();
    int line = f.width * f.c;
    int step = line % 4 == 0 ? 4 : 1;
    for (int row = threadIdx.x / 32; row < rows; row += 8) {
        u8 *to = y + ((i64)n * f.height + first + row) * line;
#pragma unroll 1
        for (int e = threadIdx.x % 32 * step; e < line; e += 32 * step) {
            Walk w((const u8 *)memory + row * f.pitch, f, p, rowBegin(f, n, p, first + row), e);
            u32 word = w.next();
            if (step == 4) {
                word |= w.next() << 8;
                word |= w.next() << 16;
                *(u32 *)(to + e) = word | w.next() << 24;
            } else {
                to[e] = (u8)word;
            }
        }
    }
}
