// depthwise.cu
// Math         y[n][oh][ow][c] = sum over r, s of x[n][oh*st + r - top][ow*st + s - left][c] * w[c][r][s], and its gradients by x and by w; square kernels of 3 or 5 taps, stride st of 1 or 2
// Contract     x (N, H, W, C), y (N, OH, OW, C), w (C, R, R, 1): without gaps, 16-byte aligned, C a multiple of 4, an image has less than 2^31 elements; `flip` turns the taps around, so that
//              stride 1 and padding R - 1 - top is the gradient by x; backward_weight leaves partial[block x][tap][C] in f32, and depthwise_weight_sum adds them up
// Launch       grid (blocks of strips, ceil(C / 4q)), block of 128 threads as (q, 128 / q) for q quads of channels, 32 at most; static smem for the taps, 4.7 KiB (3) or 13 KiB (5), and 6 or
//              10 KiB for the sums of backward_weight. A thread has 4 channels of a strip: 4 columns (backward_weight with 5 taps: 2) by p.rows rows (backward_data: pairs of rows). Blocks of
//              backward_weight go on to further strips, their number is bounded. depthwise_weight_sum: grid ceil(C / 16), block 512
// Traffic      depthwise3s1, depthwise3s2: read n*h*w*c*T + c*9*T, write n*oh*ow*c*T
//              depthwise5s1, depthwise5s2: read n*h*w*c*T + c*25*T, write n*oh*ow*c*T
//              depthwise3s2_backward_data: read n*oh*ow*c*T + c*9*T, write n*h*w*c*T
//              depthwise5s2_backward_data: read n*oh*ow*c*T + c*25*T, write n*h*w*c*T
//              depthwise3s1_backward_weight, depthwise3s2_backward_weight, depthwise5s1_backward_weight, depthwise5s2_backward_weight: read n*h*w*c*T + n*oh*ow*c*T, write p*4
//              depthwise_weight_sum: read p*4, write outputs*T
// Conflicts    staging the taps, once per block: a channel's taps are 4 banks apart, so that reading them is a 16-byte access; reading them where q is no multiple of 8 and a quarter of a warp
//              begins a new strip: two ways, and warps that end with a strip instead would leave up to half of their lanes idle;
//              and once per block where sums of threads and of channels are turned around (backward_weight, depthwise_weight_sum)
// Roofline     memory bound: 18 or 50 flop per element of y and 2 * sizeof(T) bytes (stride 1)
// Numerics     multiplied and summed in f32, padding is left out, rounded once
// Determinism  bitwise, run to run; strips and blocks follow from the shape alone
// CPU twin     dev.jacquard.cpu.Windowed
// Versions     v1 a thread per quad of outputs; v2 four columns of a row; v3 (this) four columns of many rows, each input loaded once per strip; see kernels/dev/depthwise; the forward pass is in include/depthwise.cuh, which depthwise_scale_shift.cu
//              has, too
// Measured     not yet: no GPU so far
#include "depthwise.cuh"

