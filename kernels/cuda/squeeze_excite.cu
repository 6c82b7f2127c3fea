// squeeze_excite.cu
// Math         y = x * gate, gate = sigmoid(act(mean(x) w1^T + b1) w2^T + b2), mean over the HW pixels of an image; and the gradients of x, w1, b1, w2, b2:
//              d2 = (sum over pixels of dy x) gate (1 - gate); d1 = (d2 w2) act'(hidden); dx = dy gate + (d1 w1) / HW; dw2 = d2^T act(hidden); dw1 = d1^T means; db = column sums
// Contract     x, y, dy, dx: (N, HW, C) of T, contiguous, 16-byte aligned; dx may be dy. All else is f32, each at a multiple of 16 bytes: w1 (S, C), w2 (C, S), means, gate (N, C), hidden (N, S), the
//              pre-activation; from kernel to kernel partial (N, chunks, C), d2, dmean (N, C), act(hidden), d1 (N, S). Symbols without "1" need C to be a multiple of 16 / sizeof(T), se_fc the
//              inner extent to be one of 4. Only the kernels that touch images know T
// Launch       se_squeeze, se_excite, se_excite_backward: grid (ceil(HW / perBlock), ceil(C / (tx * W)), N), block 256 at most, (tx, ty) with tx <= 32, smem 0; W = 16 / sizeof(T), or 1;
//              se_means, se_dgate: grid ceil(N * C / 256), block 256. se_fc: grid (ceil(K / (256 / lanes)), ceil(N / 4)), block 256, lanes a power of 2 up to 32.
//              se_fct: grid (ceil(J / 32), ceil(N / 4)), block (32, 8). se_dw: grid ceil(S / 32) * ceil(C / 8) + ceil(C / 32) * ceil(S / 8), block (32, 8)
// Traffic      se_squeeze: read operands*n*hw*c*T, write n*chunks*c*4
//              se_squeeze1: read operands*n*hw*c*T, write n*chunks*c*4
//              se_means: read n*chunks*c*4, write n*c*4
//              se_fc: read (n*(c + s)*4 + 2*c*s*4 + (c + s)*4) / 2, write n*(c + 2*s)*4 / 2
//              se_fc1: read (n*(c + s)*4 + 2*c*s*4 + (c + s)*4) / 2, write n*(c + 2*s)*4 / 2
//              se_excite: read n*hw*c*T + n*c*4, write n*hw*c*T
//              se_excite1: read n*hw*c*T + n*c*4, write n*hw*c*T
//              se_dgate: read n*chunks*c*4 + n*c*4, write n*c*4
//              se_fct: read (n*(c + s)*4 + 2*c*s*4 + n*s*4) / 2, write n*(c + 2*s)*4 / 2
//              se_dw: read 2*n*(c + s)*4, write (2*c*s + c + s)*4
//              se_excite_backward: read n*hw*c*T + 2*n*c*4, write n*hw*c*T
//              se_excite_backward1: read n*hw*c*T + 2*n*c*4, write n*hw*c*T
// Roofline     memory bound where HW is large; the layers' 4 N C S flop (8 N C S backward) are small beside it. Traffic of se_fc, se_fct: the mean of a pass's two launches
// Numerics     f32 throughout, images rounded once; sums over pixels by thread, block and chunk
// Determinism  bitwise, run to run; cuts depend on the shape alone
// CPU twin     dev.jacquard.tck.reference.ProductKernels
// Versions     kernels/dev/squeeze_excite
// Measured     not yet: no GPU so far
#include "channels.cuh"
#include "nonlinearity.cuh"

const int IMAGES = 4;   // that share one reading of the weights
const int SLICES = 8;   // of a transposed product's inner extent
const int ACT_GATE = 3; // sigmoid

// Sum over a chunk's pixels of x, or of dy * x.
template <typename T, int W> DEVICE void squeeze(const T *x, const T *dy, float *partial, int hw, int c, int perBlock) {
    __shared__ __align__(16) float scratch[W * CHANNEL_THREADS + (W == 1 ? 0 : 32)];
    ChannelWalk<W> walk(hw, c, perBlock);
    const int N = 2 * rowsAtOnce(W);
    i64 image = (i64)blockIdx.z * hw * c;
    float sum[1][W];
#pragma unroll
    for (int v = 0; v < W; v++) sum[0][v] = 0;
    if (walk.active) {
#pragma unroll 1
        for (int row = walk.row; row < walk.end; row += N * blockDim.y) {
            Lanes<T, W> a[N], b[N]; // of rows that are not there, nothing
#pragma unroll
            for (int j = 0; j < N; j++) {
#pragma unroll
                for (int v = 0; v < W; v++) a[j].v[v] = b[j].v[v] = 0;
                if (walk.has(row, j)) {
                    i64 from = image + walk.at(row, j, c);
                    a[j] = Lanes<T, W>::load(x + from);
                    if (dy) b[j] = Lanes<T, W>::load(dy + from);
                }
            }
#pragma unroll
            for (int j = 0; j < N; j++) {
#pragma unroll
                for (int v = 0; v < W; v++) sum[0][v] += dy ? a[j].v[v] * b[j].v[v] : a[j].v[v];
            }
        }
    }
    sumOverRows<W, 1>(sum, scratch);
    storeTile<W, 1>(sum, partial + ((i64)blockIdx.z * gridDim.x + blockIdx.x) * c, c, scratch);
}

