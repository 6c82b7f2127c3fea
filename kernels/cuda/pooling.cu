// pooling.cu
// Math         max_pool: y = largest of each window of x, and its tap row * s + column; max_pool_backward: dx = sum of dy over the windows whose tap it is; max_pool_gather: y = x at the tap;
//              avg_pool: y = sum of the window / count; avg_pool_backward: dx = sum over the windows that cover it of dy / count; count is r * s, or the number of taps inside of the image
// Contract     images NHWC (n, h, w, c), outputs (n, oh, ow, c) of T, taps int32 (n, oh, ow, c); contiguous, 16-byte aligned, results not in the memory of operands; padding below r and s, no dilation;
//              h * w * c and oh * ow * c fit int32
// Launch       grid n * blocks, blocks = ceil(pixels of one result * packs of a pixel / 256), block 256, smem 0: a thread per pack of channels of one result. A pack is 4 channels: 16
//              bytes of f32 and of taps; avg_pool: V = 16 / sizeof(T); 1 where c is no multiple of it
// Traffic      max_pool: read n*h*w*c*T, write n*oh*ow*c*(T + 4)
//              max_pool_backward: read n*oh*ow*c*(T + 4), write n*h*w*c*T
//              max_pool_gather: read n*h*w*c*T + n*oh*ow*c*4, write n*oh*ow*c*T
//              avg_pool: read n*h*w*c*T, write n*oh*ow*c*T
//              avg_pool_backward: read n*oh*ow*c*T, write n*h*w*c*T
// Roofline     memory bound: 1 comparison or addition per tap; windows that overlap read their pixels again from the caches
// Numerics     computed in f32, rounded once; the first of equals wins, the first NaN over all
// Determinism  bitwise, run to run: backward gathers, windows in order, and adds nothing atomically
// CPU twin     dev.jacquard.cpu.PoolingKernels
// Versions     v1
// Measured     not yet: no GPU so far
#include "common.cuh"

// n / d for 0 <= n < 2^31 by a multiplication; made on the host (Divisor.java).
struct Divisor { int d; u32 multiplier, shift; };
DEVICE int operator/(int n, const Divisor &d) { return (int)((__umulhi((u32)n, d.multiplier) + (u32)n) >> d.shift); }

// What divides: blocks of one result, packs of a pixel, the results' width, strides.
struct Pooling {
    int h, w, c, oh, ow, r, s, top, left, countPadding;
    Divisor blocks, packs, width, strideH, strideW;

    // Taps of an output row or column that lie inside of the image: [from, to).
    static DEVICE int from(int o, const Divisor &stride, int pad) { return max(pad - o * stride.d, 0); }
    static DEVICE int to(int o, const Divisor &stride, int pad, int taps, int size) { return min(taps, size + pad - o * stride.d); }

    // Output rows or columns whose windows cover one of the image: [first, last].
    static DEVICE int first(int i, const Divisor &stride, int pad, int taps) { return max(i + pad - taps + stride.d, 0) / stride; }
    static DEVICE int last(int i, const Divisor &stride, int pad, int outputs) { return min((i + pad) / stride, outputs - 1); }

    DEVICE int rowsInside(int y) const { return to(y, strideH, top, r, h) - from(y, strideH, top); }
    DEVICE int columnsInside(int x) const { return to(x, strideW, left, s, w) - from(x, strideW, left); }

    // What the sum of a window of so many rows inside is multiplied by: within a roundoff of the quotient, which would call a subroutine.
    DEVICE float scale(int rows, int x) const { return __fdividef(1, countPadding ? r * s : rows * columnsInside(x)); }
};

// V neighbouring channels: 16 bytes, or 8 of a half type, or a single one.
template <int V, typename T> DEVICE void load(const T *p, float *v) {
    if constexpr (V == Pack<T>::N) {
        Pack<T> q = Pack<T>::load(p);
#pragma unroll
        for (int k = 0; k < V; k++) v[k] = q.v[k];
    } else if constexpr (V == 4) {
        uint2 q = *reinterpret_cast<const uint2 *>(p);
        v[0] = Pack<T>::low(q.x, T());
        v[1] = Pack<T>::high(q.x, T());
        v[2] = Pack<T>::low(q.y, T());
        v[3] = Pack<T>::high(q.y, T());
    } else {
        v[0] = toFloat(*p);
    }
}

