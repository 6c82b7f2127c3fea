// The gradient by w of grouped convolution: what grouped_backward_weight_*.cu instantiate.
#pragma once
#include "grouped.cuh"


const int WARPS = 8;
const int THREADS = WARPS * 32;

// Rows of x, and beside the first that it meets each row of dy, zeros when there is none left.
template <typename T, int S> struct RowsOfBoth {
    typedef RowsOfX<T, WARPS, S> OfX;
    typedef RowOf<WARPS, 1, 0> RowDy;
    static const int DY = OfX::BYTES;  // in a stage
    static const int BYTES = DY + RowDy::BYTES;
    OfX x;
    Rows<T, RowDy> dy;

    DEVICE RowsOfBoth(const T *x, const T *dy, const Grouped &p) : x(x, p), dy(dy, p) {}
    static DEVICE int steps(const Grouped &p) { return OfX::steps(p); }
    DEVICE void begin(const Unit &unit, const Grouped &p) {
        x.begin(unit, p);
        dy.begin(p, unit, 8 * p.span * unit.segment, unit.chunk * p.rows, unit.chunk * p.rows + p.rows, p.oh, p.ow);
    }
    DEVICE void copy(u32 stage, const Grouped &p) {
        x.copy(stage, p);
        dy.copy(stage + DY, p, p.ow);
    }
};

// A warp's sums: 16 channels of dy by 16 of x for all taps, over pairs of strips. With groups of 32, four warps share a pair of strips, else two; the others have other pairs.
template <typename T, int WIDTH, int S> struct Sums {
    static const int SHARERS = WIDTH == 32 ? 4 : 2;
    static const int TURNS = WARPS / SHARERS;            // warps with the same sums
    static const int PAIRS = WARPS / 2 / TURNS;          // pairs of strips of a warp
    static const int HISTORY = S == 1 ? 3 : 2;           // rows of dy that a row of x meets
    typedef typename RowsOfBoth<T, S>::OfX::Row RowX;
    typedef typename RowsOfBoth<T, S>::RowDy RowDy;
    float d[TAPS][2][4];
    u32 dy[PAIRS][HISTORY][4];                           // left operands, the newest row first
    u32 atX[PAIRS][3], atDy[PAIRS];
    bool first[PAIRS], second[PAIRS];                    // whether the pair's strips exist
    int k, j;                                            // first channels in the slab, of dy and of x
    int turn;

    DEVICE Sums(const Grouped &p) {
        int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
        k = warp % 2 * 16;
        j = WIDTH == 32 ? warp / 2 % 2 * 16 : k;
        turn = warp / SHARERS;
#pragma unroll
        for (int i = 0; i < TAPS * 8; i++) d[i / 8][i / 4 % 2][i % 4] = 0;
#pragma unroll
        for (int q = 0; q < PAIRS; q++) {
            int pair = turn + q * TURNS;
            first[q] = Strip(2 * pair, p).there;
            second[q] = Strip(2 * pair + 1, p).there;
            Strip ofX(2 * pair + lane / 8 % 2, p), ofDy(2 * pair + lane / 16, p);
            atDy[q] = RowsOfBoth<T, S>::DY + placeOf(RowDy::slotOf(ofDy, 0, p) + lane % 8, k / 8 + lane / 8 % 2);
#pragma unroll
            for (int s = 0; s < 3; s++) atX[q][s] = placeOf(RowX::slotOf(ofX, s, p) + lane % 8, j / 8 + lane / 16);
        }
    }

    // Rows above the unit are none of its.
    DEVICE void beginUnit() {
#pragma unroll
        for (int i = 0; i < PAIRS * HISTORY * 4; i++) dy[i / (HISTORY * 4)][i / 4 % HISTORY][i % 4] = 0;
    }

    DEVICE void multiply(int tap, const u32 (&a)[4], const u32 (&b)[4]) {
        TensorCore<T>::multiply(d[tap][0], a, b[0], b[1]);
        TensorCore<T>::multiply(d[tap][1], a, b[2], b[3]);
    }

    // Step i of a unit of so many rows of dy; what its neighbours' rows would add is left out.
    DEVICE void step(int i, int unitRows, u32 stage) {
#pragma unroll
        for (int q = 0; q < PAIRS; q++) {
            u32 (&rows)[HISTORY][4] = dy[q];
#pragma unroll
            for (int j = 4 * HISTORY - 1; j >= 4; j--) rows[j / 4][j % 4] = rows[j / 4 - 1][j % 4];
            loadMatricesTransposed(rows[0], stage + atDy[q]);
            if (!first[q]) rows[0][0] = rows[0][1] = 0;
            if (!second[q]) rows[0][2] = rows[0][3] = 0;
            u32 x[4];
#pragma unroll
            for (int s = 0; s < 3; s++) {
                loadMatricesTransposed(x, stage + atX[q][s]);
#pragma unroll
                for (int r = 0; r < 3; r += S) {
                    if (i >= r / S && i - r / S < unitRows) multiply(3 * r + s, rows[r / S], x);
                }
                if (S == 2 && i < unitRows) {
                    loadMatricesTransposed(x, stage + RowX::BYTES + atX[q][s]);
                    multiply(3 + s, rows[0], x);
                }
            }
        }
    }

    // Adds up the warps' sums in order of their turns, in shared memory that nobody uses any more, and stores those inside of groups. All threads must call.
    DEVICE void store(unsigned char *shared, float *partial, const Grouped &p) {
        const int g = WIDTH == 32 ? 32 : p.g, pitch = TAPS * g + (g >= 16 ? 8 : 0);  // of floats, out of step with the banks
        const u32 base = (u32)__cvta_generic_to_shared(shared);
        int lane = threadIdx.x % 32;
#pragma unroll 1
        for (int t = 0; t < TURNS; t++) {
            __syncthreads();
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int row = k + i % 2 * 8 + lane / 4, column = j + i / 2 * 8 + lane % 4 * 2;
                if (t != turn || row / g != column / g) continue;
                u32 at = base + (row * pitch + column % g) * 4;
#pragma unroll
                for (int tap = 0; tap < TAPS; tap++, at += g * 4) {
                    if (t > 0) add(at, d[tap][i / 2][i % 2 * 2], d[tap][i / 2][i % 2 * 2 + 1]);
                    asm volatile("st.shared.v2.f32 [%0], {%1, %2};" ::"r"(at), "f"(d[tap][i / 2][i % 2 * 2]), "f"(d[tap][i / 2][i % 2 * 2 + 1]) : "memory");
                }
            }
        }
        __syncthreads();
        float *to = partial + ((i64)blockIdx.y * p.c + blockIdx.x * SLAB) * TAPS * g;
        bool padded = g >= 16;  // then each warp has its rows, else the block all of them as one
        int rows = padded ? SLAB : 1, perRow = SLAB / rows * TAPS * g / 4, across = padded ? 32 : THREADS;
#pragma unroll 1
        for (int row = threadIdx.x / across; row < rows; row += THREADS / across) {
#pragma unroll 1
            for (int e = threadIdx.x % across; e < perRow; e += across) {
                reinterpret_cast<float4 *>(to)[row * perRow + e] = reinterpret_cast<const float4 *>(shared)[row * (pitch / 4) + e];
            }
        }
    }

    // Adds what other warps have summed.
    static DEVICE void add(u32 at, float &a, float &b) {
        float x, y;
        asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];" : "=f"(x), "=f"(y) : "r"(at) : "memory");
        a += x;
        b += y;
    }
};

