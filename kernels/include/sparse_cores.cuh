// Products of a 2:4 sparse matrix on the tensor cores of sm_80 and later: y = x w^T, w compressed (Sparse24.java, Metadata24.java). The sparse operand of mma.sp is the left one, so a block computes
// ROWS channels (rows of w) by COLUMNS pixels (rows of x), each of its warps WARP_ROWS x WARP_COLUMNS of them, and turns them when it stores. A stage of shared memory has 64 bytes of each row of
// values (a slice of tensor_cores.cuh), the 128 bytes of each row of x that belong to them (two slices), and the metadata, whose words lie in the order of the lanes. An instruction takes 32 bytes of
// values and a slice of x.
#pragma once
#include "tensor_cores.cuh"

// What differs between element types: d += a b for 16 rows, 8 columns and 64 bytes of depth, of which 32 are stored of a. Metadata is ordered: the lower of two indices comes first.
template <typename T> struct SparseCore;
#define SPARSE_CORE(T, SUM, CONSTRAINT, WORDS_PER_STAGE, INSTRUCTION)                                                                                                                 \
    template <> struct SparseCore<T> {                                                                                                                                                \
        typedef SUM Sum;                                                                                                                                                              \
        static const int WORDS = WORDS_PER_STAGE; /* of metadata for 16 rows of a stage, per lane: of 16-bit elements one word serves two instructions, which the selector tells apart */ \
        template <int SELECTOR> static DEVICE void multiply(SUM (&d)[4], const u32 (&a)[4], const u32 (&b)[4], u32 metadata) {                                                        \
            asm volatile(INSTRUCTION " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9, %10, %11}, {%0, %1, %2, %3}, %12, %13;"                                                           \
                         : CONSTRAINT(d[0]), CONSTRAINT(d[1]), CONSTRAINT(d[2]), CONSTRAINT(d[3])                                                                                      \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]), "r"(metadata), "n"(SELECTOR));                                    \
        }                                                                                                                                                                             \
    };
SPARSE_CORE(f16, float, "+f", 1, "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32")
SPARSE_CORE(bf16, float, "+f", 1, "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.bf16.bf16.f32")
SPARSE_CORE(i8, int, "+r", 2, "mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32")

const int METADATA_ROWS = 16;     // of a block of metadata
const int METADATA_BYTES = 128;   // of it: a word per lane
const int METADATA_COLUMNS = 64;  // of the dense matrix