template <int V, typename T> DEVICE void store(T *p, const float *v) {
    if constexpr (V == Pack<T>::N) {
        Pack<T> q;
#pragma unroll
        for (int k = 0; k < V; k++) q.v[k] = v[k];
        q.store(p);
    } else if constexpr (V == 4) {
        u32 a = (u32)fromFloat<T>(v[0]).bits | (u32)fromFloat<T>(v[1]).bits << 16;
        u32 b = (u32)fromFloat<T>(v[2]).bits | (u32)fromFloat<T>(v[3]).bits << 16;
        *reinterpret_cast<uint2 *>(p) = make_uint2(a, b);
    } else {
        *p = fromFloat<T>(v[0]);
    }
}

template <int V> DEVICE void loadTaps(const int *p, int *t) {
    if constexpr (V == 4) {
        int4 q = *reinterpret_cast<const int4 *>(p);
        t[0] = q.x, t[1] = q.y, t[2] = q.z, t[3] = q.w;
    } else {
        t[0] = *p;
    }
}

template <int V> DEVICE void storeTaps(int *p, const int *t) {
    if constexpr (V == 4) {
        *reinterpret_cast<int4 *>(p) = make_int4(t[0], t[1], t[2], t[3]);
    } else {
        *p = t[0];
    }
}

// Calls make(y, x, first channel, result's place, image) for a thread's place in results of height * width pixels. Places within an image are 32 bits wide.
template <int V, typename F> DEVICE void forResults(const Pooling &p, int height, int width, F make) {
    int image = (int)blockIdx.x / p.blocks;
    int i = (blockIdx.x - image * p.blocks.d) * 256 + threadIdx.x;
    int pixel = i / p.packs;
    if (pixel < height * width) {
        int y = pixel / p.width;
        make(y, pixel - y * width, (i - pixel * p.packs.d) * V, (i64)image * (height * width * p.c) + i * V, (i64)image);
    }
}

// Calls see(place in the image, tap) for the taps of a window that lie inside of its image, in order.
template <typename F> DEVICE void forWindow(const Pooling &p, int y, int x, int channel, F see) {
    int fromI = Pooling::from(y, p.strideH, p.top), toI = Pooling::to(y, p.strideH, p.top, p.r, p.h);
    int fromJ = Pooling::from(x, p.strideW, p.left), toJ = Pooling::to(x, p.strideW, p.left, p.s, p.w);
    int row = ((y * p.strideH.d - p.top + fromI) * p.w + x * p.strideW.d - p.left + fromJ) * p.c + channel;
#pragma unroll 1
    for (int i = fromI; i < toI; i++, row += p.w * p.c) {
        int at = row;
#pragma unroll 1
        for (int j = fromJ; j < toJ; j++, at += p.c) see(at, i * p.s + j);
    }
}

// Calls see(place in the outputs, tap, rows of the window inside of the image, output column) for the windows that cover a pixel, in order.
template <typename F> DEVICE void forWindows(const Pooling &p, int y, int x, int channel, F see) {
    int lastY = Pooling::last(y, p.strideH, p.top, p.oh);
    int firstX = Pooling::first(x, p.strideW, p.left, p.s), lastX = Pooling::last(x, p.strideW, p.left, p.ow);
#pragma unroll 1
    for (int oy = Pooling::first(y, p.strideH, p.top, p.r); oy <= lastY; oy++) {
        int rows = p.rowsInside(oy);
        int at = (oy * p.ow + firstX) * p.c + channel;
        int tap = (y + p.top - oy * p.strideH.d) * p.s + x + p.left - firstX * p.strideW.d;
#pragma unroll 1
        for (int ox = firstX; ox <= lastX; ox++, at += p.c, tap -= p.strideW.d) see(at, tap, rows, ox);
    }
}

template <int V, typename T> DEVICE void maxPool(const T *x, T *y, int *taps, const Pooling &p) {
    forResults<V>(p, p.oh, p.ow, [&](int oy, int ox, int channel, i64 result, i64 image) {
        x += image * (p.h * p.w * p.c);
        float best[V];
        int at[V];
#pragma unroll
        for (int k = 0; k < V; k++) {
            best[k] = __int_as_float(0xff800000);
            at[k] = Pooling::from(oy, p.strideH, p.top) * p.s + Pooling::from(ox, p.strideW, p.left);
        }
        forWindow(p, oy, ox, channel, [&](int i, int tap) {
            float v[V];
            load<V>(x + i, v);
#pragma unroll
            for (int k = 0; k < V; k++) {
                bool wins = !(v[k] <= best[k]) & (best[k] == best[k]);
                best[k] = wins ? v[k] : best[k];
                at[k] = wins ? tap : at[k];
            }
        });
        store<V>(y + result, best);
        storeTaps<V>(taps + result, at);
    });
}