// Sum of an element's chunks, in order.
DEVICE float sumOfChunks(const float *partial, int chunks, int c, int i) {
    const float *p = partial + (i64)(i / c) * chunks * c + i % c;
    float s = 0;
#pragma unroll 4
    for (int k = 0; k < chunks; k++) s += p[(i64)k * c];
    return s;
}

KERNEL(256) se_means_f32(const float *partial, int chunks, int n, int hw, int c, float *means) {
    int i = blockIdx.x * 256 + threadIdx.x;
    if (i < n * c) means[i] = sumOfChunks(partial, chunks, c, i) / hw;
}

// Gradient before the sigmoid.
KERNEL(256) se_dgate_f32(const float *partial, int chunks, int n, int c, const float *gate, float *d2) {
    int i = blockIdx.x * 256 + threadIdx.x;
    if (i >= n * c) return;
    float g = gate[i];
    d2[i] = sumOfChunks(partial, chunks, c, i) * g * (1 - g);
}

// out[n][k] = sum over j of a[n][j] w[k][j] + bias[k]: a row of w by so many lanes of a warp, for four images. After the activation; and, unless `pre` is null, before.
template <int W> DEVICE void fc(const float *a, const float *w, const float *bias, int n, int k, int j, int lanes, int act, float *activated, float *pre) {
    int row = (blockIdx.x * 256 + threadIdx.x) / lanes;
    int lane = threadIdx.x % lanes;
    int image = blockIdx.y * IMAGES;
    float sum[IMAGES];
#pragma unroll
    for (int i = 0; i < IMAGES; i++) sum[i] = 0;
    if (row < k) {
#pragma unroll 1
        for (int at = lane * W; at < j; at += lanes * W) {
            Lanes<float, W> q = Lanes<float, W>::load(w + (i64)row * j + at);
#pragma unroll
            for (int i = 0; i < IMAGES; i++) {
                Lanes<float, W> b = Lanes<float, W>::load(a + (i64)min(image + i, n - 1) * j + at); // of an image too many, the last again
#pragma unroll
                for (int v = 0; v < W; v++) sum[i] += q.v[v] * b.v[v];
            }
        }
    }
    for (int step = lanes / 2; step > 0; step /= 2) {
#pragma unroll
        for (int i = 0; i < IMAGES; i++) sum[i] += __shfl_xor_sync(0xffffffffu, sum[i], step);
    }
    if (row >= k || lane > 0) return;
    float b = bias[row];
#pragma unroll
    for (int i = 0; i < IMAGES; i++) {
        if (image + i >= n) break;
        i64 to = (i64)(image + i) * k + row;
        float x = sum[i] + b;
        activated[to] = act == ACT_GATE ? sigmoid(x) : activate(x, act);
        if (pre) pre[to] = x;
    }
}

// out[n][j] = sum over k of a[n][k] w[k][j]; where there is a pre-activation (N, J), times the activation's gradient there, and the activation itself is written beside.
KERNEL(256) se_fct_f32(const float *a, const float *w, const float *pre, int n, int k, int j, int act, float *out, float *activated) {
    __shared__ float scratch[IMAGES][SLICES][32];
    int column = blockIdx.x * 32 + threadIdx.x;
    int image = blockIdx.y * IMAGES;
    float sum[IMAGES];
#pragma unroll
    for (int i = 0; i < IMAGES; i++) sum[i] = 0;
    if (column < j) {
#pragma unroll 4
        for (int row = threadIdx.y; row < k; row += SLICES) {
            float q = w[(i64)row * j + column];
#pragma unroll
            for (int i = 0; i < IMAGES; i++) sum[i] += a[(i64)min(image + i, n - 1) * k + row] * q;
        }
    }
#pragma unroll
    for (int i = 0; i < IMAGES; i++) scratch[i][threadIdx.y][threadIdx.x] = sum[i];
    __syncthreads();
    int i = threadIdx.y; // an image each
    if (i >= IMAGES || image + i >= n || column >= j) return;
    float s = 0;
#pragma unroll
    for (int slice = 0; slice < SLICES; slice++) s += scratch[i][slice][threadIdx.x];
    i64 to = (i64)(image + i) * j + column;
    if (pre) {
        float h = pre[to];
        s = activateBackward(s, h, act);
        activated[to] = activate(h, act);
    }
    out[to] = s;
}

