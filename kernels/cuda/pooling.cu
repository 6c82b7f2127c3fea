// pooling.cu
// Math         max_pool: y = largest of each window of x, and its tap row * s + column; max_pool_backward: dx = sum of dy over the windows whose tap it is; max_pool_gather: y = x at the tap;
//              avg_pool: y = sum of the window / count; avg_pool_backward: dx = sum over the windows that cover it of dy / count; count is r * s, or the number of taps inside of the image
// Contract     images NHWC (n, h, w, c), outputs (n, oh, ow, c) of T, taps int32 (n, oh, ow, c); contiguous, 16-byte aligned, results not in the memory of operands; padding below r and s, no dilation;
//              h * w * c and oh * ow * c fit int32
// Launch       grid n * blocks, blocks = ceil(places of one image * packs of a pixel / 256), block 256, smem 0: a thread per pack of channels of a place. A place is a pixel of the result;
//              backward: COLUMNS of them in a row. A pack is 4 channels: 16 bytes of f32 and of taps; avg_pool, backward: 16 / sizeof(T), of max_pool_backward
//              4 of either half of the channels; 1 where c is no multiple of it
// Traffic      max_pool: read n*h*w*c*T, write n*oh*ow*c*(T + 4)
//              max_pool_backward: read n*oh*ow*c*(T + 4), write n*h*w*c*T
//              max_pool_gather: read n*h*w*c*T + n*oh*ow*c*4, write n*oh*ow*c*T
//              avg_pool: read n*h*w*c*T, write n*oh*ow*c*T
//              avg_pool_backward: read n*oh*ow*c*T, write n*h*w*c*T
// Roofline     memory bound: 1 comparison or addition per tap; windows that overlap read their pixels again from the caches
// Numerics     computed in f32, rounded once; the first of equals wins, the first NaN over all
// Determinism  bitwise, run to run: backward gathers, windows in order, and adds nothing atomically
// CPU twin     dev.jacquard.cpu.PoolingKernels
// Versions     v1: a thread per pixel, backward too. v2: a thread per run of a row, and of 16 bytes of channels, backward: less than half of the instructions in f16 and bf16
// Measured     not yet: no GPU so far
#include "common.cuh"

// n / d for 0 <= n < 2^31 by a multiplication; made on the host (Divisor.java).
struct Divisor { int d; u32 multiplier, shift; };
DEVICE int operator/(int n, const Divisor &d) { return (int)((__umulhi((u32)n, d.multiplier) + (u32)n) >> d.shift); }

// What divides: blocks of one result, packs of a pixel, places of a row of the results, strides.
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

// The halves of a word.
DEVICE void twoOf(u32 w, float *v, f16) { asm("{ .reg .b16 a, b; mov.b32 {a, b}, %2; cvt.f32.f16 %0, a; cvt.f32.f16 %1, b; }" : "=f"(v[0]), "=f"(v[1]) : "r"(w)); }
DEVICE void twoOf(u32 w, float *v, bf16) {
    v[0] = Pack<bf16>::low(w, bf16());
    v[1] = Pack<bf16>::high(w, bf16());
}

// V neighbouring channels: 16 bytes, or 8 of a half type, or a single one.
template <int V, typename T> DEVICE void load(const T *p, float *v) {
    if constexpr (V == Pack<T>::N) {
        Pack<T> q = Pack<T>::load(p);
#pragma unroll
        for (int k = 0; k < V; k++) v[k] = q.v[k];
    } else if constexpr (V == 4) {
        uint2 q = *reinterpret_cast<const uint2 *>(p);
        twoOf(q.x, v, T());
        twoOf(q.y, v + 2, T());
    } else {
        v[0] = toFloat(*p);
    }
}

// 8 bytes that stay one store, as store16's do.
DEVICE void store8(void *p, u32 a, u32 b) { asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(__cvta_generic_to_global(p)), "r"(a), "r"(b) : "memory"); }

