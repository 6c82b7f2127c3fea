// grouped_forward.cu
// Math         y[n][oh][ow][k] = sum over r, s, j of x[n][oh*st + r - top][ow*st + s - left][k / g * g + j] * w[k][r][s][j] with j < g: 3x3 kernels of stride st 1 or 2 on groups of g channels
// Contract     x (N, H, W, C), w (C, 3, 3, g), y (N, OH, OW, C): without gaps, 16-byte aligned; g is 4, 8, 16 or 32; C a multiple of 32; N*H*W and N*OH*OW fit int32. `flip` turns the taps
//              around and takes w's groups transposed, so that stride 1 and padding 2 - top is the gradient by x. grouped8 is for g of 4 and 8
// Launch       grid (C / 32, blocks of units), block 256; a unit is 8 strips of 8 columns by p.rows rows, see include/grouped.cuh. Dynamic smem: 4 stages of a row (20 KiB) or 3 of two rows
//              (54 KiB), and 18.5 KiB for weights
// Traffic      grouped8s1, grouped8s2, grouped16s1, grouped16s2, grouped32s1, grouped32s2: read n*h*w*c*T + c*9*c/g*T, write n*oh*ow*c*T
// Roofline     memory bound: 18 g flop and 2 * sizeof(T) bytes per element (stride 1), for g = 32 on the edge of what mma.sync does; tensor cores do 8/4 of them for g = 4
// Numerics     multiplied exactly, summed in f32 by the tensor cores, rounded once. Padding is multiplied as zero, and for g = 4 the neighbouring group's channels with zeros: an infinity there
//              makes NaN of what it should not touch
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.GatherConv
// Versions     see kernels/dev/grouped: v1 (this)
// Measured     not yet: no GPU so far
// Target       compute_80 isa 7.1: cp.async and mma.sync of m16n8k16
#include "grouped_images.cuh"

// A unit with stride S: rows of results that are under way wait for the rows of x that they still need.
template <typename T, int WIDTH, int S> struct Forward {
    typedef RowsOfX<T, warpsOf<WIDTH>(), S> Source;
    static const int STAGES = S == 1 ? 4 : 3;
    static const int SHIFTS = 3;
    static const bool TRANSPOSED = false;
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

    DEVICE void store(const float (&sums)[2][4], const Grouped &p) {
        bool ok[2] = {there[0] && rows > 0, there[1] && rows > 0};
        storeResults<T>(sums, at, ok);
        at[0] += (i64)p.ow * p.c;
        at[1] += (i64)p.ow * p.c;
        rows--;
    }

    DEVICE void step(int i, u32 stage, const Fragments<typename Source::Row, WIDTH, 3> &fragments, const Weights<T, WIDTH> &weights, const Grouped &p) {
        const float none[2][4] = {};
        u32 a[Weights<T, WIDTH>::STEPS][4];
        fragments.load(a, stage, 0);
        weights.multiply(d[LAST], a, 6, d[LAST - 1]);  // what was the row before the last is the last now
        if (S == 1) weights.multiply(d[1], a, 3, d[0]);
        weights.multiply(d[0], a, 0, none);
#pragma unroll
        for (int s = 1; s < 3; s++) {
            fragments.load(a, stage, s);
#pragma unroll
            for (int r = 0; r < 3; r += S) weights.multiply(d[r / S], a, 3 * r + s);
        }
        if (i >= LAST) store(d[LAST], p);
        if (S == 2) {
#pragma unroll
            for (int s = 0; s < 3; s++) {
                fragments.load(a, stage + Source::Row::BYTES, s);
                weights.multiply(d[0], a, 3 + s);
            }
        }
    }
};

#define GROUPED(WIDTH, S, NAME, T) \
    GROUPED_KERNEL(warpsOf<WIDTH>() * 32) grouped##WIDTH##s##S##_##NAME(const T *x, const T *w, T *y, Grouped p) { walk<T, WIDTH, Forward<T, WIDTH, S>>(x, w, y, p); }
#define WIDTHS(S, NAME, T) GROUPED(8, S, NAME, T) GROUPED(16, S, NAME, T) GROUPED(32, S, NAME, T)
WIDTHS(1, f16, f16) WIDTHS(2, f16, f16) WIDTHS(1, bf16, bf16) WIDTHS(2, bf16, bf16)
