// batch_norm.cu
// Math         y = act((x - mean) / sqrt(var + eps) * gamma + beta [+ residual]), mean and biased var per channel over the rows; and its gradients:
//              d = act'(..) dy; dbeta = sum d; dgamma = sum d * xhat; dx = gamma / sqrt(var + eps) * (d - dbeta / rows - xhat * dgamma / rows); dresidual = d.
//              bn_normalize is told mean and var, which column_finish makes of what bn_stats leaves, or the convolution that made x
// Contract     x, y, dy, dx, residual: (rows, C) of T, contiguous, 16-byte aligned, 0 < rows < 2^31; gamma, beta, mean, var, dgamma, dbeta: C in f32; residual may be null; dx may be dy, and
//              bn_normalize's y x. Symbols without "1" need C to be a multiple of 16 / sizeof(T). Workspace: partial (chunks, 2, C) in f32
// Launch       all but bn_backward_finish: grid (ceil(rows / perBlock), ceil(C / (tx * W))), block 256 at most, (tx, ty) with tx <= 32, smem 0; W = 16 / sizeof(T), or 1.
//              bn_backward_finish: grid ceil(C / 32), block (32, 8), smem 0
// Traffic      bn_stats: read rows*c*T, write chunks*2*c*4
//              bn_stats1: read rows*c*T, write chunks*2*c*4
//              bn_normalize: read rows*c*T + residual*rows*c*T + 4*c*4, write rows*c*T
//              bn_normalize1: read rows*c*T + residual*rows*c*T + 4*c*4, write rows*c*T
//              bn_backward_stats: read 2*rows*c*T + residual*rows*c*T + 4*c*4, write chunks*2*c*4
//              bn_backward_stats1: read 2*rows*c*T + residual*rows*c*T + 4*c*4, write chunks*2*c*4
//              bn_backward_finish: read chunks*2*c*4 + c*4, write 2*c*4
//              bn_backward_apply: read 2*rows*c*T + residual*rows*c*T + 6*c*4, write rows*c*T + residual*rows*c*T
//              bn_backward_apply1: read 2*rows*c*T + residual*rows*c*T + 6*c*4, write rows*c*T + residual*rows*c*T
// Roofline     memory bound: about 10 flop per element; x is read twice forward, x and dy (and residual) twice backward, since no cache holds them
// Numerics     f32; what is of T is rounded once. Statistics: each thread sums around its own first value, and (count, mean, M2) of threads and blocks are combined as by Chan et al. 1979, so that a
//              mean that is large against the deviation costs no digits. Backward computes the pre-activation again from x, mean and var, which are what forward took: a unit is on in both or in neither
// Determinism  bitwise, run to run; the cut into chunks depends on the shape alone, partial results are combined in order
// CPU twin     dev.jacquard.cpu.TrainingKernels
// Versions     kernels/dev/batch_norm
// Measured     not yet: no GPU so far
#include "channels.cuh"
#include "nonlinearity.cuh"

// Rows whose loads are in flight at once in a thread: 64 bytes for the statistics, which have nothing else to hide latency behind.
const int AHEAD = 4;
const int FINISH_ROWS = 8;

// Count, mean and sum of squared deviations of what one thread saw, per channel.
template <int W> struct Moments {
    float n;
    float m[2][W]; // mean, sum of squared deviations

    // Chan et al. 1979; b may be empty.
    DEVICE void merge(float bn, const float *scratch, int at) {
        float total = n + bn;
        float share = total > 0 ? bn / total : 0;
#pragma unroll
        for (int v = 0; v < W; v++) {
            float d = scratch[v * CHANNEL_THREADS + at] - m[0][v];
            m[0][v] += d * share;
            m[1][v] += scratch[(W + v) * CHANNEL_THREADS + at] + d * d * (n * share);
        }
        n = total;
    }
};