template <typename T, int R, int C, int WR, int WC, int S> struct SparseEngine {
    typedef typename SparseCore<T>::Sum Sum;
    typedef Sum Sums[WR / 16][WC / 8][4];
    static const int ROWS = R;
    static const int COLUMNS = C;
    static const int THREADS = R / WR * (C / WC) * 32;
    static const int STORED = DEPTH_BYTES / (int)sizeof(T);  // values of a row in a stage
    static const int DEPTH = 2 * STORED;                     // columns of the dense matrix
    static const int WORDS = SparseCore<T>::WORDS;
    static const int CHUNKS = METADATA_BYTES * WORDS / CHUNK;  // of metadata, for 16 rows
    static const int METADATA = (R + 2 * C) * DEPTH_BYTES;     // where it begins in a stage
    static const int STAGE_BYTES = METADATA + R / METADATA_ROWS * CHUNKS * CHUNK;
    static const int SHARED_BYTES = S * STAGE_BYTES;  // dynamic, at launch
    static const int PITCH = WR + 4;                  // floats between pixels on their way out
    static const int PASS = THREADS / 32 * WC * PITCH * 4 <= SHARED_BYTES ? WC : WC / 2;  // pixels of a warp that go out at once
    typedef Slice<T, R, true, THREADS> Values;
    typedef Slice<T, C, true, THREADS> Pixels;
    static_assert(R / METADATA_ROWS * CHUNKS <= THREADS, "a thread copies at most a chunk of metadata");
    static_assert(THREADS / 32 * PASS * PITCH * 4 <= SHARED_BYTES && PASS % 8 == 0, "store() needs so much");
    static_assert(METADATA_COLUMNS * WORDS == DEPTH, "a stage has whole blocks of metadata");

    // Where the warp's results begin in the tile.
    static DEVICE int warpRow() { return (int)threadIdx.x / 32 / (C / WC) * WR; }
    static DEVICE int warpColumn() { return (int)threadIdx.x / 32 % (C / WC) * WC; }

    // A matrix in rows, of which this thread copies a chunk of every (THREADS / 4)-th. Whatever does not change from stage to stage is computed once: beside 64 products per stage, warps have little
    // time for addresses.
    template <class SLICE> struct Rows {
        static const int APART = SLICE::LINE_STEP;
        const T *at;   // the thread's first chunk
        i64 step;      // elements between its rows
        u32 there;     // bit 4 + i: row i is in the matrix

        DEVICE Rows(const T *matrix, int first, int rows, int pitch, int from) {
            int row = first + SLICE::line(0);
            at = matrix + (i64)row * pitch + from + SLICE::chunk() * SLICE::ELEMENTS;
            step = (i64)pitch * APART;
            there = 0;
#pragma unroll
            for (int i = 0; i < SLICE::PER_THREAD; i++) there |= row + i * APART < rows ? 16u << i : 0;
        }

        // Starts copies of PARTS x 64 bytes of each row, to a slice each; zeros where there are none, or `valid` says so.
        template <int PARTS> DEVICE void copy(u32 to, const bool (&valid)[PARTS]) const {
            const T *from = at;
#pragma unroll
            for (int i = 0; i < SLICE::PER_THREAD; i++, from += step) {
#pragma unroll
                for (int p = 0; p < PARTS; p++) copyBytes(to + p * SLICE::BYTES + i * APART * DEPTH_BYTES, from + p * STORED, valid[p] ? there >> i & 16 : 0);
            }
        }
    };

    // Starts a copy of a chunk, of which so many bytes are read (16 or none) and the others are zeros.
    static DEVICE void copyBytes(u32 to, const void *from, u32 bytes) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(__cvta_generic_to_global(from)), "r"(bytes) : "memory");
    }

    // Copies stage after stage.
    struct Operands {
        Rows<Values> values;
        Rows<Pixels> pixels;
        const u32 *metadata;
        int columns;  // blocks of metadata from the thread's on, of its row
        int left;     // columns of the dense matrix from the thread's chunk of x on
        u32 place;    // of the thread's first chunk in a slice
        u32 word;     // of its chunk of metadata in a stage

        // Rows of metadata beside the matrix are replaced by its last ones: what is multiplied there is zeros, but zeros would be no metadata.
        DEVICE Operands(const T *x, const T *w, const u32 *words, int channel, int pixel, int m, int n, int k, int from, int to)
            : values(w, channel, n, k / 2, from / 2), pixels(x, pixel, m, k, from) {
            int blockColumns = (k + METADATA_COLUMNS - 1) / METADATA_COLUMNS, blockRows = (n + METADATA_ROWS - 1) / METADATA_ROWS;
            int number = threadIdx.x, row = min(channel / METADATA_ROWS + number / CHUNKS, blockRows - 1), column = from / METADATA_COLUMNS + number % CHUNKS / (METADATA_BYTES / CHUNK);
            metadata = words + ((i64)row * blockColumns + column) * (METADATA_BYTES / 4) + number % (METADATA_BYTES / CHUNK) * 4;
            columns = blockColumns - column;
            left = to - from - Values::chunk() * Values::ELEMENTS;
            place = Values::ownPlace(0);
            word = METADATA + number * CHUNK;
        }

        DEVICE void copy(u32 stage) {
            int more = left - Values::chunk() * Values::ELEMENTS;  // of the dense matrix from the thread's chunk of values on
            const bool kept[1] = {more > 0}, both[2] = {left > 0, left > STORED};
            values.copy(stage + place, kept);
            pixels.copy(stage + R * DEPTH_BYTES + place, both);
            if (threadIdx.x < R / METADATA_ROWS * CHUNKS) copyBytes(stage + word, columns > 0 ? metadata : metadata - METADATA_BYTES / 4, 16);
            values.at += STORED;
            pixels.at += DEPTH;
            metadata += METADATA_BYTES / 4 * WORDS;
            columns -= WORDS;
            left -= DEPTH;
        }
    };

    // Where a lane finds its rows of fragments in a stage. Chunks are turned by the row's number modulo 8, so that other rows of the warp's are a constant away.
    struct Lane {
        u32 values[2], pixels, metadata;

        DEVICE Lane() {
            int lane = threadIdx.x % 32;
#pragma unroll
            for (int step = 0; step < 2; step++) values[step] = Values::place(warpRow() + lane % 16, 2 * step + lane / 16);
            pixels = R * DEPTH_BYTES + Pixels::place(warpColumn() + lane % 8, lane / 8);
            metadata = METADATA + warpRow() / METADATA_ROWS * WORDS * METADATA_BYTES + lane * 4;
        }
    };

    // What one instruction takes of each row, for all of the warp's results.
    template <int STEP> static DEVICE void multiplyStep(Sums &sums, u32 stage, const Lane &lane, u32 (&metadata)[WR / 16]) {
        u32 a[WR / 16][4], values = stage + lane.values[STEP], pixels = stage + lane.pixels + STEP * Pixels::BYTES;
#pragma unroll
        for (int i = 0; i < WR / 16; i++) {
            loadMatrices(a[i], values + i * 16 * DEPTH_BYTES);
            if (STEP < WORDS) metadata[i] = loadShared4(stage + lane.metadata + (i * WORDS + STEP) * METADATA_BYTES);
        }
#pragma unroll
        for (int j = 0; j < WC / 8; j++) {
            u32 b[4];
            loadMatrices(b, pixels + j * 8 * DEPTH_BYTES);
#pragma unroll
            for (int i = 0; i < WR / 16; i++) SparseCore<T>::template multiply<WORDS == 1 ? STEP : 0>(sums[i][j], a[i], b, metadata[i]);
        }
    }

    // Adds the products of so many stages to the sums. All threads of the block must call.
    static DEVICE void multiply(Sums &sums, u32 shared, Operands &in, int stages) {
        Lane lane;
#pragma unroll
        for (int s = 0; s < S - 1; s++) {
            if (s < stages) in.copy(shared + s * STAGE_BYTES);
            commitCopies();
        }
        u32 use = shared, fill = shared + (S - 1) * STAGE_BYTES, end = shared + SHARED_BYTES;
#pragma unroll 1
        for (int t = 0; t < stages; t++) {
            awaitCopies<S - 2>();  // this stage has come: a group per stage, empty ones at the end
            __syncthreads();       // for all threads, and nobody reads the stage that is filled next
            if (t + S - 1 < stages) in.copy(fill);
            commitCopies();
            u32 metadata[WR / 16];
            multiplyStep<0>(sums, use, lane, metadata);
            multiplyStep<1>(sums, use, lane, metadata);
            use = use + STAGE_BYTES == end ? shared : use + STAGE_BYTES;
            fill = fill + STAGE_BYTES == end ? shared : fill + STAGE_BYTES;
        }
        __syncthreads();  // shared memory is free again
    }

    // Hands the sums to a sink, four neighbouring channels of a pixel at a time, through the warp's own part of shared memory, so that neighbouring lanes have a pixel:
    //
    //   void begin(int channel)               the first of the thread's four channels in the tile, the same for all its pixels
    //   void put(int pixel, float4 v)         of the tile
    template <class SINK> static DEVICE void store(const Sums &sums, unsigned char *shared, SINK &sink) {
        const int LANES = WR / 4;  // of a pixel
        int lane = threadIdx.x % 32;
        float *mine = reinterpret_cast<float *>(shared) + threadIdx.x / 32 * (PASS * PITCH);
        sink.begin(warpRow() + lane % LANES * 4);
#pragma unroll
        for (int first = 0; first < WC; first += PASS) {
#pragma unroll
            for (int j = 0; j < PASS / 8; j++) {
#pragma unroll
                for (int i = 0; i < WR / 16; i++) {
#pragma unroll
                    for (int e = 0; e < 4; e++) mine[(8 * j + lane % 4 * 2 + e % 2) * PITCH + 16 * i + e / 2 * 8 + lane / 4] = (float)sums[i][first / 8 + j][e];
                }
            }
            __syncwarp();
#pragma unroll 1
            for (int p = lane / LANES; p < PASS; p += 32 / LANES) sink.put(warpColumn() + first + p, *reinterpret_cast<const float4 *>(mine + p * PITCH + lane % LANES * 4));
            __syncwarp();
        }
    }
};

// A tile's product of columns from .. to - 1, of which `from` begins a stage.
template <class E, typename T> DEVICE void sparseProduct(typename E::Sums &sums, unsigned char *shared, const T *x, const T *values, const u32 *metadata, int channel, int pixel, int m, int n, int k,
                                                         int from, int to) {
    typename E::Operands in(x, values, metadata, channel, pixel, m, n, k, from, to);
    E::multiply(sums, (u32)__cvta_generic_to_shared(shared), in, (to - from + E::DEPTH - 1) / E::DEPTH);
}
