// The two passes of grouped convolution whose results are images: see grouped.cuh. A warp makes 16 channels of 16 pixels. Its weights, all 9 taps, stay in registers as right operands: WIDTH is the
// depth that the products sum over, 8 (groups of 8; two groups of 4 with zeros between them), 16 or 32.
#pragma once
#include "grouped.cuh"

// Elements between the weights of neighbouring channels in shared memory: out of step with the banks.
DEVICE int weightPitch(int g) { return TAPS * g + (g >= 16 ? 8 : 0); }
const int WEIGHT_BYTES = SLAB * (TAPS * 32 + 8) * 2;

// Starts the copies of the slab's weights.
template <typename T> DEVICE void copyWeights(u32 to, const T *w, const Grouped &p) {
    const T *from = w + (i64)blockIdx.x * SLAB * TAPS * p.g;
    int chunks = SLAB * TAPS * p.g / 8, perRow = p.g >= 16 ? TAPS * p.g / 8 : chunks;
#pragma unroll 1
    for (int e = threadIdx.x; e < chunks; e += GROUPED_THREADS) copyChunk(to + (e + e / perRow) * CHUNK, from + e * 8, true);
}

// A warp's weights: the right operands of each tap.
template <typename T, int WIDTH> struct Weights {
    static const int STEPS = WIDTH == 32 ? 2 : 1;
    static const int WORDS = WIDTH == 8 ? 1 : 2;
    u32 b[TAPS][STEPS][2][WORDS];

    // The channel of column n of tile j. Of wide groups, columns are dealt out such that a lane's four of both tiles are neighbours.
    static DEVICE int channel(int half, int j, int n) { return 16 * half + (WIDTH == 8 ? 8 * j + n : n / 2 * 4 + 2 * j + n % 2); }

    // From copyWeights' place. @param transposed the results are channels of x @param turned the taps, too
    DEVICE void read(const T *w, int half, bool transposed, bool turned, const Grouped &p) {
        int lane = threadIdx.x % 32;
        const int g = WIDTH == 8 ? p.g : WIDTH, pitch = weightPitch(g);
#pragma unroll
        for (int i = 0; i < STEPS * 2 * WORDS; i++) {
            int word = i % WORDS, j = i / WORDS % 2, step = i / WORDS / 2;
            int to = channel(half, j, lane / 4);
            int from = (WIDTH == 32 ? 16 * step : 16 * half) + (WIDTH == 8 ? 8 * j : 8 * word) + lane % 4 * 2;
            bool together = to / g == from / g;
            int next = transposed ? pitch : 1;
            const T *at = w + (together ? transposed ? from * pitch + to % g : to * pitch + from % g : 0);
#pragma unroll
            for (int tap = 0; tap < TAPS; tap++) {
                const T *t = at + (turned ? TAPS - 1 - tap : tap) * g;
                u32 pair = (u32)t[0].bits | (u32)t[together ? next : 0].bits << 16;
                b[tap][step][j][word] = together ? pair : 0;
            }
        }
    }

    // d += a times a tap's weights, for 16 pixels and channels.
    DEVICE void multiply(float (&d)[2][4], const u32 (&a)[STEPS][4], int tap) const {
#pragma unroll
        for (int j = 0; j < 2; j++) {
            if (WIDTH == 8) {
                multiply8(d[j], a[0][2 * j], a[0][2 * j + 1], b[tap][0][j][0], T());
            } else {
#pragma unroll
                for (int step = 0; step < STEPS; step++) TensorCore<T>::multiply(d[j], a[step], b[tap][step][j][0], b[tap][step][j][WORDS - 1]);
            }
        }
    }
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
template <typename T, int WIDTH> DEVICE void storeResults(const float (&d)[2][4], T *const (&at)[2], const bool (&there)[2]) {
    bool odd = threadIdx.x & 1;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        u32 lo = wordOfTwo(d[0][2 * h], d[0][2 * h + 1], T());
        u32 hi = wordOfTwo(d[1][2 * h], d[1][2 * h + 1], T());
        if (WIDTH == 8) { // lanes have pairs of both tiles, and exchange one for a neighbour of the other
            u32 got = __shfl_xor_sync(0xffffffffu, odd ? lo : hi, 1);
            lo = odd ? got : lo;
            hi = odd ? hi : got;
        }
        if (there[h]) *reinterpret_cast<uint2 *>(at[h]) = make_uint2(lo, hi);
    }
}

// The first of a lane's four channels in the slab.
template <int WIDTH> DEVICE int firstChannel(int half) {
    int q = threadIdx.x % 4;
    return 16 * half + (WIDTH == 8 ? q % 2 * 8 + q / 2 * 4 : 4 * q);
}

// A block of a pass, which walks down its units. PASS is one of Forward and BackwardData: what a step copies (see Feeder), STAGES of it at most, what a unit keeps, and how a step multiplies and stores.
template <typename T, int WIDTH, class PASS> DEVICE void walk(const T *x, const T *w, T *y, const Grouped &p) {
    extern __shared__ __align__(128) unsigned char shared[];
    const int STAGE = PASS::ROWS * PASS::Row::BYTES;
    const u32 ring = (u32)__cvta_generic_to_shared(shared), end = ring + PASS::STAGES * STAGE;
    const int from = blockIdx.y * p.perBlock, to = min(from + p.perBlock, p.units);
    const int warp = threadIdx.x / 32, half = warp % 2, pair = warp / 2;
    const bool active = 2 * pair < p.abreast * p.span;
    Feeder<T, PASS> feeder(x, p.h, p.w, p, from, to);
    copyWeights(end, w, p);
#pragma unroll
    for (int s = 0; s < PASS::STAGES - 1; s++) {
        feeder.copy(ring + s * STAGE, p);
        commitCopies();
    }
    awaitCopies<PASS::STAGES - 2>();
    __syncthreads();
    Weights<T, WIDTH> weights;
    weights.read(reinterpret_cast<const T *>(shared + PASS::STAGES * STAGE), half, PASS::TRANSPOSED || p.flip, p.flip, p);
    const Fragments<typename PASS::Row, WIDTH, PASS::SHIFTS> fragments(pair, half, p);
    u32 use = ring, fill = end - STAGE;
#pragma unroll 1
    for (int unit = from; unit < to; unit++) {
        PASS pass(y, pair, half, Unit(unit, p), p);
#pragma unroll 1
        for (int i = 0; i < PASS::steps(p); i++) {
            awaitCopies<PASS::STAGES - 2>();  // this step's rows have come: a group per step, empty ones at the end
            __syncthreads();                  // for all threads, and nobody reads the stage that is filled next
            feeder.copy(fill, p);
            commitCopies();
            if (active) pass.step(i, use, fragments, weights);
            use = use + STAGE == end ? ring : use + STAGE;
            fill = fill + STAGE == end ? ring : fill + STAGE;
        }
    }
}
