// What the modules of depthwise convolution share: strips, taps, and the forward pass.
#pragma once
#include "quad.cuh"

// A pass; DepthwisePass.java fills it in this order.
struct Depthwise {
    int n, h, w, c;      // images that are gathered from (gradients: x)
    int oh, ow;          // images that are gathered to (gradients: y)
    int top, left;       // padding
    int rows;            // of a strip (backward_data: pairs of rows)
    int chunks, strips;  // strips above each other, and beside each other
    int flip;
};

const int PITCH = 32 * 4 + 4;  // floats from tap to tap in shared memory

// The taps of the block's channels as [tap][channel] floats. All threads must call.
template <typename T, int TAPS> DEVICE void stageTaps(float *taps, const T *w, const Depthwise &p) {
    int c0 = blockIdx.y * blockDim.x * 4;
    int n = min((int)blockDim.x * 4, p.c - c0) * TAPS;
#pragma unroll 1
    for (int e = threadIdx.y * blockDim.x + threadIdx.x; e < n; e += blockDim.x * blockDim.y) {
        int c = e / TAPS;
        int tap = e - c * TAPS;
        taps[(p.flip ? TAPS - 1 - tap : tap) * PITCH + c] = toFloat(w[(i64)c0 * TAPS + e]);
    }
    __syncthreads();
}

// A thread's strip: image, first row and column in units of strips.
struct Strip {
    int n, chunk, strip;
    DEVICE Strip(int index, const Depthwise &p) {
        strip = index % p.strips;
        chunk = index / p.strips % p.chunks;
        n = index / p.strips / p.chunks;
    }
};

// Four channels of a pixel of a row as floats, zero beside the image.
template <typename T> DEVICE void loadPixel(float (&v)[4], const T *row, int x, int width, int channels) {
    Quad<T> q = (u32)x < (u32)width ? Quad<T>::load(row + x * channels) : Quad<T>::zero();
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = toFloat(q.v[i]);
}

DEVICE void addProduct(float (&sum)[4], const float (&v)[4], const float *tap) {
    float4 t = *reinterpret_cast<const float4 *>(tap);
    sum[0] += v[0] * t.x; sum[1] += v[1] * t.y; sum[2] += v[2] * t.z; sum[3] += v[3] * t.w;
}

template <typename T> DEVICE void storePixel(T *p, const float (&v)[4]) {
    Quad<T> q;
#pragma unroll
    for (int i = 0; i < 4; i++) q.v[i] = fromFloat<T>(v[i]);
    q.store(p);
}

// Loads the input rows that step j of a strip begins with, each pixel once, and tells of every product that it is part of: use(d, t, r, s, pixel) for the output d rows
// back, in column t, under the tap (r, s).
template <int R, int ST, int D, int COLUMNS, typename T, typename USE> DEVICE void eachTap(const T *image, int j, int h0, int w0, int rows, const Depthwise &p, USE use) {
#pragma unroll
    for (int phase = 0; phase < ST; phase++) {
        int i = j * ST + phase;
        if ((u32)(h0 + i) < (u32)p.h && i < (rows - 1) * ST + R) {
            const T *row = image + (h0 + i) * p.w * p.c;
#pragma unroll
            for (int column = 0; column < (COLUMNS - 1) * ST + R; column++) {
                float v[4];
                loadPixel(v, row, w0 + column, p.w, p.c);
#pragma unroll
                for (int d = 0; d < D; d++) {
#pragma unroll
                    for (int t = 0; t < COLUMNS; t++) {
                        int r = d * ST + phase;
                        int s = column - t * ST;
                        if (r < R && s >= 0 && s < R) use(d, t, r, s, v);
                    }
                }
            }
        }
    }
}

// Sums are the results.
struct AsTheyAre {
    static const int ROWS = 0;
    DEVICE void stage(float *rows, const Depthwise &p) const {}
    DEVICE void begin(const float *own) {}
    DEVICE void apply(float (&v)[4]) const {}
};

// Every input row of a strip is loaded once and adds to all output rows that it is part of: D of them are under way. `after` has its say on what is stored: it puts ROWS numbers per
// channel, PITCH apart, behind the taps, and is shown those of the thread's channels before each row.
template <typename T, int R, int ST, typename AFTER> DEVICE void forward(const T *x, const T *w, T *y, const Depthwise &p, AFTER after) {
    const int COLUMNS = 4;
    const int D = (R + ST - 1) / ST;
    __shared__ __align__(16) float taps[(R * R + AFTER::ROWS) * PITCH];
    after.stage(taps + R * R * PITCH, p);
    stageTaps<T, R * R>(taps, w, p);
    int quad = blockIdx.y * blockDim.x + threadIdx.x;
    int index = blockIdx.x * blockDim.y + threadIdx.y;
    if (quad * 4 >= p.c || index >= p.n * p.chunks * p.strips) {
        return;
    }
    Strip at(index, p);
    int oh0 = at.chunk * p.rows;
    int ow0 = at.strip * COLUMNS;
    int rows = min(p.rows, p.oh - oh0);
    int h0 = oh0 * ST - p.top;
    int w0 = ow0 * ST - p.left;
    const T *image = x + ((i64)at.n * p.h * p.w * p.c + quad * 4);
    T *out = y + (((i64)at.n * p.oh + oh0) * p.ow + ow0) * p.c + quad * 4;
    const float *tap = taps + threadIdx.x * 4;
    float sum[D][COLUMNS][4] = {};
#pragma unroll 1
    for (int j = 0; j < rows + D - 1; j++) {
        eachTap<R, ST, D, COLUMNS>(image, j, h0, w0, rows, p, [&](int d, int t, int r, int s, const float(&v)[4]) { addProduct(sum[d][t], v, tap + (r * R + s) * PITCH); });
        if (j >= D - 1) {
            after.begin(tap + R * R * PITCH);
#pragma unroll
            for (int t = 0; t < COLUMNS; t++) {
                if (ow0 + t < p.ow) {
                    after.apply(sum[D - 1][t]);
                    storePixel(out + t * p.c, sum[D - 1][t]);
                }
            }
            out += p.ow * p.c;
        }
#pragma unroll
        for (int t = 0; t < COLUMNS; t++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int d = D - 1; d > 0; d--) sum[d][t][i] = sum[d - 1][t][i];
                sum[0][t][i] = 0;
            }
        }
    }
}