// Moments of a thread's rows: sums around its first value, which is as good a guess of the mean as any that costs nothing.
template <typename T, int W> DEVICE Moments<W> momentsOfRows(const T *x, const ChannelWalk<W> &walk, int c) {
    Moments<W> m;
    float shift[W], s1[W], s2[W];
    int row = walk.row;
    int step = blockDim.y;
    int n = 0;
#pragma unroll
    for (int v = 0; v < W; v++) shift[v] = s1[v] = s2[v] = 0;
    if (walk.active && row < walk.end) {
        const T *p = x + (i64)row * c + walk.channel;
        i64 stride = (i64)step * c;
        Lanes<T, W> first = Lanes<T, W>::load(p);
#pragma unroll
        for (int v = 0; v < W; v++) shift[v] = first.v[v];
        n = (walk.end - row + step - 1) / step;
        int left = n - 1;
        p += stride;
#pragma unroll 1
        for (; left >= AHEAD; left -= AHEAD, p += AHEAD * stride) {
            Lanes<T, W> a[AHEAD];
#pragma unroll
            for (int j = 0; j < AHEAD; j++) a[j] = Lanes<T, W>::load(p + j * stride);
#pragma unroll
            for (int j = 0; j < AHEAD; j++) {
#pragma unroll
                for (int v = 0; v < W; v++) {
                    float d = a[j].v[v] - shift[v];
                    s1[v] += d;
                    s2[v] += d * d;
                }
            }
        }
#pragma unroll 1
        for (; left > 0; left--, p += stride) {
            Lanes<T, W> a = Lanes<T, W>::load(p);
#pragma unroll
            for (int v = 0; v < W; v++) {
                float d = a.v[v] - shift[v];
                s1[v] += d;
                s2[v] += d * d;
            }
        }
    }
    m.n = n;
    float share = n > 0 ? 1.0f / n : 0;
#pragma unroll
    for (int v = 0; v < W; v++) {
        float d = s1[v] * share;
        float left = s2[v] - s1[v] * d;
        m.m[0][v] = shift[v] + d;
        m.m[1][v] = left < 0 ? 0 : left; // rounding; NaN stays
    }
    return m;
}

template <typename T, int W> DEVICE void stats(const T *x, float *partial, int rows, int c, int perBlock) {
    __shared__ __align__(16) float scratch[2 * W * CHANNEL_THREADS];
    __shared__ float counts[CHANNEL_THREADS];
    ChannelWalk<W> walk(rows, c, perBlock);
    Moments<W> m = momentsOfRows<T, W>(x, walk, c);
    int slot = walk.slot();
    for (int live = blockDim.y; live > 1;) { // as sumOverRows
        int half = (live + 1) / 2;
        if ((int)threadIdx.y >= half && (int)threadIdx.y < live) {
            counts[slot] = m.n;
#pragma unroll
            for (int i = 0; i < 2 * W; i++) scratch[i * CHANNEL_THREADS + slot] = m.m[i / W][i % W];
        }
        __syncthreads();
        if ((int)threadIdx.y + half < live) {
            int other = slot + half * blockDim.x;
            m.merge(counts[other], scratch, other);
        }
        live = half;
    }
    storeTile<W, 2>(m.m, partial + (i64)blockIdx.x * 2 * c, c, scratch);
}

// Sum over the FINISH_ROWS threads of a channel, in order; every one of them gets it. All threads must call.
DEVICE float sumOfChannel(float x, float (*scratch)[32]) {
    __syncthreads();
    scratch[threadIdx.y][threadIdx.x] = x;
    __syncthreads();
    float s = 0;
#pragma unroll
    for (int i = 0; i < FINISH_ROWS; i++) s += scratch[i][threadIdx.x];
    return s;
}

// What is per channel, as the op has it.
struct Channels {
    const float *gamma, *beta, *mean, *variance;
    float eps;

    DEVICE float invStd(int channel) const { return rsqrtf(variance[channel] + eps); }

    // Mean, scale and beta of the block's tile; put a barrier before they are read. All threads must call.
    template <int W> DEVICE void fill(float *shared, int c) const {
        const int SIZE = TileFloats<W>::SIZE;
        fillTile<W>(shared, c, [&](int k) { return mean[k]; });
        fillTile<W>(shared + SIZE, c, [&](int k) { return gamma[k] * invStd(k); });
        fillTile<W>(shared + 2 * SIZE, c, [&](int k) { return beta[k]; });
    }
};

// N numbers for each of a thread's channels, from those of the tile.
template <int W, int N> DEVICE void takeParams(const float *shared, float (*mine)[W]) {
#pragma unroll
    for (int i = 0; i < N; i++) TileFloats<W>::get(shared + i * TileFloats<W>::SIZE, mine[i]);
}

