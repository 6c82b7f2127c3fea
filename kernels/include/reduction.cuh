// What kernels along rows share: a row's packs, kept in registers or read one after the other, and the sums of exponentials that softmax and cross entropy are made of.
#pragma once
#include "common.cuh"

#define LOG2_E 1.4426950408889634f
#define LN_2 0.6931471805599453f

DEVICE float exp2Fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

DEVICE float log2Fast(float x) {
    float y;
    asm("lg2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// A number that is known when compiling, as an argument.
template <int N> struct Count {
    constexpr DEVICE operator int() const { return N; }
};

// The row of a group of threads: of a warp, or of a whole block of 256.
template <int THREADS> DEVICE i64 rowOfGroup() { return THREADS == 32 ? (i64)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32 : blockIdx.x; }

// Calls see(first index, values, how many) for every pack of n elements, or for every single element where there is no alignment to packs. Neighbouring threads take neighbouring packs.
// Indices are of n's type, which must hold n + 8 * THREADS.
template <int THREADS, typename I, typename T, typename F> DEVICE void forPacks(const T *x, I n, bool packed, F see) {
    const int V = Pack<T>::N;
    I thread = threadIdx.x % THREADS;
    if (packed) {
#pragma unroll 1
        for (I i = thread * V; i < n; i += THREADS * V) {
            Pack<T> p = Pack<T>::load(x + i);
            see(i, p.v, Count<V>());
        }
    } else {
#pragma unroll 1
        for (I i = thread; i < n; i += THREADS) {
            float v = toFloat(x[i]);
            see(i, &v, Count<1>());
        }
    }
}

// The same for a row of a matrix of rows of n elements.
template <int THREADS, typename I, typename T, typename F> DEVICE void forPacks(const T *x, I n, F see) { forPacks<THREADS>(x, n, n % Pack<T>::N == 0, see); }

// The same, storing what see makes of the values.
template <int THREADS, typename I, typename T, typename F> DEVICE void mapPacks(const T *x, T *y, I n, F see) {
    forPacks<THREADS>(x, n, [&](I i, float *v, auto count) {
        see(i, v, count);
        if (count > 1) {
            reinterpret_cast<Pack<T> *>(v)->store(y + i);
        } else {
            y[i] = fromFloat<T>(v[0]);
        }
    });
}

// A row of at most 1024 elements, a multiple of a pack's, in a warp's registers: one read whatever is done with it.
template <typename T> struct Held {
    static const int V = Pack<T>::N;
    Pack<T> p[32 / V];

    static DEVICE int at(int k) { return (k * 32 + threadIdx.x % 32) * V; }

    DEVICE Held(const T *x, int n) {
#pragma unroll
        for (int k = 0; k < 32 / V; k++) {
            if (at(k) < n) p[k] = Pack<T>::load(x + at(k));
        }
    }

    // As forPacks.
    template <typename F> DEVICE void forPacks(int n, F see) {
#pragma unroll
        for (int k = 0; k < 32 / V; k++) {
            if (at(k) < n) see(at(k), p[k].v, Count<V>());
        }
    }

    DEVICE void store(T *y, int n) const {
#pragma unroll
        for (int k = 0; k < 32 / V; k++) {
            if (at(k) < n) p[k].store(y + at(k));
        }
    }
};

DEVICE float warpLargest(float x) {
#pragma unroll
    for (int lane = 16; lane > 0; lane >>= 1) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, lane));
    return x;
}

// Sum of e^(x - m) over a row whose largest element is m, in one pass (Milakov and Gimelshein 2018, arXiv:1805.02867), and with it sums weighted by targets t: all by powers of 2,
// e^(x - m) = 2^(x log2(e) - shift) with shift = m log2(e), in one fused operation and one exponential. What rounding does to the shift cancels where results use the same one.
// NaN is not looked for: it gets into the sum, and so into all results. Neither is -inf, whose exponential is 0 since the shift is finite.
struct RowSums {
    float shift = -1.5e38f;
    float sum = 0;
    float targets = 0; // sum of t
    float dot = 0;     // sum of t (x log2(e) - shift)

    DEVICE float power(float x) const { return fmaf(x, LOG2_E, -shift); }

    DEVICE void moveTo(float larger) {
        sum *= exp2Fast(shift - larger);
        dot += targets * (shift - larger);
        shift = larger;
    }

    template <int COUNT> static DEVICE float largest(const float *v) {
        float m = v[0];
#pragma unroll
        for (int k = 1; k < COUNT; k++) m = fmaxf(m, v[k]);
        return m;
    }

    template <int COUNT> DEVICE void addBelow(const float *v) {
#pragma unroll
        for (int k = 0; k < COUNT; k++) sum += exp2Fast(power(v[k]));
    }

    template <int COUNT> DEVICE void add(const float *v) {
        moveTo(fmaxf(shift, largest<COUNT>(v) * LOG2_E));
        addBelow<COUNT>(v);
    }

    // Finds the largest of a warp's row, so that all else is summed under one shift.
    template <typename T> DEVICE void begin(Held<T> &row, int n) {
        float m = shift;
        row.forPacks(n, [&](int, float *v, auto count) { m = fmaxf(m, largest<count>(v) * LOG2_E); });
        shift = warpLargest(m);
    }

    // With weights of 1; after add of the same values.
    template <int COUNT> DEVICE void weigh(const float *v) {
#pragma unroll
        for (int k = 0; k < COUNT; k++) dot += power(v[k]);
        targets += COUNT;
    }

    template <int COUNT> DEVICE void weigh(const float *v, const float *t) {
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            targets += t[k];
            dot = fmaf(t[k], power(v[k]), dot);
        }
    }

    // The row's sums from those of its threads, which all get them; the weighted ones only if they are wanted. All threads of the group must call; scratch holds 4 floats per warp of a block.
    template <int THREADS> DEVICE void combine(float *scratch, bool weighted) {
        moveTo(warpLargest(shift));
        sum = warpSum(sum);
        if (weighted) {
            targets = warpSum(targets);
            dot = warpSum(dot);
        }
        if (THREADS > 32) {
            const int WARPS = THREADS / 32;
            if (threadIdx.x % 32 == 0) {
                float4 mine = make_float4(shift, sum, targets, dot);
                reinterpret_cast<float4 *>(scratch)[threadIdx.x / 32] = mine;
            }
            __syncthreads();
            RowSums all;
#pragma unroll
            for (int w = 0; w < WARPS; w++) {
                float4 other = reinterpret_cast<float4 *>(scratch)[w];
                float to = fmaxf(all.shift, other.x);
                all.moveTo(to);
                all.sum = fmaf(other.y, exp2Fast(other.x - to), all.sum);
                if (weighted) {
                    all.dot += fmaf(other.z, other.x - to, other.w);
                    all.targets += other.z;
                }
            }
            *this = all;
        }
    }
};
