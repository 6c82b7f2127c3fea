// The part of an image with few channels that a run of pixels of y looks at, in shared memory: whole rows of padded images, zeros around them, each read from memory once, in aligned chunks of 16
// bytes. Rows of images begin at any byte, so a chunk in shared memory is cut out of two of memory's, a lane's own and its neighbour's.
//
// Windows are read from it by pairs of elements, those of bytes by fours. Where a pixel's window may begin within a pair, there is a second plane, an element behind the first, in which it begins
// with one; of fours there may be four planes.
#pragma once
#include "conv_tensor_cores.cuh"

// A pair of elements of shared memory, or four bytes.
DEVICE void loadPair(u32 &a, u32 &, u32 from, u8) { a = loadShared4(from); }
DEVICE void loadPair(u32 &a, u32 &, u32 from, u16) { a = loadShared4(from); }
DEVICE void loadPair(u32 &a, u32 &b, u32 from, u32) { asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(a), "=r"(b) : "r"(from) : "memory"); }

template <typename T> struct WordOf { typedef u16 type; };
template <> struct WordOf<f32> { typedef u32 type; };
template <> struct WordOf<i8> { typedef u8 type; };

// 16 bytes of the 32 in a and b, from byte `shift` <= 16 on.
DEVICE void cut(u32 (&d)[4], const u32 (&a)[4], const u32 (&b)[4], int shift) {
    u32 w[8];
#pragma unroll
    for (int i = 0; i < 8; i++) w[i] = i < 4 ? (shift & 16 ? b[i] : a[i]) : b[i - 4];
#pragma unroll
    for (int i = 0; i < 6; i++) w[i] = shift & 8 ? w[i + 2] : w[i];
#pragma unroll
    for (int i = 0; i < 5; i++) w[i] = shift & 4 ? w[i + 1] : w[i];
#pragma unroll
    for (int i = 0; i < 4; i++) d[i] = __funnelshift_r(w[i], w[i + 1], (shift & 3) * 8);
}

