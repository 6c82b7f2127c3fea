// Matrix products on the tensor cores of sm_80 and later: what the dense product and the convolutions share. A block computes ROWS x COLUMNS results, each of its warps WARP_ROWS x WARP_COLUMNS of
// them, from slices 64 bytes deep (32 halves, 16 floats, 64 bytes of I8) of both operands, which come through STAGES stages of shared memory by cp.async: while one is multiplied, the others are on
// their way. T is f16, bf16, i8, or f32, whose values are rounded to TF32; sums are f32, of i8 i32.
//
// Where an operand's elements come from is its own affair: a struct with
//
//   ALONG                          as a constant: chunks, 16 bytes, run along the depth; else along the operand's rows (columns, for the right one)
//   void copy(u32 slice, int k0)   starts (or does) the copies of this thread's chunks of the slice at depth k0, zeros outside; called with growing k0. Which chunks those are: Slice below
//
// and where results go is that of the sink, see store().
#pragma once
#include "epilogue.cuh"


const int CHUNK = 16;        // bytes
const int DEPTH_BYTES = 64;  // of a slice

// Starts a copy of a chunk from global to shared memory; zeros if there is none, and `from` may be anything then: it is not read.
DEVICE void copyChunk(u32 to, const void *from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(__cvta_generic_to_global(from)), "r"(there ? 16 : 0) : "memory");
}
DEVICE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until all but the last LEFT groups have come, for this thread.
template <int LEFT> DEVICE void awaitCopies() { asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory"); }

// Accesses of shared memory that stay whole; the compiler splits ordinary ones where it does not see the alignment, and the parts meet in banks.
DEVICE void storeShared8(u32 to, u32 a, u32 b) { asm volatile("st.shared.v2.u32 [%0], {%1, %2};" ::"r"(to), "r"(a), "r"(b) : "memory"); }
DEVICE void storeShared16(u32 to, u32 a, u32 b, u32 c, u32 d) { asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(a), "r"(b), "r"(c), "r"(d) : "memory"); }
DEVICE uint4 loadShared16(u32 from) {
    uint4 v;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "r"(from) : "memory");
    return v;
}
DEVICE u32 loadShared4(u32 from) { u32 v; asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(from) : "memory"); return v; }

// Stores one element to shared memory.
DEVICE void storeElement(u32 to, f32 x) { asm volatile("st.shared.u32 [%0], %1;" ::"r"(to), "r"(floatToBits(x)) : "memory"); }
DEVICE void storeElement(u32 to, f16 x) { asm volatile("st.shared.u16 [%0], %1;" ::"r"(to), "h"(x.bits) : "memory"); }
DEVICE void storeElement(u32 to, bf16 x) { asm volatile("st.shared.u16 [%0], %1;" ::"r"(to), "h"(x.bits) : "memory"); }
DEVICE void storeElement(u32 to, i8 x) { asm volatile("st.shared.u8 [%0], %1;" ::"r"(to), "r"((u32)(u8)x.bits) : "memory"); }

// Four 8 x 8 matrices of 16-bit elements (8 x 16 bytes), of which lane 8 i + j gives the address of row j of the i-th.
DEVICE void loadMatrices(u32 (&d)[4], u32 from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(from) : "memory");
}
DEVICE void loadMatricesTransposed(u32 (&d)[4], u32 from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(from) : "memory");
}

