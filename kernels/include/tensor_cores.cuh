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

DEVICE u32 rawBits(f16 x) { return x.bits; }
DEVICE u32 rawBits(bf16 x) { return x.bits; }
DEVICE u32 rawBits(f32 x) { return floatToBits(x); }
DEVICE u32 rawBits(i8 x) { return (u8)x.bits; }

const int CHUNK = 16;        // bytes
const int DEPTH_BYTES = 64;  // of a slice

// Starts a copy of a chunk from global to shared memory; zeros if there is none. `from` must be a valid address in any case.
DEVICE void copyChunk(u32 to, const void *from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(__cvta_generic_to_global(from)), "r"(there ? 16 : 0) : "memory");
}
DEVICE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until all but the last LEFT groups have come, for this thread.
template <int LEFT> DEVICE void awaitCopies() { asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory"); }

// Stores 16 bytes to shared memory.
DEVICE void storeShared16(u32 to, u32 a, u32 b, u32 c, u32 d) { asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(a), "r"(b), "r"(c), "r"(d) : "memory"); }
DEVICE u32 loadShared4(u32 from) { u32 v; asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(from) : "memory"); return v; }

// A chunk whose address is not a multiple of 16 bytes, or that has only `left` elements; zeros for the others. Done when it returns, for this thread.
template <typename T> DEVICE void copyElements(u32 to, const T *from, int left) {
    const int PER_WORD = 4 / (int)sizeof(T);
    const int BITS = 8 * (int)sizeof(T);
    u32 w[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        w[i] = 0;
#pragma unroll
        for (int j = 0; j < PER_WORD; j++) {
            if (PER_WORD * i + j < left) w[i] |= rawBits(from[PER_WORD * i + j]) << BITS * j;
        }
    }
    storeShared16(to, w[0], w[1], w[2], w[3]);
}

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
        u32 *mine = reinterpret_cast<u32 *>(shared) + threadIdx.x / 32 * (PASS * WC);
        sink.begin(warpColumn() + lane % LANES * W);
#pragma unroll
        for (int pass = 0; pass < WR; pass += PASS) {
#pragma unroll
            for (int i = 0; i < PASS / 8; i++) {
                int r = 8 * i + lane / 4;
#pragma unroll
                for (int j = 0; j < WC / 8; j++) {
                    const Sum(&of)[4] = sums[pass / 16 + i / 2][j];
                    uint2 v = make_uint2(bitsOf(of[i % 2 * 2]), bitsOf(of[i % 2 * 2 + 1]));
                    *reinterpret_cast<uint2 *>(mine + r * WC + (2 * j + lane % 4 / 2 ^ 2 * (r & 3)) * 4 + lane % 2 * 2) = v;
                }
            }
            __syncwarp();
#pragma unroll 1
            for (int r = lane / LANES; r < PASS; r += 32 / LANES) {
                float v[W];
                readRow<W>(v, mine + r * WC, lane % LANES * (W / 4), 2 * (r & 3), lane);
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
    template <int W> static DEVICE void readRow(float (&v)[W], const u32 *row, int first, int turn, int lane) {
        const int QUADS = W / 4;
        int shift = QUADS == 2 ? lane / 4 % 2 : QUADS == 4 ? lane / 2 % 2 : 0;
        uint4 q[QUADS];
#pragma unroll
        for (int t = 0; t < QUADS; t++) q[t] = *reinterpret_cast<const uint4 *>(row + (first + (t + shift) % QUADS ^ turn) * 4);
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
        const T *p = mine + (A ? (i64)k0 : k0 * pitch);
#pragma unroll
        for (int i = 0; i < S::PER_THREAD; i++) {
            int o = outer + (A ? i * S::LINE_STEP : 0);
            int k = k0 + (A ? S::chunk() * S::ELEMENTS : S::line(i));
            bool there = o < outers && k < depth;
            const T *from = p + i * S::LINE_STEP * pitch;
            if (RAGGED) {
                copyElements<T>(slice + S::ownPlace(i), from, !there ? 0 : A ? depth - k : outers - o);
            } else {
                copyChunk(slice + S::ownPlace(i), there ? from : at, there);
            }
        }
    }
};