template <typename T, int WIDTH, int S> DEVICE void backwardWeight(const T *x, const T *dy, float *partial, const Grouped &p) {
    extern __shared__ __align__(128) unsigned char shared[];
    typedef RowsOfBoth<T, S> Source;
    const int STAGES = S == 1 ? 4 : 3, STAGE = Source::BYTES, RING = STAGES * STAGE;
    const u32 ring = (u32)__cvta_generic_to_shared(shared);
    Feeder<Source> feeder(Source(x, dy, p), p);
#pragma unroll 1
    for (int s = 0; s < STAGES - 1; s++) feeder.copy(ring + s * STAGE, p);
    Sums<T, WIDTH, S> sums(p);
    u32 use = 0, fill = RING - STAGE;
#pragma unroll 1
    for (int left = unitsOfBlock(p); left > 0; left--) {
        sums.beginUnit();
#pragma unroll 1
        for (int i = 0; i < Source::steps(p); i++) {
            awaitCopies<STAGES - 2>();  // this step's rows have come: a group per step, empty ones at the end
            __syncthreads();            // for all threads, and nobody reads the stage that is filled next
            feeder.copy(ring + fill, p);
            sums.step(i, p.rows, ring + use);
            use = use + STAGE == RING ? 0 : use + STAGE;
            fill = fill + STAGE == RING ? 0 : fill + STAGE;
        }
    }
    sums.store(shared, partial, p);
}

#define GROUPED(WIDTH, S, NAME, T) \
    GROUPED_KERNEL(THREADS) grouped##WIDTH##s##S##_backward_weight_##NAME(const T *x, const T *dy, float *partial, Grouped p) { backwardWeight<T, WIDTH, S>(x, dy, partial, p); }
#define GROUPED_BACKWARD_WEIGHTS(NAME, T) GROUPED(16, 1, NAME, T) GROUPED(32, 1, NAME, T) GROUPED(16, 2, NAME, T) GROUPED(32, 2, NAME, T)