// What differs between element types: d += a b for 16 rows, 8 columns and 32 bytes of depth.
template <typename T> struct TensorCore;
#define TENSOR_CORE(T, SUM, CONSTRAINT, INSTRUCTION)                                                                                          \
    template <> struct TensorCore<T> {                                                                                                      \
        typedef SUM Sum;                                                                                                                    \
        static DEVICE void multiply(SUM (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {                                                       \
            asm volatile(INSTRUCTION " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                                     \
                         : CONSTRAINT(d[0]), CONSTRAINT(d[1]), CONSTRAINT(d[2]), CONSTRAINT(d[3])                                            \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                                                   \
        }                                                                                                                                   \
    };
TENSOR_CORE(f16, float, "+f", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32")
TENSOR_CORE(bf16, float, "+f", "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32")
TENSOR_CORE(f32, float, "+f", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
TENSOR_CORE(i8, int, "+r", "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32")

// Fragments of f32 are rounded to TF32, to nearest; the instruction itself would cut the bits off.
template <typename T> DEVICE void roundFragment(u32 (&)[4]) {}
template <> DEVICE void roundFragment<f32>(u32 (&d)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(d[i]) : "f"(bitsToFloat(d[i])));
}

// A slice of an operand in shared memory: SIDE rows (or columns) by 64 bytes of depth if ALONG, else DEPTH rows of SIDE elements. Chunks are permuted within rows so that neither copies nor reads of
// fragments meet in a bank.
template <typename T, int SIDE, bool ALONG, int THREADS> struct Slice {
    static const int DEPTH = DEPTH_BYTES / (int)sizeof(T);
    static const int ELEMENTS = CHUNK / (int)sizeof(T);                     // of a chunk
    static const int LINES = ALONG ? SIDE : DEPTH;
    static const int CHUNKS = ALONG ? 4 : SIDE / ELEMENTS;                  // of a line
    static const int BYTES = SIDE * DEPTH_BYTES;
    static const int PER_THREAD = LINES * CHUNKS / THREADS;
    static_assert(LINES * CHUNKS % THREADS == 0, "threads without a chunk");
    static_assert(ALONG || sizeof(T) > 1, "bytes have no transposed fragments");

    // This thread's chunks are those at lines line(0 .. PER_THREAD - 1), all at the same chunk of their lines.
    static const int LINE_STEP = THREADS / CHUNKS;
    static_assert(THREADS % CHUNKS == 0 && LINE_STEP % (sizeof(T) == 4 && !ALONG ? 4 : 8) == 0, "the chunks of a thread are permuted alike");
    static DEVICE int line(int i) { return (int)threadIdx.x / CHUNKS + i * LINE_STEP; }
    static DEVICE int chunk() { return (int)threadIdx.x % CHUNKS; }
    // Where the i-th of them lies in the slice.
    static DEVICE int ownPlace(int i) { return place((int)threadIdx.x / CHUNKS, chunk()) + i * (LINE_STEP * CHUNKS * CHUNK); }

    // Offset of a chunk in the slice.
    static DEVICE int place(int line, int chunk) {
        int turned;
        if (CHUNKS == 4) turned = chunk ^ (line >> 1 & 3);
        else if (sizeof(T) == 4) turned = chunk ^ (line & 3) << 1;
        else turned = chunk ^ (line & 7);
        return line * (CHUNKS * CHUNK) + turned * CHUNK;
    }

    // The left operand's fragment: 16 rows from `first` on, 32 bytes of depth at `step`.
    static DEVICE void left(u32 (&d)[4], u32 slice, int first, int step) {
        int lane = threadIdx.x % 32;
        if (ALONG) {
            loadMatrices(d, slice + place(first + lane % 16, 2 * step + lane / 16));
        } else if (sizeof(T) == 2) {
            loadMatricesTransposed(d, slice + place(16 * step + lane / 16 * 8 + lane % 8, first / 8 + (lane / 8 & 1)));
        } else {
#pragma unroll
            for (int i = 0; i < 4; i++) d[i] = element(slice, 8 * step + lane % 4 + i / 2 * 4, first + lane / 4 + i % 2 * 8);
        }
        roundFragment<T>(d);
    }

    // The right operand's fragments for 16 columns from `first` on: two of the first eight, two of the others.
    static DEVICE void right(u32 (&d)[4], u32 slice, int first, int step) {
        int lane = threadIdx.x % 32;
        if (ALONG) {
            loadMatrices(d, slice + place(first + lane / 16 * 8 + lane % 8, 2 * step + (lane / 8 & 1)));
        } else if (sizeof(T) == 2) {
            loadMatricesTransposed(d, slice + place(16 * step + lane % 16, first / 8 + lane / 16));
        } else {
#pragma unroll
            for (int i = 0; i < 4; i++) d[i] = element(slice, 8 * step + lane % 4 + i % 2 * 4, first + lane / 4 + i / 2 * 8);
        }
        roundFragment<T>(d);
    }

  private:
    static DEVICE u32 element(u32 slice, int depth, int outer) { return loadShared4(slice + place(depth, outer / ELEMENTS) + outer % ELEMENTS * 4); }
};

template <typename T, int R, int C, int WR, int WC, int S> struct Engine {
    typedef T Element;
    typedef typename TensorCore<T>::Sum Sum;
    static const int ROWS = R;
    static const int COLUMNS = C;
    static const int WARP_ROWS = WR;
    static const int WARP_COLUMNS = WC;
    static const int STAGES = S;
    static const int DEPTH = DEPTH_BYTES / (int)sizeof(T);
    static const int THREADS = R / WR * (C / WC) * 32;
    static const int STAGE_BYTES = (R + C) * DEPTH_BYTES;
    static const int SHARED_BYTES = S * STAGE_BYTES;  // dynamic, at launch
    static const int ROW_BYTES = THREADS / 32 * WC * 4;  // in store(), of all warps
    static const int PASS = WR * ROW_BYTES <= SHARED_BYTES ? WR : WR / 2 * ROW_BYTES <= SHARED_BYTES ? WR / 2 : 16;  // rows that go through shared memory at once
    static_assert(PASS * ROW_BYTES <= SHARED_BYTES && WR % PASS == 0 && PASS % 16 == 0, "store() needs so much");

    typedef Sum Sums[WR / 16][WC / 8][4];

    // Where the warp's results begin in the tile.
    static DEVICE int warpRow() { return (int)threadIdx.x / 32 / (C / WC) * WR; }
    static DEVICE int warpColumn() { return (int)threadIdx.x / 32 % (C / WC) * WC; }

    template <bool A_ALONG, bool B_ALONG> static DEVICE void multiplySlice(Sums &sums, u32 a, u32 b) {
        typedef Slice<T, R, A_ALONG, THREADS> SA;
        typedef Slice<T, C, B_ALONG, THREADS> SB;
#pragma unroll
        for (int step = 0; step < DEPTH_BYTES / 32; step++) {
            u32 fa[WR / 16][4];
#pragma unroll
            for (int i = 0; i < WR / 16; i++) SA::left(fa[i], a, warpRow() + 16 * i, step);
#pragma unroll
            for (int j = 0; j < WC / 16; j++) {
                u32 fb[4];
                SB::right(fb, b, warpColumn() + 16 * j, step);
#pragma unroll
                for (int i = 0; i < WR / 16; i++) {
                    TensorCore<T>::multiply(sums[i][2 * j], fa[i], fb[0], fb[1]);
                    TensorCore<T>::multiply(sums[i][2 * j + 1], fa[i], fb[2], fb[3]);
                }
            }
        }
    }

    // Adds the products over depths from .. to - 1 to the sums; `from` is a multiple of DEPTH. All threads of the block must call, with the same range.
    template <class A, class B> static DEVICE void multiply(Sums &sums, u32 shared, A &a, B &b, int from, int to) {
        int slices = (to - from + DEPTH - 1) / DEPTH;
#pragma unroll
        for (int s = 0; s < S - 1; s++) {
            if (s < slices) {
                a.copy(shared + s * STAGE_BYTES, from + s * DEPTH);
                b.copy(shared + s * STAGE_BYTES + R * DEPTH_BYTES, from + s * DEPTH);
            }
            commitCopies();
        }
        u32 use = shared, fill = shared + (S - 1) * STAGE_BYTES, end = shared + SHARED_BYTES;
#pragma unroll 1
        for (int t = 0; t < slices; t++) {
            awaitCopies<S - 2>(); // this slice has come: a group per slice, empty ones at the end
            __syncthreads();      // for all threads, and nobody reads the stage that is filled next
            if (t + S - 1 < slices) {
                a.copy(fill, from + (t + S - 1) * DEPTH);
                b.copy(fill + R * DEPTH_BYTES, from + (t + S - 1) * DEPTH);
            }
            commitCopies();
            multiplySlice<A::ALONG, B::ALONG>(sums, use, use + R * DEPTH_BYTES);
            use = use + STAGE_BYTES == end ? shared : use + STAGE_BYTES;
            fill = fill + STAGE_BYTES == end ? shared : fill + STAGE_BYTES;
        }
        __syncthreads(); // shared memory is free again
    }

    // Hands the sums to a sink, W neighbouring ones of a row at a time (4, 8 or 16; those of 16 bytes of output), through the warp's own part of shared memory, so that neighbouring lanes have a row:
    //
    //   void begin(int column)                  the first of the thread's W columns in the tile, the same for all its rows
    //   void put(int row, const float (&v)[W])  of the tile
    //
    // As many rows as shared memory holds are written before the first is read: the code of put() is there once, or twice.
    template <int W, class SINK> static DEVICE void store(const Sums &sums, unsigned char *shared, SINK &sink) {
        const int LANES = WC / W;  // of a row
        static_assert(WC >= 32 && LANES <= 32 && 32 / LANES <= 16, "lanes have rows");
        int lane = threadIdx.x % 32;
        u32 mine = (u32)__cvta_generic_to_shared(shared) + threadIdx.x / 32 * (PASS * WC * 4);
        sink.begin(warpColumn() + lane % LANES * W);
#pragma unroll
        for (int pass = 0; pass < WR; pass += PASS) {
#pragma unroll
            for (int i = 0; i < PASS / 8; i++) {
                int r = 8 * i + lane / 4;
#pragma unroll
                for (int j = 0; j < WC / 8; j++) {
                    const Sum(&of)[4] = sums[pass / 16 + i / 2][j];
                    storeShared8(mine + r * (WC * 4) + (2 * j + lane % 4 / 2 ^ 2 * (r & 3)) * 16 + lane % 2 * 8, bitsOf(of[i % 2 * 2]), bitsOf(of[i % 2 * 2 + 1]));
                }
            }
            __syncwarp();
#pragma unroll 1
            for (int r = lane / LANES; r < PASS; r += 32 / LANES) {
                float v[W];
                readRow<W>(v, mine + r * (WC * 4), lane % LANES * (W / 4), 2 * (r & 3), lane);
                sink.put(warpRow() + pass + r, v);
            }
            __syncwarp();
        }
    }

  private:
    static DEVICE u32 bitsOf(float f) { return floatToBits(f); }
    static DEVICE u32 bitsOf(int i) { return (u32)i; }
    static DEVICE float valueOf(u32 b, float) { return bitsToFloat(b); }
    static DEVICE float valueOf(u32 b, int) { return (float)(int)b; }

    // W sums from quad `first` of a row on. Lanes that lie W apart begin with different quads, else they would meet in a bank.
    template <int W> static DEVICE void readRow(float (&v)[W], u32 row, int first, int turn, int lane) {
        const int QUADS = W / 4;
        int shift = QUADS == 2 ? lane / 4 % 2 : QUADS == 4 ? (lane / 2 ^ (WC == 32 ? lane / 4 : 0)) % 2 : 0;
        uint4 q[QUADS];
#pragma unroll
        for (int t = 0; t < QUADS; t++) q[t] = loadShared16(row + (first + (t + shift) % QUADS ^ turn) * 16);
#pragma unroll
        for (int t = 0; t < QUADS; t++) {
            const uint4 &p = q[t], &o = q[(t + QUADS - 1) % QUADS];  // quad t was read t-th, or the one before it
            v[4 * t] = valueOf(shift ? o.x : p.x, Sum());
            v[4 * t + 1] = valueOf(shift ? o.y : p.y, Sum());
            v[4 * t + 2] = valueOf(shift ? o.z : p.z, Sum());
            v[4 * t + 3] = valueOf(shift ? o.w : p.w, Sum());
        }
    }
};

// Mean and squared deviations of a tile's columns over its rows, for batch normalisation, of W neighbouring columns per thread: a sink has one, begins it, adds each row that exists before it is
// rounded, and the kernel calls finish() after store(). A thread sums around its own first value, and moments are combined as by Chan et al. 1979, so that a mean that is large against the
// deviation costs no digits.
template <class E, int W> struct ColumnMoments {
    static const int LANES = E::WARP_COLUMNS / W;  // of a row
    static const int PACKS = E::COLUMNS / W;
    static const int LINE = PACKS + 32 / W;   // of one column of each pack, in shared memory: both ways to go through it are free of conflicts
    float n, mean[W], m2[W];  // until finish(): count, sum and sum of squares around `first`
    float first[W];

    DEVICE void begin() {
        n = 0;
#pragma unroll
        for (int i = 0; i < W; i++) mean[i] = m2[i] = first[i] = 0;
    }

    DEVICE void add(const float (&v)[W]) {
        bool none = n == 0;
        n += 1;
#pragma unroll
        for (int i = 0; i < W; i++) {
            if (none) first[i] = v[i];
            float d = v[i] - first[i];
            mean[i] += d;
            m2[i] += d * d;
        }
    }

    // Stores the tile's means at to[0 .. columns - 1] and its squared deviations `columns` further on. column: this thread's first. All threads must call; shared memory is the block's.
    DEVICE void finish(unsigned char *shared, float *to, int column, int columns) {
        moments();
        int lane = threadIdx.x % 32;
#pragma unroll
        for (int step = LANES; step < 32; step *= 2) {
            float on = __shfl_xor_sync(0xffffffffu, n, step);
            float share = on / fmaxf(n + on, 1);
#pragma unroll
            for (int i = 0; i < W; i++) merge(i, __shfl_xor_sync(0xffffffffu, mean[i], step), __shfl_xor_sync(0xffffffffu, m2[i], step), on, share);
            n += on;
        }
        __syncthreads(); // nobody is in store() any more
        static_assert(E::ROWS == 2 * E::WARP_ROWS && E::THREADS >= E::COLUMNS, "two warps have a column, and there is a thread for each");
        float *counts = reinterpret_cast<float *>(shared), *means = counts + PACKS, *deviations = means + W * LINE;
        int pack = E::warpColumn() / W + lane;
        if (E::warpRow() != 0 && lane < LANES) {
            counts[pack] = n;
#pragma unroll
            for (int i = 0; i < W; i++) {
                means[i * LINE + pack] = mean[i];
                deviations[i * LINE + pack] = m2[i];
            }
        }
        __syncthreads();
        if (E::warpRow() == 0 && lane < LANES) {
            float on = counts[pack];
            float share = on / fmaxf(n + on, 1);
#pragma unroll
            for (int i = 0; i < W; i++) {
                merge(i, means[i * LINE + pack], deviations[i * LINE + pack], on, share);
                means[i * LINE + pack] = mean[i];
                deviations[i * LINE + pack] = m2[i];
            }
        }
        __syncthreads();
        int own = threadIdx.x, at = column - E::warpColumn() - lane % LANES * W + own;
        if (own < E::COLUMNS && at < columns) {
            to[at] = means[own % W * LINE + own / W];
            to[columns + at] = deviations[own % W * LINE + own / W];
        }
    }

  private:
    DEVICE void moments() {
        float share = 1 / fmaxf(n, 1);
#pragma unroll
        for (int i = 0; i < W; i++) {
            float d = mean[i] * share;
            float left = m2[i] - mean[i] * d;
            mean[i] = first[i] + d;
            m2[i] = left < 0 ? 0 : left; // rounding; NaN stays
        }
    }
    // Column i with that of `on` more rows, which are `share` of all.
    DEVICE void merge(int i, float otherMean, float otherM2, float on, float share) {
        float d = otherMean - mean[i];
        mean[i] += d * share;
        m2[i] += otherM2 + d * d * (n * share);
    }
};

// An operand that lies in memory as a matrix with rows of `pitch` elements: `outers` of them by `depth` if ALONG, else the other way round. Rows are multiples of 16 bytes, or RAGGED.
template <class ENGINE, int SIDE, bool A, bool RAGGED = false> struct DenseOperand {
    static const bool ALONG = A;
    typedef typename ENGINE::Element T;
    typedef Slice<T, SIDE, A, ENGINE::THREADS> S;
    const T *at;      // the matrix
    const T *mine;    // this thread's first chunk at depth 0
    i64 pitch;
    int outer, outers; // of this thread's first chunk; how many there are
    int depth;         // where the part that is summed ends

    // first: of the tile, among the outers.
    DEVICE DenseOperand(const T *at, i64 pitch, int first, int outers, int depth) : at(at), pitch(pitch), outers(outers), depth(depth) {
        outer = first + (A ? S::line(0) : S::chunk() * S::ELEMENTS);
        mine = at + (A ? outer * pitch + S::chunk() * S::ELEMENTS : S::line(0) * pitch + outer);
    }

    DEVICE void copy(u32 slice, int k0) const {
        if (RAGGED) {
            copyElements(slice, k0);
            return;
        }
        const T *p = mine + (A ? (i64)k0 : k0 * pitch);
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            int o = outer + (A ? i * S::LINE_STEP : 0);
            int k = k0 + (A ? S::chunk() * S::ELEMENTS : S::line(i));
            bool there = o < outers && k < depth;
            copyChunk(slice + S::ownPlace(i), p + i * S::LINE_STEP * pitch, there);
        }
    }

  private:
    // Neighbouring lanes copy neighbouring elements of a line, several on their way at a time. Done when it returns, for this thread.
    DEVICE void copyElements(u32 slice, int k0) const {
        const int LINE = S::CHUNKS * S::ELEMENTS;
        const int STEP = ENGINE::THREADS / LINE;
        const int N = S::LINES / STEP;
        static_assert(ENGINE::THREADS % LINE == 0 && S::LINES % STEP == 0, "lines are shared evenly");
        int line = (int)threadIdx.x / LINE, in = (int)threadIdx.x % LINE;
        const T *p = at + (A ? (outer - S::line(0) + line) * pitch + k0 + in : (k0 + line) * pitch + outer - S::chunk() * S::ELEMENTS + in);
        const int AHEAD = 8;
        static_assert(N % AHEAD == 0, "whole batches");
#pragma unroll 1
        for (int batch = 0; batch < N; batch += AHEAD, line += AHEAD * STEP, p += AHEAD * STEP * pitch) {
            T v[AHEAD];
#pragma unroll
            for (int i = 0; i < AHEAD; i++) {
                int o = outer + (A ? line + i * STEP - S::line(0) : in - S::chunk() * S::ELEMENTS);
                int k = k0 + (A ? in : line + i * STEP);
                v[i] = T();
                if (o < outers && k < depth) v[i] = p[i * STEP * pitch];
            }
#pragma unroll
            for (int i = 0; i < AHEAD; i++) storeElement(slice + S::place(line + i * STEP, in / S::ELEMENTS) + in % S::ELEMENTS * (int)sizeof(T), v[i]);
        }
    }
};
