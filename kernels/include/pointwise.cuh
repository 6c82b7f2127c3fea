// The body of every pointwise kernel: loads, function, store. A function takes three values and ignores those that it has no operand for, as the op's record does.
#pragma once
#include "loops.cuh"

// What arithmetic is done in: float, and int for int.
DEVICE float widen(f32 x) { return x; }
DEVICE float widen(f16 x) { return toFloat(x); }
DEVICE float widen(bf16 x) { return toFloat(x); }
DEVICE int widen(int x) { return x; }
template <typename T> DEVICE T narrow(float x) { return fromFloat<T>(x); }
template <typename T> DEVICE T narrow(int x) { return x; }

template <> struct Pack<int> {
    static const int N = 4;
    int v[N];

    static DEVICE Pack load(const int *p) {
        int4 q = *reinterpret_cast<const int4 *>(p);
        Pack a;
        a.v[0] = q.x; a.v[1] = q.y; a.v[2] = q.z; a.v[3] = q.w;
        return a;
    }

    DEVICE void store(int *p) const { *reinterpret_cast<int4 *>(p) = make_int4(v[0], v[1], v[2], v[3]); }
};

// A pack, or one element repeated.
template <typename T> DEVICE Pack<T> loadOrRepeat(const T *p, bool repeat) {
    if (!repeat) return Pack<T>::load(p);
    Pack<T> a;
#pragma unroll
    for (int k = 0; k < Pack<T>::N; k++) a.v[k] = widen(*p);
    return a;
}

// y[i] = f(a, b, c) over a loop nest, y contiguous. A thread computes a pack, or, where operands do not lie in packs, as many single elements, 256 apart. Rest of a pack at the end of y: only
// where there is one loop; its elements are computed one by one by the thread after the last pack.
template <typename T, int ARITY, typename F> DEVICE void pointwise(const T *const (&in)[ARITY], T *y, const Loops<ARITY> &l, F f) {
    const int V = Pack<T>::N;
    const int SECOND = ARITY > 1 ? 1 : 0, THIRD = ARITY - 1;
    i64 at[ARITY];
    i64 i, end;
    int step;
    if (l.unit > 1) {
        i64 u = (i64)blockIdx.x * 256 + threadIdx.x;
        i = u * V;
        if (i + V <= l.n) {
            l.offsets(i, u, at);
            Pack<T> p[ARITY];
#pragma unroll
            for (int o = 0; o < ARITY; o++) p[o] = loadOrRepeat(in[o] + at[o], l.step[o] == 0);
            Pack<T> result;
#pragma unroll
            for (int k = 0; k < V; k++) result.v[k] = f(p[0].v[k], p[SECOND].v[k], p[THIRD].v[k]);
            result.store(y + i);
            return;
        }
        end = l.n;
        step = 1;
    } else {
        i64 block = (i64)blockIdx.x * (256 * V);
        i = block + threadIdx.x;
        end = min(l.n, block + 256 * V);
        step = 256;
    }
#pragma unroll 1
    for (; i < end; i += step) {
        l.offsets(i, i, at);
        y[i] = narrow<T>(f(widen(in[0][at[0]]), widen(in[SECOND][at[SECOND]]), widen(in[THIRD][at[THIRD]])));
    }
}
