// sparse.cu
// Math         mask24: y[i] = 1 if x[i] is among the two of its four neighbours that are largest in magnitude, else 0; of equals the first, NaN counts as infinite
//              prune24: y[i] = x[i] where mask24 is 1, else 0
//              compress24: the elements of w that mask24 keeps, in order, and their places as nibbles: Metadata24.java has the layout
//              expand24: the inverse
// Contract     x, y: quads of 4 neighbours, contiguous, 16-byte aligned; y may be x; w: (n, k), values: (n, k/2), row-major, k a multiple of 4; metadata: (ceil(n/16), ceil(k/64), 32) words;
//              quads, n, k > 0
// Launch       block 256, smem 0, a thread per quad of x (mask24, prune24) or w (expand24), per word of metadata (compress24); grid ceil(threads / 256)
// Traffic      mask24, prune24: read q*4*T, write q*4*T
//              compress24_i8: read n*k, write n*h + b*4
//              expand24_i8: read n*h + b*4, write n*k
//              compress24: read n*k*T, write n*h*T + b*4
//              expand24: read n*h*T + b*4, write n*k*T
// Roofline     memory bound: six comparisons per four elements
// Numerics     exact
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.SparseKernels
// Versions     v1: quads; weights are compressed once
// Sectors      compress24: a thread owns a word of metadata, 32 bytes of w (of f32, 64) and half as many of values, which it takes and leaves quad by quad; the sectors are whole in the L1 cache.
// Measured     not yet: no GPU so far
#include "epilogue.cuh"

// Four neighbours as words: 4, 8 or 16 bytes.
template <int SIZE> struct Words;
template <> struct Words<4> { typedef u32 V; typedef u16 PAIR; };
template <> struct Words<8> { typedef uint2 V; typedef u32 PAIR; };
template <> struct Words<16> { typedef uint4 V; typedef uint2 PAIR; };

template <typename T> union Four {
    typename Words<4 * sizeof(T)>::V words;
    T v[4];
    DEVICE Four() {}
};
template <typename T> union Two {
    typename Words<4 * sizeof(T)>::PAIR words;
    T v[2];
    DEVICE Two() {}
};

// What is compared: larger for larger magnitudes, NaN as infinity.
DEVICE int magnitude(f32 x) { return (int)min(floatToBits(x) & 0x7fffffffu, 0x7f800000u); }
DEVICE int magnitude(f16 x) { return min(x.bits & 0x7fff, 0x7c00); }
DEVICE int magnitude(bf16 x) { return min(x.bits & 0x7fff, 0x7f80); }
DEVICE int magnitude(i8 x) { return abs((int)x.bits); }

// A bit for each of the two that are kept. Each two play once, the earlier one winning draws; who loses at most once is kept.
template <typename T> DEVICE u32 kept(const Four<T> &q) {
    int m[4], losses[4] = {};
#pragma unroll
    for (int i = 0; i < 4; i++) m[i] = magnitude(q.v[i]);
#pragma unroll
    for (int later = 1; later < 4; later++) {
#pragma unroll
        for (int earlier = 0; earlier < later; earlier++) {
            int wins = m[later] > m[earlier];
            losses[earlier] += wins;
            losses[later] += 1 - wins;
        }
    }
    u32 bits = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) bits |= (u32)(losses[i] < 2) << i;
    return bits;
}

template <typename T> DEVICE Four<T> load(const T *p) {
    Four<T> q;
    q.words = *reinterpret_cast<const decltype(q.words) *>(p);
    return q;
}
template <typename T> DEVICE void store(T *p, const Four<T> &q) { *reinterpret_cast<decltype(q.words) *>(p) = q.words; }

template <typename T, bool MASK> DEVICE void prune(const T *x, T *y, i64 quads) {
    i64 i = (i64)blockIdx.x * 256 + threadIdx.x;
    if (i >= quads) return;
    Four<T> q = load(x + 4 * i);
    u32 bits = kept(q);
#pragma unroll
    for (int j = 0; j < 4; j++) q.v[j] = bits >> j & 1 ? (MASK ? fromFloat<T>(1) : q.v[j]) : fromFloat<T>(0);
    store(y + 4 * i, q);
}