// The gradient by x for stride 2. In coordinates that count the padding, row i of dy adds to rows 2i .. 2i + R - 1: to D pairs of rows, the first of which is complete after it. Columns alike.
template <typename T, int R> DEVICE void data(const T *dy, const T *w, T *dx, const Depthwise &p) {
    const int COLUMNS = 4;
    const int D = (R + 1) / 2;
    __shared__ __align__(16) float taps[R * R * PITCH];
    stageTaps<T, R * R>(taps, w, p);
    int quad = blockIdx.y * blockDim.x + threadIdx.x;
    int index = blockIdx.x * blockDim.y + threadIdx.y;
    if (quad * 4 >= p.c || index >= p.n * p.chunks * p.strips) {
        return;
    }
    Strip at(index, p);
    int first = at.chunk * p.rows - (D - 1);  // row of dy
    int column = at.strip * COLUMNS;
    const T *image = dy + ((i64)at.n * p.oh * p.ow * p.c + quad * 4);
    T *out = dx + ((i64)at.n * p.h * p.w * p.c + quad * 4);
    const float *tap = taps + threadIdx.x * 4;
    float sum[D][2][COLUMNS][4] = {};
#pragma unroll 1
    for (int j = 0; j < p.rows + D - 1; j++) {
        int i = first + j;
        if ((u32)i < (u32)p.oh) {
            const T *row = image + i * p.ow * p.c;
#pragma unroll
            for (int m = 0; m < D + COLUMNS / 2 - 1; m++) {
                float v[4];
                loadPixel(v, row, column / 2 - (D - 1) + m, p.ow, p.c);
#pragma unroll
                for (int r = 0; r < R; r++) {
#pragma unroll
                    for (int t = 0; t < COLUMNS; t++) {
                        int s = t - 2 * (m - (D - 1));
                        if (s >= 0 && s < R) addProduct(sum[r / 2][r % 2][t], v, tap + (r * R + s) * PITCH);
                    }
                }
            }
        }
#pragma unroll
        for (int b = 0; b < 2; b++) {
            int h = 2 * i + b - p.top;
#pragma unroll
            for (int t = 0; t < COLUMNS; t++) {
                int x = column + t - p.left;
                if (j >= D - 1 && (u32)h < (u32)p.h && (u32)x < (u32)p.w) storePixel(out + (h * p.w + x) * p.c, sum[0][b][t]);
#pragma unroll
                for (int k = 0; k < 4; k++) {
#pragma unroll
                    for (int d = 0; d < D - 1; d++) sum[d][b][t][k] = sum[d + 1][b][t][k];
                    sum[D - 1][b][t][k] = 0;
                }
            }
        }
    }
}

// Adds one strip to the thread's sums. The last D rows of dy are kept, so that each row of x is loaded once.
template <typename T, int R, int ST, int COLUMNS> DEVICE void addStrip(float (&sum)[R][R][4], const T *x, const T *dy, const Depthwise &p, int index, int quad) {
    const int D = (R + ST - 1) / ST;
    Strip at(index, p);
    int oh0 = at.chunk * p.rows;
    int ow0 = at.strip * COLUMNS;
    int rows = min(p.rows, p.oh - oh0);
    int h0 = oh0 * ST - p.top;
    int w0 = ow0 * ST - p.left;
    const T *image = x + ((i64)at.n * p.h * p.w * p.c + quad * 4);
    const T *gradient = dy + (((i64)at.n * p.oh + oh0) * p.ow * p.c + quad * 4);
    float g[D][COLUMNS][4] = {};
#pragma unroll 1
    for (int j = 0; j < rows + D - 1; j++) {
#pragma unroll
        for (int t = 0; t < COLUMNS; t++) {
            loadPixel(g[0][t], gradient, j < rows ? ow0 + t : -1, p.ow, p.c);
        }
        gradient += p.ow * p.c;
        eachTap<R, ST, D, COLUMNS>(image, j, h0, w0, rows, p, [&](int d, int t, int r, int s, const float(&v)[4]) {
#pragma unroll
            for (int k = 0; k < 4; k++) sum[r][s][k] += v[k] * g[d][t][k];
        });
#pragma unroll
        for (int d = D - 1; d > 0; d--) {
#pragma unroll
            for (int t = 0; t < COLUMNS; t++) {
#pragma unroll
                for (int k = 0; k < 4; k++) g[d][t][k] = g[d - 1][t][k];
            }
        }
    }
}