template <typename T, int THREADS> struct Strip {
    typedef typename WordOf<T>::type Word;
    static const int ELEMENTS = CHUNK / (int)sizeof(T);
    static const int PAIR = sizeof(T) == 1 ? 4 : 2;          // elements that are read together
    static const int CUT = sizeof(T) == 1 ? 30 : 31;         // chunks that a warp cuts at once: the last lanes' are only the other halves of their neighbours'
    const T *x;
    const Convolution &p;
    u32 base;      // in shared memory
    int filled;    // elements of a row of taps, with what fills it up
    int step;      // elements from one pixel's window to the next one's
    int reach;     // rows of a window
    int height;    // of a padded image, as far as windows reach
    int pitch;     // bytes of a row
    int shift;     // a plane begins 1 << shift elements behind the one before it; as many as a pair has if there is one
    int plane;     // bytes
    int first;     // row that lies at `base`, counted over padded images

    DEVICE Strip(const T *x, const Convolution &p, u32 base)
        : x(x), p(p), base(base), filled((int)p.channels.d), step(p.sw * p.c), reach((p.r - 1) * p.dh + 1), height((p.oh - 1) * p.sh + reach),
          shift(step & 1 ? 0 : PAIR == 2 || step & 2 ? 1 : 2), plane(0), first(0) {
        // Modulo the banks a row of taps begins where the one before it ends: threads that read neighbouring chunks of a patch do not meet.
        int chunks = ((p.ow - 1) * step + filled + ELEMENTS - 1) / ELEMENTS;
        pitch = (chunks + (filled / ELEMENTS - chunks & 7)) * CHUNK;
    }

    // Fetches what rows r0 .. r1 of the taps see of pixels m0 .. m1 of y. All threads must call, with the same arguments; it is there after the next barrier.
    DEVICE void fetch(int m0, int m1, int r0, int r1) {
        Pixel a(m0, p), b(m1, p);
        int from = a.n * height + a.h * p.sh, to = b.n * height + b.h * p.sh;
        first = from + r0 * p.dh;
        int last = to + r1 * p.dh;
        // Rows that only the first row of pixels sees, and those that only the last one does, are needed in part.
        int next = from == to ? last + 1 : first + (a.h + 1 < p.oh ? p.sh : reach);
        int previous = from == to ? first - 1 : last - (b.h > 0 ? p.sh : reach);
        plane = ((last - first + 1) * pitch + 127) / 128 * 128 + 64; // neighbouring pixels that are in different planes share no banks
#pragma unroll 1
        for (int row = first + (int)threadIdx.x / 32; row <= last; row += THREADS / 32) {
            fetchRow(row, row < next ? a.w * step : 0, (row > previous ? b.w : p.ow - 1) * step + filled);
        }
    }

    // Where the window of a pixel begins, or would if the strip had all its rows.
    DEVICE u32 window(const Pixel &pixel) const {
        int e = pixel.w * step;
        return base + (pixel.n * height + pixel.h * p.sh - first) * pitch + (e & -PAIR) * (int)sizeof(T) + ((e & PAIR - 1) >> shift) * plane;
    }

  private:
    // Elements from .. to - 1 of a row, counted from its padding on.
    DEVICE void fetchRow(int row, int from, int to) const {
        int image = row / height;
        int y = row - image * height - p.top;
        int width = (u32)y < (u32)p.h ? p.w * p.c : 0;
        int padding = p.left * p.c;
        int begin = (image * p.h + y) * p.w * p.c;                               // of the image's row; where there is none, nothing is read
        int needed = begin + max(0, from - padding), end = begin + min(width, to - padding);
        int all = p.n * p.h * p.w * p.c;
        int lane = threadIdx.x % 32;
        int skew = (begin - padding) & ELEMENTS - 1;
        u32 at = base + (row - first) * pitch;
#pragma unroll 1
        for (int t = from / ELEMENTS; t * ELEMENTS < to; t += CUT) {
            int e = begin - padding - skew + (t + lane) * ELEMENTS;
            u32 own[4] = {0, 0, 0, 0}, other[4], third[4];
            if (needed < end && e < end && e + ELEMENTS > needed) fetchChunk(own, e, all);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                other[i] = __shfl_down_sync(0xffffffffu, own[i], 1);
                third[i] = CUT == 30 ? __shfl_down_sync(0xffffffffu, own[i], 2) : 0;
            }
            if (lane >= CUT || (t + lane) * ELEMENTS >= to) continue;
            int in = (t + lane) * ELEMENTS - padding;  // in the image's row
#pragma unroll
            for (int d = 0; d < PAIR; d++) {
                if (d >> shift << shift != d) continue;
                u32 to = at + (d >> shift) * plane + (t + lane) * CHUNK;
                if (CUT == 31 || skew + d <= ELEMENTS) put(to, own, other, skew + d, in + d, width);
                else put(to, other, third, skew + d - ELEMENTS, in + d, width);
            }
        }
    }

    // The chunk of x from element e on, without what lies behind its end.
    DEVICE void fetchChunk(u32 (&d)[4], int e, int all) const {
        if (e + ELEMENTS <= all) {
            uint4 v = *reinterpret_cast<const uint4 *>(x + e);
            d[0] = v.x; d[1] = v.y; d[2] = v.z; d[3] = v.w;
            return;
        }
        const Word *words = reinterpret_cast<const Word *>(x);
#pragma unroll
        for (int i = 0; i < ELEMENTS; i++) {
            if (e + i < all) d[i * (int)sizeof(T) / 4] |= (u32)words[e + i] << i * (int)sizeof(T) % 4 * 8;
        }
    }

    // Stores a chunk whose elements are `in` .. of an image's row, zeros for those that are not.
    DEVICE void put(u32 to, const u32 (&own)[4], const u32 (&other)[4], int skew, int in, int width) const {
        u32 d[4];
        cut(d, own, other, skew * (int)sizeof(T));
        if (in < 0 || in + ELEMENTS > width) {
            const int EACH = 4 / (int)sizeof(T);
            const u32 ONE = 0xffffffffu >> (32 - 8 * (int)sizeof(T));
#pragma unroll
            for (int i = 0; i < ELEMENTS; i++) {
                if ((u32)(in + i) >= (u32)width) d[i / EACH] &= ~(ONE << i % EACH * 8 * (int)sizeof(T));
            }
        }
        storeShared16(to, d[0], d[1], d[2], d[3]);
    }
};
