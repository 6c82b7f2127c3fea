// The two passes of grouped convolution whose results are images: see grouped.cuh. A warp makes 16 channels of 16 pixels. Its weights, all 9 taps, stay in registers as right operands: WIDTH is the
// depth that the products sum over, 8 (groups of 8; two groups of 4 with zeros between them), 16 or 32.
#pragma once
#include "grouped.cuh"

// d = a b + c for 16 pixels, 8 channels, and 16 or 8 channels of depth. With c apart from d, rows of sums move on to the next registers at no cost.
#define PRODUCTS(T)                                                                                                                                      \
    DEVICE void product16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1, const float (&c)[4], T) {                                                    \
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." #T "." #T ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"                \
            : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                                                                             \
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));                                 \
    }                                                                                                                                                    \
    DEVICE void product8(float (&d)[4], u32 a0, u32 a1, u32 b, const float (&c)[4], T) {                                                                 \
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f32." #T "." #T ".f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"                                \
            : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                                                                             \
            : "r"(a0), "r"(a1), "r"(b), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));                                                                     \
    }
PRODUCTS(f16)
PRODUCTS(bf16)

// In shared memory the weights of a channel are 9 taps by WIDTH, those of two groups of 4 with zeros between them, out of step with the banks.
template <int WIDTH> struct WeightRows {
    static const int BYTES = (TAPS * WIDTH + (WIDTH == 8 ? 0 : 8)) * 2;
};
const int WEIGHT_BYTES = SLAB * WeightRows<32>::BYTES;

// Brings the slab's weights to shared memory; they are there after the next wait for copies and barrier.
template <int WIDTH, typename T> DEVICE void copyWeights(unsigned char *to, const T *w, const Grouped &p) {
    const int CHUNKS = TAPS * WIDTH / 8;  // of a channel
    if (WIDTH == 8 && p.g == 4) {
        const uint2 *from = reinterpret_cast<const uint2 *>(w) + (i64)blockIdx.x * SLAB * TAPS;
#pragma unroll 1
        for (int e = threadIdx.x; e < SLAB * TAPS; e += blockDim.x) {
            uint2 v = from[e];
            bool second = e / TAPS & 4;
            reinterpret_cast<uint4 *>(to)[e] = make_uint4(second ? 0 : v.x, second ? 0 : v.y, second ? v.x : 0, second ? v.y : 0);
        }
        return;
    }
    const T *from = w + (i64)blockIdx.x * SLAB * TAPS * WIDTH;
    u32 base = (u32)__cvta_generic_to_shared(to);
#pragma unroll 1
    for (int row = threadIdx.x / 32; row < SLAB; row += blockDim.x / 32) {
#pragma unroll 1
        for (int c = threadIdx.x % 32; c < CHUNKS; c += 32) copyChunk(base + row * WeightRows<WIDTH>::BYTES + c * CHUNK, from + (row * CHUNKS + c) * 8, true);
    }
}

// A warp's weights: the right operands of each tap.
template <typename T, int WIDTH> struct Weights {
    static const int STEPS = WIDTH == 32 ? 2 : 1;
    static const int WORDS = WIDTH == 8 ? 1 : 2;
    u32 b[TAPS][STEPS][2][WORDS];

    static DEVICE void load(u32 (&d)[4], u32 from, bool transposed) {
        if (transposed) loadMatricesTransposed(d, from);
        else loadMatrices(d, from);
    }

    // From where copyWeights put them. @param transposed the results are channels of x @param turned the taps are taken in reverse
    DEVICE void read(u32 from, int half, bool transposed, bool turned) {
        const int PITCH = WeightRows<WIDTH>::BYTES, TAP = WIDTH * 2;
        int lane = threadIdx.x % 32, matrix = lane / 8;
        u32 at = from + (turned ? (TAPS - 1) * TAP : 0);
        int step = turned ? -TAP : TAP;
        u32 d[4];
        if (WIDTH == 8) { // two tiles of two taps; the last one has no second
            at += (16 * half + matrix % 2 * 8 + lane % 8) * PITCH;
#pragma unroll
            for (int tap = 0; tap < TAPS; tap += 2) {
                load(d, at + (tap + (tap + 1 < TAPS ? matrix / 2 : 0)) * step, transposed);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    if (tap + i / 2 < TAPS) b[tap + i / 2][0][i % 2][0] = d[i];
                }
            }
            return;
        }
        // Two tiles of 16 channels of depth: tile, then depth.
        int to = matrix / 2 * 8, depth = matrix % 2 * 8;
        at += transposed ? (depth + lane % 8 + (WIDTH == 32 ? 0 : 16 * half)) * PITCH + (to + (WIDTH == 32 ? 16 * half : 0)) * 2 : (16 * half + to + lane % 8) * PITCH + depth * 2;
#pragma unroll
        for (int i = 0; i < TAPS * STEPS; i++) {
            int tap = i / STEPS, part = i % STEPS;
            load(d, at + tap * step + part * 16 * (transposed ? PITCH : 2), transposed);
#pragma unroll
            for (int j = 0; j < 4; j++) b[tap][part][j / 2][WORDS == 1 ? 0 : j % 2] = d[j];
        }
    }

    // d = a times a tap's weights, and c, for 16 pixels and channels.
    DEVICE void multiply(float (&d)[2][4], const u32 (&a)[STEPS][4], int tap, const float (&c)[2][4]) const {
#pragma unroll
        for (int j = 0; j < 2; j++) {
            if (WIDTH == 8) {
                product8(d[j], a[0][2 * j], a[0][2 * j + 1], b[tap][0][j][0], c[j], T());
            } else {
                product16(d[j], a[0], b[tap][0][j][0], b[tap][0][j][WORDS - 1], c[j], T());
                if (STEPS == 2) product16(d[j], a[STEPS - 1], b[tap][STEPS - 1][j][0], b[tap][STEPS - 1][j][WORDS - 1], d[j], T());
            }
        }
    }
    // d += a times a tap's weights.
    DEVICE void multiply(float (&d)[2][4], const u32 (&a)[STEPS][4], int tap) const { multiply(d, a, tap, d); }
};