// The row and the first quad within the block of half h of a thread's word: of 16 bits and more a half is of a row, of bytes both are of one.
template <typename T> DEVICE void place(int lane, int h, int &row, int &quad) {
    row = lane / 4 + 8 * (sizeof(T) == 1 ? lane % 2 : h);
    quad = sizeof(T) == 1 ? lane % 4 / 2 * 8 + h * 4 : lane % 4 * 4;
}

template <typename T> DEVICE void compress(const T *w, T *values, u32 *metadata, int n, int k, u32 columns, i64 words) {
    i64 i = (i64)blockIdx.x * 256 + threadIdx.x;
    if (i >= words) return;
    int lane = i % 32;
    i64 block = i / 32;
    i64 firstRow = block / columns * 16;
    int firstQuad = (int)(block % columns) * 16;
    u32 word = 0x44444444u; // indices 0 and 1
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int r, q;
        place<T>(lane, h, r, q);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int quad = firstQuad + q + j;
            if (firstRow + r >= n || 4 * quad >= k) continue;
            i64 at = (firstRow + r) * k + 4 * quad;
            Four<T> four = load(w + at);
            u32 bits = kept(four);
            u32 low = __ffs(bits) - 1, high = 31 - __clz(bits);
            Two<T> two;
            two.v[0] = low == 0 ? four.v[0] : low == 1 ? four.v[1] : four.v[2];
            two.v[1] = high == 3 ? four.v[3] : high == 2 ? four.v[2] : four.v[1];
            *reinterpret_cast<decltype(two.words) *>(values + at / 2) = two.words;
            word ^= (4 ^ (low | high << 2)) << (16 * h + 4 * j);
        }
    }
    metadata[i] = word;
}

// Where the nibble of a row's quad is: Metadata24.java.
template <typename T> DEVICE u32 nibbleOf(const u32 *metadata, i64 row, u32 quad, u32 columns) {
    u32 r = (u32)(row % 16), q = quad % 16;
    u32 lane = 4 * (r % 8) + (sizeof(T) == 1 ? r / 8 + 2 * (q / 8) : q / 4);
    u32 shift = sizeof(T) == 1 ? 4 * (q % 8) : 16 * (r / 8) + 4 * (q % 4);
    return metadata[(row / 16 * columns + quad / 16) * 32 + lane] >> shift & 15;
}

template <typename T> DEVICE void expand(const T *values, const u32 *metadata, T *w, i64 quads, u32 perRow, u32 columns) {
    i64 i = (i64)blockIdx.x * 256 + threadIdx.x;
    if (i >= quads) return;
    i64 row = i / perRow;
    u32 nibble = nibbleOf<T>(metadata, row, (u32)(i % perRow), columns);
    Two<T> two;
    two.words = *reinterpret_cast<const decltype(two.words) *>(values + 2 * i);
    Four<T> four;
#pragma unroll
    for (u32 j = 0; j < 4; j++) {
        T zero = T();
        four.v[j] = (nibble & 3) == j ? two.v[0] : nibble >> 2 == j ? two.v[1] : zero;
    }
    store(w + 4 * i, four);
}

#define PRUNE(S, T) \
    KERNEL(256) mask24_##S(const T *x, T *y, i64 quads) { prune<T, true>(x, y, quads); } \
    KERNEL(256) prune24_##S(const T *x, T *y, i64 quads) { prune<T, false>(x, y, quads); }
#define COMPRESS(S, T) \
    KERNEL(256) compress24_##S(const T *w, T *values, u32 *metadata, int n, int k, u32 columns, i64 words) { compress(w, values, metadata, n, k, columns, words); } \
    KERNEL(256) expand24_##S(const T *values, const u32 *metadata, T *w, i64 quads, u32 perRow, u32 columns) { expand(values, metadata, w, quads, perRow, columns); }
FOR_FLOATS(PRUNE)
FOR_FLOATS(COMPRESS)
COMPRESS(i8, i8)