// Params: mean, scale, beta.
template <typename T, int W> DEVICE void normalizeRows(const T *x, const T *residual, T *y, const float (*p)[W], const ChannelWalk<W> &walk, int c, int act) {
    forRows<T, W>(x, residual, y, walk, c, [&](Lanes<T, W> &a, const Lanes<T, W> &r) {
#pragma unroll
        for (int v = 0; v < W; v++) {
            float pre = (a.v[v] - p[0][v]) * p[1][v] + p[2][v];
            a.v[v] = activate(residual ? pre + r.v[v] : pre, act);
        }
    });
}

template <typename T, int W> DEVICE void normalize(const T *x, const Channels &channels, const T *residual, T *y, int rows, int c, int perBlock, int act) {
    __shared__ __align__(16) float shared[3 * TileFloats<W>::SIZE];
    ChannelWalk<W> walk(rows, c, perBlock);
    channels.fill<W>(shared, c);
    __syncthreads();
    if (!walk.active) return;
    float p[3][W];
    takeParams<W, 3>(shared, p);
    normalizeRows<T, W>(x, residual, y, p, walk, c, act);
}

// d = act'(pre) dy in place of dy, the pre-activation being computed again from x. Params: mean, scale, beta.
template <int W> DEVICE void preGradient(float *dy, const float *x, const float *residual, bool with, const float (*p)[W], int act) {
    if (act == ACT_NONE) return;
#pragma unroll
    for (int v = 0; v < W; v++) {
        float pre = (x[v] - p[0][v]) * p[1][v] + p[2][v];
        dy[v] = activateBackward(dy[v], with ? pre + residual[v] : pre, act);
    }
}

// What the backward kernels read of up to two of a thread's rows, all loads before any use; a row that is not there is the first again. The residual only counts where there is an activation.
template <typename T, int W> struct BackwardRows {
    static const int N = rowsAtOnce(W);
    Lanes<T, W> x[N], dy[N], residual[N];

    DEVICE BackwardRows(const T *dys, const T *xs, const T *residuals, const ChannelWalk<W> &walk, int row, int c, int act) {
#pragma unroll
        for (int j = 0; j < N; j++) {
            i64 from = walk.at(row, j, c);
            x[j] = Lanes<T, W>::load(xs + from);
            dy[j] = Lanes<T, W>::load(dys + from);
            residual[j] = x[j];
            if (residuals && act != ACT_NONE) residual[j] = Lanes<T, W>::load(residuals + from);
        }
    }
};

template <typename T, int W> DEVICE void backwardStats(const T *dy, const T *x, const Channels &channels, const T *residual, float *partial, int rows, int c, int perBlock, int act) {
    __shared__ __align__(16) float scratch[2 * W * CHANNEL_THREADS];
    ChannelWalk<W> walk(rows, c, perBlock);
    channels.fill<W>(scratch, c);
    __syncthreads();
    float p[3][W], sums[2][W];
#pragma unroll
    for (int i = 0; i < 2 * W; i++) sums[i / W][i % W] = 0;
    if (walk.active) {
        takeParams<W, 3>(scratch, p);
#pragma unroll 1
        for (int row = walk.row; row < walk.end; row += rowsAtOnce(W) * blockDim.y) {
            BackwardRows<T, W> r(dy, x, residual, walk, row, c, act);
#pragma unroll
            for (int j = 0; j < r.N; j++) {
                if (!walk.has(row, j)) break;
                preGradient<W>(r.dy[j].v, r.x[j].v, r.residual[j].v, residual, p, act);
#pragma unroll
                for (int v = 0; v < W; v++) {
                    sums[0][v] += r.dy[j].v[v];
                    sums[1][v] += r.dy[j].v[v] * (r.x[j].v[v] - p[0][v]);
                }
            }
        }
    }
    __syncthreads(); // the sums take the scratch memory over
    sumOverRows<W, 2>(sums, scratch);
    storeTile<W, 2>(sums, partial + (i64)blockIdx.x * 2 * c, c, scratch);
}