template <int V, typename T> DEVICE void maxPoolBackward(const T *dy, const int *taps, T *dx, const Pooling &p) {
    forResults<V>(p, p.h, p.w, [&](int y, int x, int channel, i64 result, i64 image) {
        i64 outputs = image * (p.oh * p.ow * p.c);
        float s[V] = {};
        forWindows(p, y, x, channel, [&](int i, int tap, int, int) {
            float v[V];
            int at[V];
            load<V>(dy + outputs + i, v);
            loadTaps<V>(taps + outputs + i, at);
#pragma unroll
            for (int k = 0; k < V; k++) {
                s[k] += at[k] == tap ? v[k] : 0;
            }
        });
        store<V>(dx + result, s);
    });
}

// Loads whole windows, as the forward does: packs of neighbouring threads stay neighbours, whatever the taps are.
template <int V, typename T> DEVICE void maxPoolGather(const T *x, const int *taps, T *y, const Pooling &p) {
    forResults<V>(p, p.oh, p.ow, [&](int oy, int ox, int channel, i64 result, i64 image) {
        x += image * (p.h * p.w * p.c);
        float s[V] = {};
        int at[V];
        loadTaps<V>(taps + result, at);
        forWindow(p, oy, ox, channel, [&](int i, int tap) {
            float v[V];
            load<V>(x + i, v);
#pragma unroll
            for (int k = 0; k < V; k++) s[k] = at[k] == tap ? v[k] : s[k];
        });
        store<V>(y + result, s);
    });
}

template <int V, typename T> DEVICE void avgPool(const T *x, T *y, const Pooling &p) {
    forResults<V>(p, p.oh, p.ow, [&](int oy, int ox, int channel, i64 result, i64 image) {
        x += image * (p.h * p.w * p.c);
        float s[V] = {};
        forWindow(p, oy, ox, channel, [&](int i, int) {
            float v[V];
            load<V>(x + i, v);
#pragma unroll
            for (int k = 0; k < V; k++) s[k] += v[k];
        });
        float scale = p.scale(p.rowsInside(oy), ox);
#pragma unroll
        for (int k = 0; k < V; k++) s[k] *= scale;
        store<V>(y + result, s);
    });
}

template <int V, typename T> DEVICE void avgPoolBackward(const T *dy, T *dx, const Pooling &p) {
    forResults<V>(p, p.h, p.w, [&](int y, int x, int channel, i64 result, i64 image) {
        i64 outputs = image * (p.oh * p.ow * p.c);
        float s[V] = {};
        forWindows(p, y, x, channel, [&](int i, int, int rows, int ox) {
            float v[V];
            load<V>(dy + outputs + i, v);
            float scale = p.scale(rows, ox);
#pragma unroll
            for (int k = 0; k < V; k++) s[k] = fmaf(v[k], scale, s[k]);
        });
        store<V>(dx + result, s);
    });
}

// As packs where channels allow, else one by one.
#define EITHER(V, CALL_V, CALL_1) \
    if (p.c % (V) == 0) {         \
        CALL_V;                   \
    } else {                      \
        CALL_1;                   \
    }
#define M(S, T)                                                                                                                                  \
    KERNEL(256) max_pool_##S(const T *x, T *y, int *taps, const Pooling p) { EITHER(4, maxPool<4>(x, y, taps, p), maxPool<1>(x, y, taps, p)) }    \
    KERNEL(256) max_pool_backward_##S(const T *dy, const int *taps, T *dx, const Pooling p) {                                                    \
        EITHER(4, maxPoolBackward<4>(dy, taps, dx, p), maxPoolBackward<1>(dy, taps, dx, p))                                                      \
    }                                                                                                                                            \
    KERNEL(256) max_pool_gather_##S(const T *x, const int *taps, T *y, const Pooling p) {                                                        \
        EITHER(4, maxPoolGather<4>(x, taps, y, p), maxPoolGather<1>(x, taps, y, p))                                                              \
    }                                                                                                                                            \
    KERNEL(256) avg_pool_##S(const T *x, T *y, const Pooling p) { EITHER(Pack<T>::N, avgPool<Pack<T>::N>(x, y, p), avgPool<1>(x, y, p)) }         \
    KERNEL(256) avg_pool_backward_##S(const T *dy, T *dx, const Pooling p) {                                                                     \
        EITHER(4, avgPoolBackward<4>(dy, dx, p), avgPoolBackward<1>(dy, dx, p))                                                \
    }
FOR_FLOATS(M)
