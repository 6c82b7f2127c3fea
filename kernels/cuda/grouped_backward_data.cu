// grouped_backward_data.cu
// Math         dx[n][2*u + a - top][2*v + b - left][c] = sum over r, s, j of dy[n][u + (a - r)/2][v + (b - s)/2][c / g * g + j] * w[c / g * g + j][r][s][c % g] with j < g, over the r and s of 3 that
//              a - r and b - s are even for: the gradient by x of a grouped 3x3 convolution with stride 2 (of one with stride 1: grouped_forward.cu)
// Contract     dy (N, H, W, C), w (C, 3, 3, g), dx (N, OH, OW, C): without gaps, 16-byte aligned; g is 4, 8, 16 or 32; C a multiple of 32; N*H*W and N*OH*OW fit int32. grouped8 is for g of
//              4 and 8
// Launch       grid (C / 32, blocks of units), block 256; a unit is 8 strips of 8 pairs of columns by p.rows pairs of rows, counted from the padding's first, see include/grouped.cuh. Dynamic smem: 4
//              stages of a row of dy (18 KiB) and 18.5 KiB for weights
// Traffic      grouped8s2_backward_data, grouped16s2_backward_data, grouped32s2_backward_data: read n*oh*ow*c*T + c*9*c/g*T, write n*h*w*c*T
// Roofline     memory bound: 9 g / 2 flop and 1.25 * sizeof(T) bytes per element of dx; each product of a tap and a pixel of dy is made once, none with a zero that strides leave
// Numerics     multiplied exactly, summed in f32 by the tensor cores, rounded once; zeros beside the image and the group as in grouped_forward.cu
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.GatherConv
// Versions     see kernels/dev/grouped: v1 (this)
// Measured     not yet: no GPU so far
// Target       compute_80 isa 7.1: cp.async and mma.sync of m16n8k16
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

// A unit. Row u of dy meets rows 2u, 2u + 1 and 2u + 2 of dx, counted from the padding's first, with r = 0, 1, 2; so do its columns. A pixel of a strip stands for two columns of dx.
template <typename T, int WIDTH> struct BackwardData {
    typedef RowsOfDy<T, warpsOf<WIDTH>()> Source;
    typedef const u32 (&Operand)[Weights<T, WIDTH>::STEPS][4];
    static const int STAGES = 4;
    static const int SHIFTS = 2;
    static const bool TRANSPOSED = true;
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

    DEVICE void step(int i, u32 stage, const Fragments<typename Source::Row, WIDTH, 2> &fragments, const Weights<T, WIDTH> &weights, const Grouped &p) {
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
        multiply(a, before, weights, 2, none);
    }
};

#define GROUPED(WIDTH, NAME, T) \
    GROUPED_KERNEL(warpsOf<WIDTH>() * 32) grouped##WIDTH##s2_backward_data_##NAME(const T *dy, const T *w, T *dx, Grouped p) { walk<T, WIDTH, BackwardData<T, WIDTH>>(dy, w, dx, p); }
#define WIDTHS(NAME, T) GROUPED(8, NAME, T) GROUPED(16, NAME, T) GROUPED(32, NAME, T)
WIDTHS(f16, f16) WIDTHS(bf16, bf16)