// Tile of dw[k][j] = sum over n of a[n][k] b[n][j], db[k] = sum over n of a[n][k]: 8 rows, 32 columns.
DEVICE void dw(const float *a, const float *b, int n, int k, int j, int tile, float *dweight, float *dbias) {
    int across = (j + 31) / 32;
    int column = tile % across * 32 + threadIdx.x;
    int row = tile / across * SLICES + threadIdx.y;
    if (column >= j || row >= k) return;
    float s = 0, bias = 0;
#pragma unroll 4
    for (int i = 0; i < n; i++) {
        float p = a[(i64)i * k + row];
        s += p * b[(i64)i * j + column];
        bias += p;
    }
    dweight[(i64)row * j + column] = s;
    if (column == 0) dbias[row] = bias;
}

// The gradients of both layers, the second's first.
KERNEL(256) se_dw_f32(const float *d2, const float *hidden, const float *d1, const float *means, int n, int c, int s, float *dw2, float *db2, float *dw1, float *db1) {
    int tile = blockIdx.x;
    int first = (s + 31) / 32 * ((c + SLICES - 1) / SLICES);
    if (tile < first) {
        dw(d2, hidden, n, c, s, tile, dw2, db2);
    } else {
        dw(d1, means, n, s, c, tile - first, dw1, db1);
    }
}

template <typename T, int W> DEVICE void excite(const T *x, const float *gate, T *y, int hw, int c, int perBlock) {
    __shared__ __align__(16) float shared[TileFloats<W>::SIZE];
    const float *gates = gate + (i64)blockIdx.z * c;
    fillTile<W>(shared, c, [&](int k) { return gates[k]; });
    __syncthreads();
    ChannelWalk<W> walk(hw, c, perBlock);
    if (!walk.active) return;
    float g[W];
    TileFloats<W>::get(shared, g);
    i64 image = (i64)blockIdx.z * hw * c;
    forRows<T, W>(x + image, (const T *)0, y + image, walk, c, [&](Lanes<T, W> &a, const Lanes<T, W> &) {
#pragma unroll
        for (int v = 0; v < W; v++) a.v[v] *= g[v];
    });
}

template <typename T, int W> DEVICE void exciteBackward(const T *dy, const float *gate, const float *dmean, T *dx, int hw, int c, int perBlock) {
    __shared__ __align__(16) float shared[2 * TileFloats<W>::SIZE];
    i64 first = (i64)blockIdx.z * c;
    float share = 1.0f / hw;
    fillTile<W>(shared, c, [&](int k) { return gate[first + k]; });
    fillTile<W>(shared + TileFloats<W>::SIZE, c, [&](int k) { return dmean[first + k] * share; });
    __syncthreads();
    ChannelWalk<W> walk(hw, c, perBlock);
    if (!walk.active) return;
    float g[W], m[W];
    TileFloats<W>::get(shared, g);
    TileFloats<W>::get(shared + TileFloats<W>::SIZE, m);
    i64 image = (i64)blockIdx.z * hw * c;
    forRows<T, W>(dy + image, (const T *)0, dx + image, walk, c, [&](Lanes<T, W> &a, const Lanes<T, W> &) {
#pragma unroll
        for (int v = 0; v < W; v++) a.v[v] = a.v[v] * g[v] + m[v];
    });
}

#define SQUEEZE(NAME, S, T, W) KERNEL(256) NAME##_##S(const T *x, const T *dy, float *partial, int hw, int c, int perBlock) { squeeze<T, W>(x, dy, partial, hw, c, perBlock); }
#define FC(NAME, W) KERNEL(256) NAME##_f32(const float *a, const float *w, const float *bias, int n, int k, int j, int lanes, int act, float *activated, float *pre) { \
    fc<W>(a, w, bias, n, k, j, lanes, act, activated, pre); }
#define EXCITE(NAME, S, T, W) KERNEL(256) NAME##_##S(const T *x, const float *gate, T *y, int hw, int c, int perBlock) { excite<T, W>(x, gate, y, hw, c, perBlock); }
#define EXCITE_BACKWARD(NAME, S, T, W) KERNEL(256) NAME##_##S(const T *dy, const float *gate, const float *dmean, T *dx, int hw, int c, int perBlock) { \
    exciteBackward<T, W>(dy, gate, dmean, dx, hw, c, perBlock); }
FOR_WIDTHS(SQUEEZE, se_squeeze)
FC(se_fc, 4) FC(se_fc1, 1)
FOR_WIDTHS(EXCITE, se_excite)
FOR_WIDTHS(EXCITE_BACKWARD, se_excite_backward)