KERNEL(256) bn_backward_finish_f32(const float *partial, int chunks, int c, const float *variance, float eps, float *dgamma, float *dbeta) {
    __shared__ float scratch[FINISH_ROWS][32];
    int channel = blockIdx.x * 32 + threadIdx.x;
    bool active = channel < c;
    float a = 0, b = 0;
    if (active) {
#pragma unroll 8
        for (int p = threadIdx.y; p < chunks; p += FINISH_ROWS) {
            a += partial[(i64)p * 2 * c + channel];
            b += partial[((i64)p * 2 + 1) * c + channel];
        }
    }
    a = sumOfChannel(a, scratch);
    b = sumOfChannel(b, scratch);
    if (active && threadIdx.y == 0) {
        dbeta[channel] = a;
        dgamma[channel] = b * rsqrtf(variance[channel] + eps);
    }
}

template <typename T, int W>
DEVICE void backwardApply(const T *dy, const T *x, const Channels &channels, const float *dgamma, const float *dbeta, const T *residual, T *dx, T *dresidual, int rows, int c, int perBlock, int act) {
    const int SIZE = TileFloats<W>::SIZE;
    __shared__ __align__(16) float shared[5 * SIZE];
    ChannelWalk<W> walk(rows, c, perBlock);
    channels.fill<W>(shared, c);
    fillTile<W>(shared + 3 * SIZE, c, [&](int k) { return dbeta[k] / rows; });
    fillTile<W>(shared + 4 * SIZE, c, [&](int k) { return dgamma[k] * channels.invStd(k) / rows; });
    __syncthreads();
    if (!walk.active) return;
    float p[5][W]; // mean, scale, beta, mean of d, mean of d * xhat over the deviation
    takeParams<W, 5>(shared, p);
#pragma unroll 1
    for (int row = walk.row; row < walk.end; row += rowsAtOnce(W) * blockDim.y) {
        BackwardRows<T, W> r(dy, x, residual, walk, row, c, act);
#pragma unroll
        for (int j = 0; j < r.N; j++) {
            if (!walk.has(row, j)) break;
            preGradient<W>(r.dy[j].v, r.x[j].v, r.residual[j].v, residual, p, act);
            if (dresidual) r.dy[j].store(dresidual + walk.at(row, j, c));
#pragma unroll
            for (int v = 0; v < W; v++) r.x[j].v[v] = p[1][v] * (r.dy[j].v[v] - p[3][v] - (r.x[j].v[v] - p[0][v]) * p[4][v]);
            r.x[j].store(dx + walk.at(row, j, c));
        }
    }
}

#define STATS(NAME, S, T, W) KERNEL(256) NAME##_##S(const T *x, float *partial, int rows, int c, int perBlock) { stats<T, W>(x, partial, rows, c, perBlock); }
#define NORMALIZE(NAME, S, T, W) KERNEL(256) NAME##_##S(const T *x, const float *gamma, const float *beta, const float *mean, const float *variance, const T *residual, T *y, \
    int rows, int c, int perBlock, float eps, int act) { normalize<T, W>(x, Channels{gamma, beta, mean, variance, eps}, residual, y, rows, c, perBlock, act); }
#define BACKWARD_STATS(NAME, S, T, W) KERNEL(256) NAME##_##S(const T *dy, const T *x, const float *gamma, const float *beta, const float *mean, const float *variance, const T *residual, \
    float *partial, int rows, int c, int perBlock, float eps, int act) { \
    backwardStats<T, W>(dy, x, Channels{gamma, beta, mean, variance, eps}, residual, partial, rows, c, perBlock, act); }
#define BACKWARD_APPLY(NAME, S, T, W) KERNEL(256) NAME##_##S(const T *dy, const T *x, const float *gamma, const float *beta, const float *mean, const float *variance, const float *dgamma, \
    const float *dbeta, const T *residual, T *dx, T *dresidual, int rows, int c, int perBlock, float eps, int act) { \
    backwardApply<T, W>(dy, x, Channels{gamma, beta, mean, variance, eps}, dgamma, dbeta, residual, dx, dresidual, rows, c, perBlock, act); }
FOR_WIDTHS(STATS, bn_stats)
FOR_WIDTHS(NORMALIZE, bn_normalize)
FOR_WIDTHS(BACKWARD_STATS, bn_backward_stats)
FOR_WIDTHS(BACKWARD_APPLY, bn_backward_apply)