template <int V, typename T> DEVICE void store(T *p, const float *v) {
    if constexpr (V == Pack<T>::N) {
        Pack<T> q;
#pragma unroll
        for (int k = 0; k < V; k++) q.v[k] = v[k];
        q.store(p);
    } else if constexpr (V == 4) {
        store8(p, wordOfTwo(v[0], v[1], T()), wordOfTwo(v[2], v[3], T()));
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

// Neighbouring pixels of a row that a thread of a backward kernel makes: what it knows of its row serves all of them. A multiple of the usual strides, so that the threads
// of a warp, whose runs lie COLUMNS apart, have equally many windows to see at a time.
static const int COLUMNS = 4;

// A thread's run of pixels, and the rows of windows that cover it.
struct Run {
    int image, y, x, channel, firstY, lastY;

    template <int V> static DEVICE Run of(const Pooling &p) {
        Run a;
        a.image = (int)blockIdx.x / p.blocks;
        int i = (blockIdx.x - a.image * p.blocks.d) * 256 + threadIdx.x;
        int place = i / p.packs;
        a.y = place / p.width;
        a.x = (place - a.y * p.width.d) * COLUMNS;
        a.channel = (i - place * p.packs.d) * V;
        a.firstY = Pooling::first(a.y, p.strideH, p.top, p.r);
        a.lastY = Pooling::last(a.y, p.strideH, p.top, p.oh);
        return a;
    }

    // Calls make(x, pixel's place in the image, first and last output column whose windows cover it) from left to right.
    template <typename F> DEVICE void forPixels(const Pooling &p, F make) const {
        int end = y < p.h ? min(x + COLUMNS, p.w) : 0, at = (y * p.w + x) * p.c;
#pragma unroll 1
        for (int i = x; i < end; i++, at += p.c) make(i, at, Pooling::first(i, p.strideW, p.left, p.s), Pooling::last(i, p.strideW, p.left, p.ow));
    }

    // Calls see(output row, place of its window in that column in the outputs) for the rows of windows, in order.
    template <typename F> DEVICE void forRows(const Pooling &p, int column, F see) const {
        int at = (firstY * p.ow + column) * p.c;
#pragma unroll 1
        for (int oy = firstY; oy <= lastY; oy++, at += p.ow * p.c) see(oy, at);
    }
};

// A number that the compiler takes for another one every time: it would make a loop for each value of a flag, and carry what follows from a counter from turn to turn, be it
// needed or not.
DEVICE int opaque(int i) {
    asm volatile("" : "+r"(i));
    return i;
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

// s += v where at is the tap: a predicated addition, where the compiler would select and add.
DEVICE void addAt(float &s, float v, int at, int tap) { asm("{ .reg .pred p; setp.eq.s32 p, %2, %3; @p add.f32 %0, %0, %1; }" : "+f"(s) : "f"(v), "r"(at), "r"(tap)); }

// H packs of V channels, evenly spaced over the pixel: with two neighbours instead, a warp's request for taps would leave out every other 16 bytes.
template <int H, int V, typename T> DEVICE void maxPoolBackward(const T *dy, const int *taps, T *dx, const Pooling &p) {
    Run run = Run::of<V>(p);
    i64 outputs = (i64)run.image * (p.oh * p.ow * p.c) + run.channel;
    dy += outputs, taps += outputs, dx += (i64)run.image * (p.h * p.w * p.c) + run.channel;
    run.forPixels(p, [&](int x, int pixel, int first, int last) {
        float s[H * V] = {};
        run.forRows(p, first, [&](int oy, int at) {
            int row = (run.y + p.top - oy * p.strideH.d) * p.s + x + p.left;
            int tap = row - first * p.strideW.d, end = row - last * p.strideW.d;
            const T *from = dy + at;
            const int *fromTaps = taps + at;
#pragma unroll 1
            for (; tap >= end; tap -= p.strideW.d, from += p.c, fromTaps += p.c) {
                float v[H * V];
                int t[H * V];
#pragma unroll
                for (int k = 0; k < H; k++) {
                    load<V>(from + k * ((i64)p.packs.d * V), v + k * V);
                    loadTaps<V>(fromTaps + k * ((i64)p.packs.d * V), t + k * V);
                }
#pragma unroll
                for (int k = 0; k < H * V; k++) addAt(s[k], v[k], t[k], tap);
            }
        });
#pragma unroll
        for (int k = 0; k < H; k++) store<V>(dx + pixel + k * ((i64)p.packs.d * V), s + k * V);
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
    Run run = Run::of<V>(p);
    dy += (i64)run.image * (p.oh * p.ow * p.c) + run.channel;
    dx += (i64)run.image * (p.h * p.w * p.c) + run.channel;
    float whole = __fdividef(1, p.r * p.s);
    run.forPixels(p, [&](int x, int pixel, int first, int last) {
        float s[V] = {};
        run.forRows(p, first, [&](int oy, int at) {
            const T *from = dy + at;
#pragma unroll 1
            for (int ox = first; ox <= last; ox++, from += p.c) {
                float v[V];
                load<V>(from, v);
                float scale = whole;
                if (!opaque(p.countPadding)) {
                    scale = __fdividef(1, p.rowsInside(oy) * p.columnsInside(opaque(ox)));
                }
#pragma unroll
                for (int k = 0; k < V; k++) s[k] = fmaf(v[k], scale, s[k]);
            }
        });
        store<V>(dx + pixel, s);
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
    KERNEL(256) max_pool_backward_##S(const T *dy, const int *taps, T *dx, const Pooling p) {                                                  \
        EITHER(Pack<T>::N, (maxPoolBackward<Pack<T>::N / 4, 4>(dy, taps, dx, p)), (maxPoolBackward<1, 1>(dy, taps, dx, p)))                      \
    }                                                                                                                                            \
    KERNEL(256) max_pool_gather_##S(const T *x, const int *taps, T *y, const Pooling p) {                                                        \
        EITHER(4, maxPoolGather<4>(x, taps, y, p), maxPoolGather<1>(x, taps, y, p))                                                              \
    }                                                                                                                                            \
    KERNEL(256) avg_pool_##S(const T *x, T *y, const Pooling p) { EITHER(Pack<T>::N, avgPool<Pack<T>::N>(x, y, p), avgPool<1>(x, y, p)) }         \
    KERNEL(256) avg_pool_backward_##S(const T *dy, T *dx, const Pooling p) {                                                                     \
        EITHER(Pack<T>::N, avgPoolBackward<Pack<T>::N>(dy, dx, p), avgPoolBackward<1>(dy, dx, p))                                                \
    }
FOR_FLOATS(M)
