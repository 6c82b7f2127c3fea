// The gradient by x of grouped convolution with stride 2: what grouped_backward_data_*.cu instantiate.
#pragma once
#include "grouped_images.cuh"


// A row of dy in each step; a unit begins with the last one of the unit above.
template <typename T, int WARPS> struct RowsOfDy {
    typedef RowOf<WARPS, 1, 1> Row;
    static const int BYTES = Row::BYTES;
    Rows<T, Row> rows;

    DEVICE RowsOfDy(const T *dy, const Grouped &p) : rows(dy, p) {}
    static DEVICE int steps(const Grouped &p) { return p.rows + 1; }
    DEVICE void begin(const Unit &unit, const Grouped &p) {
        int first = unit.chunk * p.rows;
        rows.begin(p, unit, 8 * p.span * unit.segment - 1, first - 1, first + p.rows, p.h, p.w);
    }
    DEVICE void copy(u32 stage, const Grouped &p) { rows.copy(stage, p, p.w); }
};

// Gradients are stored as they are.
struct Nothing {};

// A unit. Row u of dy meets rows 2u, 2u + 1 and 2u + 2 of dx, counted from the padding's first, with r = 0, 1, 2; so do its columns. A pixel of a strip stands for two columns of dx.
template <typename T, int WIDTH> struct BackwardData {
    typedef RowsOfDy<T, warpsOf<WIDTH>()> Source;
    typedef const u32 (&Operand)[Weights<T, WIDTH>::STEPS][4];
    static const int STAGES = 4;
    static const int SHIFTS = 2;
    static const bool TRANSPOSED = true;
    typedef Nothing After;
    T *at[2];            // of each strip's pixel in row `row` of dx, in the first of its two columns, which need not exist
    bool there[2][2];    // of strips, of columns
    int row;             // of dx; above the image at first
    float d[2][2][4];    // sums of the two columns of the next row

    DEVICE BackwardData(T *dx, int pair, int half, const Unit &unit, const Grouped &p) {
        row = 2 * unit.chunk * p.rows - p.top;
#pragma unroll
        for (int h = 0; h < 2; h++) {
            Strip strip(2 * pair + h, p);
            int image = unit.image + strip.image, x = 2 * (8 * (unit.segment * p.span + strip.local) + (int)threadIdx.x % 32 / 4) - p.left;
            bool exists = strip.there && image < p.n;
            there[h][0] = exists && x >= 0 && x < p.ow;
            there[h][1] = exists && x >= -1 && x + 1 < p.ow;
            at[h] = dx + (((i64)image * p.oh + row) * p.ow + x) * p.c + blockIdx.x * SLAB + firstChannel(half);
        }
    }

    // Multiplies pixels of dy and their left neighbours with the three taps of a row, and adds what there is.
    DEVICE void multiply(Operand a, Operand before, const Weights<T, WIDTH> &weights, int r, const float (&c)[2][2][4]) {
        weights.multiply(d[0], a, 3 * r, c[0]);
        weights.multiply(d[1], a, 3 * r + 1, c[1]);
        weights.multiply(d[0], before, 3 * r + 2);
    }

    DEVICE void store(const Grouped &p) {
        bool exists = row >= 0 && row < p.oh;
#pragma unroll
        for (int b = 0; b < 2; b++) {
            T *to[2] = {at[0] + b * p.c, at[1] + b * p.c};
            bool ok[2] = {exists && there[0][b], exists && there[1][b]};
            storeResults<T>(d[b], to, ok);
        }
        at[0] += (i64)p.ow * p.c;
        at[1] += (i64)p.ow * p.c;
        row++;
    }

    DEVICE void step(int i, u32 stage, const Fragments<typename Source::Row, WIDTH, 2> &fragments, const Weights<T, WIDTH> &weights, const After &, const Grouped &p) {
        const float none[2][2][4] = {};
        u32 before[Weights<T, WIDTH>::STEPS][4], a[Weights<T, WIDTH>::STEPS][4];
        fragments.load(before, stage, 0);
        fragments.load(a, stage, 1);
        if (i > 0) { // the first row of dy only begins the unit's first row
            multiply(a, before, weights, 0, d);
            store(p);
            multiply(a, before, weights, 1, none);
            store(p);
        }
        if (i < p.rows) multiply(a, before, weights, 2, none);
    }
};

#define GROUPED(WIDTH, NAME, T)                                                                                              \
    GROUPED_KERNEL(warpsOf<WIDTH>() * 32) grouped##WIDTH##s2_backward_data_##NAME(const T *dy, const T *w, T *dx, Grouped p) { \
        walk<T, WIDTH, BackwardData<T, WIDTH>>(dy, w, dx, p, Nothing());                                                     \
    }
#define GROUPED_BACKWARD_DATA(NAME, T) GROUPED(8, NAME, T) GROUPED(16, NAME, T) GROUPED(32, NAME, T)
