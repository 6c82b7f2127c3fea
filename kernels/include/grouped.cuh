// Grouped 3x3 convolution on tensor cores: what its three passes share. Groups are of 4, 8, 16 or 32 channels, as many in as out, so that slabs of 32 channels are convolved apart from each other.
//
// A block has a slab of channels and a unit of work: a strip of 8 columns for each of its WARPS warps, side by side, of one image or, where images are narrow, of several, and a run of rows. It walks
// down the rows. Each row of the images comes to shared memory once, with its halo of columns, and is multiplied with all taps that meet it; what is under way stays in registers. So nothing but the
// halo of the runs is read twice. A fragment has 16 pixels, of two neighbouring strips, which is a warp's part of a row: pairs of warps or fours share them, and divide the channels.
//
// In shared memory a pixel is 64 bytes, the slab's channels, as four chunks; pixels that a fragment reads are neighbours, which for stride 2 asks for even and odd columns apart. Chunks are permuted
// so that eight neighbours' chunks of the same channels lie in different banks.
#pragma once
#include "tensor_cores.cuh"

const int SLAB = 32;    // channels
const int PIXEL = 64;   // bytes of a slab of a pixel
const int TAPS = 9;

// Blocks of 256 threads two on a multiprocessor, of 128 three: said to ptxas, which else saves registers for more, and spills, or takes more and leaves it half empty.
#define GROUPED_KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS, THREADS == 128 ? 3 : 2)

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

// A block's units, one after the other: which part of the images they are.
struct Unit {
    int image, segment, chunk;
    DEVICE Unit(int unit, const Grouped &p) {
        chunk = unit % p.chunks;
        segment = unit / p.chunks % p.segments;
        image = unit / p.chunks / p.segments * p.abreast;
    }
    DEVICE void next(const Grouped &p) {
        if (++chunk < p.chunks) return;
        chunk = 0;
        if (++segment < p.segments) return;
        segment = 0;
        image += p.abreast;
    }
};

// The units of this block.
DEVICE int firstUnit(const Grouped &p) { return blockIdx.y * p.perBlock; }
DEVICE int unitsOfBlock(const Grouped &p) { return min(p.perBlock, p.units - firstUnit(p)); }

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
template <int WARPS, int STEP, int EXTRA> struct RowOf {
    static const int THREADS = WARPS * 32;
    static const int MOST_SLOTS = WARPS * (8 * STEP + EXTRA);
    static const int BYTES = MOST_SLOTS * PIXEL;
    static const int COPIES = (MOST_SLOTS * 4 + THREADS - 1) / THREADS;  // chunks of a thread
    static_assert(THREADS % 32 == 0 && BYTES % 128 == 0, "a thread's chunks are at the same place of their pixels, which differ by a multiple of 8");

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

// Copies rows of images to shared memory, zeros where there are none. A thread has the same pixels' chunks in each row.
template <typename T, class ROW> struct Rows {
    const T *images;            // with the thread's chunk of a pixel
    int slot[ROW::COPIES];      // image << 16 and column of a unit that the thread copies; negative if it has none
    int pixel[ROW::COPIES];     // of the unit's images, in row 0; negative if there is none
    u32 to;                     // of the first; others lie THREADS / 4 slots behind each other
    int row, limit;             // the next one, and where rows that are needed end

    DEVICE Rows(const T *at, const Grouped &p) : row(0), limit(0) {
        images = at + blockIdx.x * SLAB + threadIdx.x % 4 * 8;
        to = placeOf(threadIdx.x / 4, threadIdx.x % 4);
#pragma unroll
        for (int m = 0; m < ROW::COPIES; m++) {
            int at = m * (ROW::THREADS / 4) + (int)threadIdx.x / 4, image = at / ROW::slots(p);
            slot[m] = image < p.abreast ? image << 16 | ROW::columnOf(at % ROW::slots(p), p) : -1;
            asm volatile("" : "+r"(slot[m]));  // is not derived again for every unit, which would take many registers
            pixel[m] = -1;
        }
    }

    // A unit's rows from `first` to `end`, whose columns begin with the given one.
    DEVICE void begin(const Grouped &p, const Unit &unit, int column, int first, int end, int height, int width) {
        row = first;
        limit = min(end, height);
#pragma unroll
        for (int m = 0; m < ROW::COPIES; m++) {
            int image = unit.image + (slot[m] >> 16), x = column + (slot[m] & 0xffff);
            pixel[m] = slot[m] >= 0 && image < p.n && x >= 0 && x < width ? image * height * width + x : -1;
        }
    }

    DEVICE void copy(u32 stage, const Grouped &p, int width) {
        bool inside = row >= 0 && row < limit;
        int before = row * width;
#pragma unroll
        for (int m = 0; m < ROW::COPIES; m++) {
            bool exists = inside && pixel[m] >= 0;
            if (slot[m] >= 0) copyChunk(stage + to + m * (ROW::THREADS / 4 * PIXEL), images + (exists ? (i64)(pixel[m] + before) * p.c : 0), exists);
        }
        row++;
    }
};

// Feeds a block's units, step by step, to a ring of stages. SOURCE says what a step copies: steps(p) of a unit, begin(unit, p), copy(stage, p).
template <class SOURCE> struct Feeder {
    SOURCE source;
    Unit unit;
    int step, left;

    DEVICE Feeder(const SOURCE &s, const Grouped &p) : source(s), unit(firstUnit(p), p), step(0), left(unitsOfBlock(p) * SOURCE::steps(p)) {}

    // Starts the copies of the next step, if there is one; a group in any case.
    DEVICE void copy(u32 stage, const Grouped &p) {
        if (left > 0) {
            if (step == 0) source.begin(unit, p);
            source.copy(stage, p);
            left--;
            if (++step == SOURCE::steps(p)) {
                step = 0;
                unit.next(p);
            }
        }
        commitCopies();
    }
};

// The rows of x that rows of a convolution's results, or of their gradient, meet: S of them in each step.
template <typename T, int WARPS, int S> struct RowsOfX {
    typedef RowOf<WARPS, S, 2> Row;
    static const int BYTES = S * Row::BYTES;
    Rows<T, Row> rows;

    DEVICE RowsOfX(const T *x, const Grouped &p) : rows(x, p) {}
    static DEVICE int steps(const Grouped &p) { return S == 1 ? p.rows + 2 : p.rows + 1; }
    DEVICE void begin(const Unit &unit, const Grouped &p) {
        int first = unit.chunk * p.rows;
        rows.begin(p, unit, 8 * S * p.span * unit.segment - p.left, first * S - p.top, (min(first + p.rows, p.oh) - 1) * S - p.top + 3, p.h, p.w);
    }
    DEVICE void copy(u32 stage, const Grouped &p) {
#pragma unroll
        for (int r = 0; r < S; r++) rows.copy(stage + r * Row::BYTES, p, p.w);
    }
};
