// Grouped 3x3 convolution on tensor cores: what its three passes share. Groups are of 4, 8, 16 or 32 channels, as many in as out, so that slabs of 32 channels are convolved apart from each other.
//
// A block has a slab of channels and a unit of work: STRIPS strips of 8 columns side by side, of one image or, where images are narrow, of several, and a run of rows. It walks down the rows. Each row
// of the images comes to shared memory once, with its halo of columns, and is multiplied with all taps that meet it; the rows of results that are under way stay in registers. So nothing but the halo
// of the runs is read twice. A fragment has 16 pixels, of two neighbouring strips, which is a warp's part of a row.
//
// In shared memory a pixel is 64 bytes, the slab's channels, as four chunks; pixels that a fragment reads are neighbours, which for stride 2 asks for even and odd columns apart. Chunks are permuted
// so that eight neighbours' chunks of the same channels lie in different banks.
#pragma once
#include "tensor_cores.cuh"

const int GROUPED_THREADS = 256;
const int WARPS = GROUPED_THREADS / 32;
const int STRIPS = 8;   // of a block, at most
const int SLAB = 32;    // channels
const int PIXEL = 64;   // bytes of a slab of a pixel
const int TAPS = 9;

// A pass; GroupedPass.java fills it in this order.
struct Grouped {
    int n, h, w;                  // images that are gathered from: x, of the gradient by x the gradient by y
    int oh, ow;                   // images that are gathered to; of the gradient by w, the gradient by y
    int c;                        // channels of both
    int top, left;                // padding
    int rows, chunks;             // of a unit, and units above each other. Rows of results, of the gradient by x with stride 2 pairs of them
    int span, segments, abreast;  // strips of an image side by side in a unit, units side by side, images side by side in a unit
    int units, perBlock;          // in all, and of a block
    int g;                        // channels of a group
    int flip;                     // the gradient by x with stride 1: taps turned around, groups' weights transposed
};

// Which part of the images a unit is.
struct Unit {
    int image, segment, chunk;
    DEVICE Unit(int unit, const Grouped &p) {
        chunk = unit % p.chunks;
        segment = unit / p.chunks % p.segments;
        image = unit / p.chunks / p.segments * p.abreast;
    }
};

// A strip of a block: its image (an offset) and its place among the image's strips.
struct Strip {
    int image, local;
    bool there;
    DEVICE Strip(int t, const Grouped &p) {
        there = t < p.abreast * p.span;
        image = there ? t / p.span : 0;
        local = there ? t % p.span : 0;
    }
};

DEVICE u32 placeOf(int slot, int chunk) { return slot * PIXEL + (chunk ^ (slot >> 1 & 3)) * CHUNK; }

// How rows of images lie in shared memory: STEP columns per column of a strip, EXTRA halo columns; with STEP 2, even columns come first.
template <int STEP, int EXTRA> struct RowOf {
    static const int MOST_SLOTS = STRIPS * (8 * STEP + EXTRA);
    static const int BYTES = MOST_SLOTS * PIXEL;
    static const int COPIES = (MOST_SLOTS * 4 + GROUPED_THREADS - 1) / GROUPED_THREADS;  // chunks of a thread

    static DEVICE int slots(const Grouped &p) { return 8 * STEP * p.span + EXTRA; }
    static DEVICE int columnOf(int slot, const Grouped &p) {
        int evens = 8 * p.span + EXTRA / 2;
        return STEP == 1 ? slot : slot < evens ? 2 * slot : 2 * (slot - evens) + 1;
    }
    // The slot of a strip's first column, shifted by s columns.
    static DEVICE int slotOf(const Strip &t, int s, const Grouped &p) {
        int first = t.image * slots(p) + 8 * t.local;
        return STEP == 1 ? first + s : first + (s & 1) * (8 * p.span + EXTRA / 2) + s / 2;
    }
};

// Copies rows of images to shared memory, zeros where there are none.
template <typename T, class ROW> struct Rows {
    const T *images;
    int height, width, channels;
    const T *column[ROW::COPIES];  // each chunk's place in row 0
    u32 to[ROW::COPIES];
    u32 there;                     // a bit for each chunk: its column exists
    int row, limit;                // the next one, and where rows that are needed end

    DEVICE Rows(const T *at, int h, int w, int c) : images(at), height(h), width(w), channels(c), there(0), row(0), limit(0) {}

    // A unit's rows from `first` to `end`, whose columns begin at `shift` to the left of its strips' first.
    DEVICE void begin(const Grouped &p, const Unit &unit, int step, int shift, int first, int end) {
        row = first;
        limit = min(end, height);
        there = 0;
#pragma unroll
        for (int m = 0; m < ROW::COPIES; m++) {
            int e = m * GROUPED_THREADS + (int)threadIdx.x, slot = e / 4, chunk = e % 4;
            int image = slot / ROW::slots(p);
            int x = 8 * step * p.span * unit.segment - shift + ROW::columnOf(slot - image * ROW::slots(p), p);
            bool exists = image < p.abreast && unit.image + image < p.n && x >= 0 && x < width;
            there |= (exists ? 1u : 0u) << m;
            to[m] = placeOf(slot, chunk);
            i64 pixel = exists ? (i64)(unit.image + image) * height * width + x : 0;
            column[m] = images + pixel * channels + blockIdx.x * SLAB + chunk * 8;
        }
    }

    DEVICE void copy(u32 stage, const Grouped &p) {
        bool inside = row >= 0 && row < limit;
#pragma unroll
        for (int m = 0; m < ROW::COPIES; m++) {
            bool exists = inside && there >> m & 1;
            if (m * GROUPED_THREADS + (int)threadIdx.x < 4 * p.abreast * ROW::slots(p)) {
                copyChunk(stage + to[m], exists ? column[m] + (i64)row * width * channels : images, exists);
            }
        }
        row++;
    }
};

// Feeds a block's units, row by row, to a ring of stages. PASS says what a step copies: Row, ROWS of them, steps(p) of a unit, and begin(rows, unit, p).
template <typename T, class PASS> struct Feeder {
    Rows<T, typename PASS::Row> rows;
    int unit, step, left;

    DEVICE Feeder(const T *at, int h, int w, const Grouped &p, int from, int to) : rows(at, h, w, p.c), unit(from), step(0), left((to - from) * PASS::steps(p)) {}

    // Starts the copies of the next step, if there is one.
    DEVICE void copy(u32 stage, const Grouped &p) {
        if (left == 0) return;
        if (step == 0) PASS::begin(rows, Unit(unit, p), p);
#pragma unroll
        for (int r = 0; r < PASS::ROWS; r++) rows.copy(stage + r * PASS::Row::BYTES, p);
        left--;
        if (++step == PASS::steps(p)) {
            step = 0;
            unit++;
        }
    }
};

// The product of halves with 8 channels of depth: d += a b.
DEVICE void multiply8(float (&d)[4], u32 a0, u32 a1, u32 b, f16) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a0), "r"(a1), "r"(b));
}
DEVICE void multiply8(float (&d)[4], u32 a0, u32 a1, u32 b, bf16) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a0), "r"(a1), "r"(b));
}