// Where a warp's fragments of a row lie: 16 pixels by the channels that its results depend on.
template <class ROW, int WIDTH, int SHIFTS> struct Fragments {
    static const int STEPS = WIDTH == 32 ? 2 : 1;
    u32 at[SHIFTS];

    DEVICE Fragments(int pair, int half, const Grouped &p) {
        int lane = threadIdx.x % 32;
        Strip strip(2 * pair + lane / 8 % 2, p);
#pragma unroll
        for (int s = 0; s < SHIFTS; s++) at[s] = placeOf(ROW::slotOf(strip, s, p) + lane % 8, (WIDTH == 32 ? 0 : 2 * half) + lane / 16);
    }
    DEVICE void load(u32 (&a)[STEPS][4], u32 stage, int s) const {
#pragma unroll
        for (int step = 0; step < STEPS; step++) loadMatrices(a[step], stage + (at[s] ^ step * 2 * CHUNK));
    }
};

DEVICE void clear(float (&d)[2][4]) {
#pragma unroll
    for (int i = 0; i < 8; i++) d[i / 4][i % 4] = 0;
}

// Rounds a warp's results and stores those that belong somewhere: a lane has four neighbouring channels of a pixel of each strip, so that four lanes fill a sector. All lanes must call.
template <typename T> DEVICE void storeResults(const float (&d)[2][4], T *const (&at)[2], const bool (&there)[2]) {
    bool odd = threadIdx.x & 1;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        u32 first = wordOfTwo(d[0][2 * h], d[0][2 * h + 1], T());
        u32 second = wordOfTwo(d[1][2 * h], d[1][2 * h + 1], T());
        u32 got = __shfl_xor_sync(0xffffffffu, odd ? first : second, 1);  // lanes have pairs of both tiles, and exchange one for a neighbour of the other
        if (there[h]) *reinterpret_cast<uint2 *>(at[h]) = make_uint2(odd ? got : first, odd ? second : got);
    }
}

// The first of a lane's four channels in the slab.
DEVICE int firstChannel(int half) { return 16 * half + threadIdx.x % 2 * 8 + threadIdx.x % 4 / 2 * 4; }

// Warps of a block. With groups of 32 their registers are full of weights, and small blocks fill a multiprocessor better.
template <int WIDTH> constexpr int warpsOf() { return WIDTH == 32 ? 4 : 8; }

// Which half of the slab's channels a warp makes; neighbouring warps share strips.
DEVICE int halfOf() { return threadIdx.x / 32 % 2; }

// A block of a pass, which walks down its units. PASS is one of Forward and BackwardData: its Source, STAGES of it at most, what a unit keeps, and how a step multiplies and stores; After is what is
// done to sums before.
template <typename T, int WIDTH, class PASS> DEVICE void walk(const T *x, const T *w, T *y, const Grouped &p, const typename PASS::After &after) {
    extern __shared__ __align__(128) unsigned char shared[];
    typedef typename PASS::Source Source;
    const int STAGE = Source::BYTES, RING = PASS::STAGES * STAGE;
    const u32 ring = (u32)__cvta_generic_to_shared(shared);
    const int half = halfOf(), pair = threadIdx.x / 64;
    const bool active = 2 * pair < p.abreast * p.span;
    copyWeights<WIDTH>(shared + RING, w, p);
    Feeder<Source> feeder(Source(x, p), p);
#pragma unroll 1
    for (int s = 0; s < PASS::STAGES - 1; s++) feeder.copy(ring + s * STAGE, p);
    awaitCopies<PASS::STAGES - 2>();
    __syncthreads();
    Weights<T, WIDTH> weights;
    weights.read(ring + RING, half, PASS::TRANSPOSED || p.flip, p.flip);
    const Fragments<typename Source::Row, WIDTH, PASS::SHIFTS> fragments(pair, half, p);
    u32 use = 0, fill = RING - STAGE;
    Unit unit(firstUnit(p), p);
#pragma unroll 1
    for (int left = unitsOfBlock(p); left > 0; left--) {
        PASS pass(y, pair, half, unit, p);
#pragma unroll 1
        for (int i = 0; i < Source::steps(p); i++) {
            awaitCopies<PASS::STAGES - 2>();  // this step's rows have come: a group per step, empty ones at the end
            __syncthreads();                  // for all threads, and nobody reads the stage that is filled next
            feeder.copy(ring + fill, p);
            if (active) pass.step(i, ring + use, fragments, weights, after, p);
            use = use + STAGE == RING ? 0 : use + STAGE;
            fill = fill + STAGE == RING ? 0 : fill + STAGE;
        }
        unit.next(p);
    }
}