template <typename T, int R, int ST, int COLUMNS> DEVICE void weight(const T *x, const T *dy, float *partial, const Depthwise &p) {
    __shared__ __align__(16) float rows[R][128 * 4];
    int quad = blockIdx.y * blockDim.x + threadIdx.x;
    int tid = threadIdx.y * blockDim.x + threadIdx.x;
    float sum[R][R][4] = {};
    if (quad * 4 < p.c) {
#pragma unroll 1
        for (int i = blockIdx.x * blockDim.y + threadIdx.y; i < p.n * p.chunks * p.strips; i += gridDim.x * blockDim.y) addStrip<T, R, ST, COLUMNS>(sum, x, dy, p, i, quad);
    }
    int c0 = blockIdx.y * blockDim.x * 4;
    int width = blockDim.x * 4;
#pragma unroll
    for (int r = 0; r < R; r++) {
#pragma unroll
        for (int s = 0; s < R; s++) *reinterpret_cast<float4 *>(&rows[s][tid * 4]) = make_float4(sum[r][s][0], sum[r][s][1], sum[r][s][2], sum[r][s][3]);
        __syncthreads();
#pragma unroll 1
        for (int e = tid; e < R * width; e += blockDim.x * blockDim.y) {
            int s = e / width;
            int c = e - s * width;
            float total = 0;
#pragma unroll 1
            for (int i = 0; i < blockDim.y; i++) total += rows[s][i * width + c];
            if (c0 + c < p.c) partial[((i64)blockIdx.x * R * R + r * R + s) * p.c + c0 + c] = total;
        }
        __syncthreads();
    }
}

// dw[c][tap] = sum over b of partial[b][tap][c] for 16 channels, whose results are whole sectors. Threads with the same channel and tap take every so many-th part; their sums are added in order.
template <typename T> DEVICE void weightSum(const float *partial, T *dw, int channels, int taps, int parts) {
    __shared__ float sums[512];
    int lanes = 32 / taps;
    int slot = threadIdx.x / 16;
    int tap = slot % taps;
    int lane = slot / taps;
    int c = blockIdx.x * 16 + threadIdx.x % 16;
    float sum = 0;
    if (lane < lanes && c < channels) {
#pragma unroll 16
        for (int i = lane; i < parts; i += lanes) sum += partial[((i64)i * taps + tap) * channels + c];
    }
    sums[threadIdx.x] = sum;
    __syncthreads();
    int e = threadIdx.x;
    c = e / taps;
    if (e < 16 * taps && blockIdx.x * 16 + c < channels) {
        sum = 0;
#pragma unroll 1
        for (int i = 0; i < lanes; i++) sum += sums[(i * taps + e - c * taps) * 16 + c];
        dw[(i64)blockIdx.x * 16 * taps + e] = fromFloat<T>(sum);
    }
}

#define FORWARD(S, T, R, ST) \
    KERNEL(128) depthwise##R##s##ST##_##S(const T *x, const T *w, T *y, const Depthwise p) { forward<T, R, ST>(x, w, y, p, AsTheyAre()); }
#define DATA(S, T, R) \
    KERNEL(128) depthwise##R##s2_backward_data_##S(const T *dy, const T *w, T *dx, const Depthwise p) { data<T, R>(dy, w, dx, p); }
#define WEIGHT(S, T, R, ST, COLUMNS) \
    KERNEL(128) depthwise##R##s##ST##_backward_weight_##S(const T *x, const T *dy, float *partial, const Depthwise p) { weight<T, R, ST, COLUMNS>(x, dy, partial, p); }
#define M(S, T) \
    FORWARD(S, T, 3, 1) FORWARD(S, T, 3, 2) FORWARD(S, T, 5, 1) FORWARD(S, T, 5, 2) \
    DATA(S, T, 3) DATA(S, T, 5) \
    WEIGHT(S, T, 3, 1, 4) WEIGHT(S, T, 3, 2, 4) WEIGHT(S, T, 5, 1, 2) WEIGHT(S, T, 5, 2, 2) \
    KERNEL(512) depthwise_weight_sum_##S(const float *partial, T *dw, int channels, int taps, int parts) { weightSum<T>(partial, dw, channels, taps, parts); }
FOR_FLOATS(M)
