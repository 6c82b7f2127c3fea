// What kernels along rows share: groups of threads that work on one row, softmax's running statistics, a row as packs or element by element.
#pragma once
#include "common.cuh"

#define INFINITE __int_as_float(0x7f800000)

// A row's threads: a warp, or a whole block of 256. Collective functions must be called by all threads of the group; scratch holds 8 floats of shared memory (unused by warps) and may be used again
// after the next __syncthreads.
template <int THREADS> struct Group;

template <> struct Group<32> {
    static DEVICE i64 row() { return (i64)blockIdx.x * 8 + threadIdx.x / 32; }
    static DEVICE float sum(float x, float *) { return warpSum(x); }
    static DEVICE float max(float x, float *) { return warpMax(x); }
};

template <> struct Group<256> {
    static DEVICE i64 row() { return blockIdx.x; }
    static DEVICE float sum(float x, float *scratch) { return blockSum<256>(x, scratch); }
    static DEVICE float max(float x, float *scratch) {
        x = warpMax(x);
        if (threadIdx.x % 32 == 0) {
            scratch[threadIdx.x / 32] = x;
        }
        __syncthreads();
        float m = scratch[0];
#pragma unroll
        for (int i = 1; i < 8; i++) {
            m = nanMax(m, scratch[i]);
        }
        return m;
    }
};

// e^d for d <= 0 in two instructions. Its error is that of rounding d * log2(e): some |d| roundoffs of e^d, at most 0.4 roundoffs of the row's largest term, 1. Results below 2^-126 are 0.
DEVICE float expDown(float d) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(d * 1.4426950408889634f));
    return y;
}

// A number that is known when compiling, as an argument.
template <int N> struct Count {
    constexpr DEVICE operator int() const { return N; }
};

// Calls see(first index, values, how many) for every pack of n elements, or for every single element where there is no alignment to packs. Neighbouring threads take neighbouring packs.
template <int THREADS, typename T, typename F> DEVICE void forPacks(const T *x, i64 n, bool packed, F see) {
    const int V = Pack<T>::N;
    int thread = threadIdx.x % THREADS;
    if (packed) {
#pragma unroll 1
        for (i64 i = (i64)thread * V; i < n; i += THREADS * V) {
            Pack<T> p = Pack<T>::load(x + i);
            see(i, p.v, Count<V>());
        }
    } else {
#pragma unroll 1
        for (i64 i = thread; i < n; i += THREADS) {
            float v = toFloat(x[i]);
            see(i, &v, Count<1>());
        }
    }
}

// The same for a row of a matrix of rows of n elements.
template <int THREADS, typename T, typename F> DEVICE void forPacks(const T *x, i64 n, F see) { forPacks<THREADS>(x, n, n % Pack<T>::N == 0, see); }

// The same, storing what see makes of the values.
template <int THREADS, typename T, typename F> DEVICE void mapPacks(const T *x, T *y, i64 n, F see) {
    forPacks<THREADS>(x, n, [&](i64 i, float *v, auto count) {
        see(i, v, count);
        if (count > 1) {
            reinterpret_cast<Pack<T> *>(v)->store(y + i);
        } else {
            y[i] = fromFloat<T>(v[0]);
        }
    });
}

// Largest element so far, and the sum of e^(x - largest): one read of a row gives both (Milakov and Gimelshein 2018, arXiv:1805.02867).
struct Softmax {
    float max = -INFINITE;
    float sum = 0;

    // What to subtract: nothing as long as all elements were -inf, whose exponentials are then 0 and not NaN.
    static DEVICE float shift(float max) { return max == -INFINITE ? 0.f : max; }

    template <int COUNT> DEVICE void add(const float *v) {
        float m = max;
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            m = nanMax(m, v[k]);
        }
        float by = shift(m);
        float s = sum * expDown(max - by);
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            s += expDown(v[k] - by);
        }
        max = m;
        sum = s;
    }

    // The row's statistics from its threads'; scratch of 16 floats. A row of nothing but -inf has no softmax: NaN.
    template <int THREADS> DEVICE void combine(float *scratch) {
        float m = Group<THREADS>::max(max, scratch);
        sum = Group<THREADS>::sum(sum * expDown(max - m), scratch + 8);
        max = m;
    }
};
