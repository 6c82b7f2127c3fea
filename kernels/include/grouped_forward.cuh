// The forward pass of grouped convolution, and with stride 1 the gradient by x: what grouped_forward_*.cu instantiate.
#pragma once
#include "grouped_images.cuh"
#include "epilogue.cuh"

// What is done to a lane's sums, two channels of each tile, before they are rounded; a scale and a shift per channel, no residual, no activation but ReLU.
struct LaneEpilogue {
    float scale[2][2], shift[2][2];
    bool none, relu;

    DEVICE LaneEpilogue(const Epilogue &e, int half) {
        none = e.scale == nullptr && e.shift == nullptr && e.activation == ACT_NONE;
        relu = e.activation == ACT_RELU;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int channel = blockIdx.x * SLAB + 16 * half + i / 2 * 8 + threadIdx.x % 4 * 2 + i % 2;
            scale[i / 2][i % 2] = e.scale == nullptr ? 1 : e.scale[channel];
            shift[i / 2][i % 2] = e.shift == nullptr ? 0 : e.shift[channel];
        }
    }

    DEVICE void apply(float (&d)[2][4]) const {
        if (none) return;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            float v = fmaf(d[i / 4][i % 4], scale[i / 4][i % 2], shift[i / 4][i % 2]);
            d[i / 4][i % 4] = relu && v < 0 ? 0 : v;
        }
    }
};


// A unit with stride S: rows of results that are under way wait for the rows of x that they still need.
template <typename T, int WIDTH, int S> struct Forward {
    typedef RowsOfX<T, warpsOf<WIDTH>(), S> Source;
    static const int STAGES = S == 1 ? 4 : 3;
    static const int SHIFTS = 3;
    static const bool TRANSPOSED = false;
    typedef LaneEpilogue After;
    static const int LAST = 3 - S;
    T *at[2];                  // of each strip's pixel in the next row of results
    bool there[2];             // whether its column exists
    int rows;                  // that the unit has, and 0 or fewer when it has made them
    float d[LAST + 1][2][4];   // of the row that begins, and of those before it

    DEVICE Forward(T *y, int pair, int half, const Unit &unit, const Grouped &p) {
        rows = min(p.rows, p.oh - unit.chunk * p.rows);
#pragma unroll
        for (int h = 0; h < 2; h++) {
            Strip strip(2 * pair + h, p);
            int image = unit.image + strip.image, x = 8 * (unit.segment * p.span + strip.local) + (int)threadIdx.x % 32 / 4;
            there[h] = strip.there && image < p.n && x < p.ow;
            at[h] = y + (i64)((image * p.oh + unit.chunk * p.rows) * p.ow + x) * p.c + blockIdx.x * SLAB + firstChannel(half);
        }
#pragma unroll
        for (int i = 0; i <= LAST; i++) clear(d[i]);
    }

    DEVICE void store(float (&sums)[2][4], const After &after, const Grouped &p) {
        after.apply(sums);
        bool ok[2] = {there[0] && rows > 0, there[1] && rows > 0};
        storeResults<T>(sums, at, ok);
        at[0] += (i64)p.ow * p.c;
        at[1] += (i64)p.ow * p.c;
        rows--;
    }

    DEVICE void step(int i, u32 stage, const Fragments<typename Source::Row, WIDTH, 3> &fragments, const Weights<T, WIDTH> &weights, const After &after, const Grouped &p) {
        float none[2][4] = {};
        const bool begins = i < p.rows, goesOn = i > 0 && i <= p.rows, ends = i >= LAST;  // whether the three rows are the unit's; others need not be right
        u32 a[Weights<T, WIDTH>::STEPS][4];
#pragma unroll
        for (int s = 0; s < 3; s++) {
            fragments.load(a, stage, s);
            if (ends) weights.multiply(d[LAST], a, 6 + s, s == 0 ? d[LAST - 1] : d[LAST]);  // what was the row before the last is the last now
            if (S == 1 && goesOn) weights.multiply(d[1], a, 3 + s, s == 0 ? d[0] : d[1]);
            if (begins) weights.multiply(d[0], a, s, s == 0 ? none : d[0]);
        }
        if (ends) store(d[LAST], after, p);
        if (S == 2 && begins) {
#pragma unroll
            for (int s = 0; s < 3; s++) {
                fragments.load(a, stage + Source::Row::BYTES, s);
                weights.multiply(d[0], a, 3 + s);
            }
        }
    }
};

#define GROUPED(WIDTH, S, NAME, T)                                                                                             \
    GROUPED_KERNEL(warpsOf<WIDTH>() * 32) grouped##WIDTH##s##S##_##NAME(const T *x, const T *w, T *y, Grouped p, Epilogue e) { \
        walk<T, WIDTH, Forward<T, WIDTH, S>>(x, w, y, p, LaneEpilogue(e, halfOf()));                                           \
    }
#define GROUPED_FORWARDS(NAME, T) GROUPED(8, 1, NAME, T) GROUPED(16, 1, NAME, T) GROUPED(32, 1, NAME, T) GROUPED(8, 2, NAME, T) GROUPED(16, 2, NAME, T) GROUPED(32, 2, NAME, T)
