// cross_entropy.cu
// Math         loss = -mean_r sum_i t[r][i] log p[r][i], p = softmax(x[r]); backward: dx[r][i] = (p[r][i] sum_j t[r][j] - t[r][i]) dloss / rows;
//              t is given, or of a label: e / n, and 1 - e more at the label if that is in [0, n)
// Contract     x, dx, targets: rows of n > 0 elements of T, contiguous, 16-byte aligned; dx may be x; labels: rows int32; exactly one of labels and targets is not null; n fits int32 with room for 2048 more
// Launch       grid rows: a block per row, also where rows are short: they are few; cross_entropy, cross_entropy_backward: block 128, static smem 64, n <= 1024 and a multiple of V = 16 / sizeof(T);
//              _long: block 256, static smem 128; cross_entropy_mean: grid 1, block 256, after them, over the rows' losses
// Traffic      cross_entropy: read rows*n*T*(1 + soft) + rows*4*(1 - soft), write rows*4
//              cross_entropy_long: read rows*n*T*(1 + soft) + rows*4*(1 - soft), write rows*4
//              cross_entropy_mean: read rows*4, write T
//              cross_entropy_backward: read rows*n*T*(1 + soft) + rows*4*(1 - soft) + T, write rows*n*T
//              cross_entropy_backward_long: read rows*n*T*(1 + soft) + rows*4*(1 - soft) + T, write rows*n*T
// Roofline     memory bound: some 8 flop per element; cross_entropy_backward_long reads rows and targets twice, the second time from the caches, which hold rows up to some 100 KB
// Numerics     computed in f32, the mean too, rounded once; a row with NaN or +inf, of nothing above -1e38 or of something above 2.3e38 is NaN; 0 log 0 is NaN with targets or smoothing, and 0 without smoothing, where only the label's logit counts
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.ReductionKernels
// Versions     v1 each row read twice by a block of 256; v2 the row in the registers of 128, one read and half of the instructions
// Measured     not yet: no GPU so far
#include "reduction.cuh"

// What a row's target is made of.
template <typename T> struct Target {
    const T *given;
    int label;
    float smoothing, smooth, peak;

    DEVICE Target(const int *labels, const T *targets, i64 row, int n, float smoothing)
        : given(targets ? targets + row * n : nullptr), label(-1), smoothing(smoothing), smooth(__fdividef(smoothing, n)), peak(1 - smoothing) {
        if (labels) {
            label = labels[row];
            peak = label >= 0 && label < n ? peak : 0;
        }
    }

    // Targets of COUNT neighbouring elements.
    template <int COUNT> DEVICE void get(int i, float *t) const {
        if (given) {
            if (COUNT > 1) {
                Pack<T> p = Pack<T>::load(given + i);
#pragma unroll
                for (int k = 0; k < COUNT; k++) t[k] = p.v[k];
            } else {
                t[0] = toFloat(given[i]);
            }
        } else {
#pragma unroll
            for (int k = 0; k < COUNT; k++) t[k] = i + k == label ? peak + smooth : smooth;
        }
    }
};

// Sees a row's elements once; afterwards all sums are the row's. Labels weigh all elements alike and one more; without smoothing only that one, so that other classes may be impossible.
template <int THREADS, typename T, typename Source> DEVICE RowSums rowSums(const T *x, const Target<T> &target, bool dot, float *scratch, Source source) {
    RowSums all;
    bool even = dot && target.smooth > 0;
    source([&](int i, float *v, auto count) {
        all.add<count>(v);
        if (target.given) {
            float t[count];
            target.get<count>(i, t);
            all.weigh<count>(v, t);
        } else if (even) {
            all.weigh<count>(v);
        }
    });
    all.combine<THREADS>(scratch, target.given || even);
    if (!target.given) {
        all.dot *= target.smooth;
        if (dot && target.peak > 0) {
            all.dot = fmaf(target.peak, all.power(toFloat(x[target.label])), all.dot);
        }
        all.targets = target.smoothing + target.peak;
    }
    return all;
}

DEVICE void putLoss(float *losses, const RowSums &all) {
    if (threadIdx.x == 0) {
        losses[blockIdx.x] = LN_2 * (all.targets * log2Fast(all.sum) - all.dot);
    }
}

template <typename T> DEVICE void crossEntropy(const T *x, const int *labels, const T *targets, float *losses, int n, float smoothing) {
    __shared__ __align__(16) float scratch[16];
    x += blockIdx.x * (i64)n;
    Held<128, T> row;
    row.load(x, n);
    putLoss(losses, rowSums<128>(x, Target<T>(labels, targets, blockIdx.x, n, smoothing), true, scratch, [&](auto see) { row.forPacks(n, see); }));
}

template <typename T> DEVICE void crossEntropyLong(const T *x, const int *labels, const T *targets, float *losses, int n, float smoothing) {
    __shared__ __align__(16) float scratch[32];
    x += blockIdx.x * (i64)n;
    putLoss(losses, rowSums<256>(x, Target<T>(labels, targets, blockIdx.x, n, smoothing), true, scratch, [&](auto see) { forPacks<256>(x, n, see); }));
}

// Of logits their gradients.
template <typename T> struct Slope {
    Target<T> target;
    RowSums all;
    float each, scale;

    DEVICE Slope(const Target<T> &target, const RowSums &all, const T *dloss, i64 rows)
        : target(target), all(all), each(__fdividef(toFloat(*dloss), rows)), scale(each * __fdividef(all.targets, all.sum)) {}

    template <int COUNT> DEVICE void apply(int i, float *v) const {
        float t[COUNT];
        target.get<COUNT>(i, t);
#pragma unroll
        for (int k = 0; k < COUNT; k++) v[k] = fmaf(exp2Fast(all.power(v[k])), scale, -t[k] * each);
    }
};

template <typename T> DEVICE void backward(const T *dloss, const T *x, const int *labels, const T *targets, T *dx, i64 rows, int n, float smoothing) {
    __shared__ __align__(16) float scratch[16];
    x += blockIdx.x * (i64)n;
    Held<128, T> row;
    row.load(x, n);
    Target<T> target(labels, targets, blockIdx.x, n, smoothing);
    Slope<T> slope(target, rowSums<128>(x, target, false, scratch, [&](auto see) { row.forPacks(n, see); }), dloss, rows);
    row.forPacks(n, [&](int i, float *v, auto count) { slope.template apply<count>(i, v); });
    row.store(dx + blockIdx.x * (i64)n, n);
}

template <typename T> DEVICE void backwardLong(const T *dloss, const T *x, const int *labels, const T *targets, T *dx, i64 rows, int n, float smoothing) {
    __shared__ __align__(16) float scratch[32];
    x += blockIdx.x * (i64)n;
    Target<T> target(labels, targets, blockIdx.x, n, smoothing);
    Slope<T> slope(target, rowSums<256>(x, target, false, scratch, [&](auto see) { forPacks<256>(x, n, see); }), dloss, rows);
    mapPacks<256>(x, dx + blockIdx.x * (i64)n, n, [&](int i, float *v, auto count) { slope.template apply<count>(i, v); });
}

// One block: the order of the sum follows from the number of rows alone.
template <typename T> DEVICE void mean(const float *losses, T *loss, i64 rows) {
    __shared__ float scratch[8];
    float s = 0;
#pragma unroll 1
    for (i64 i = threadIdx.x; i < rows; i += 256) s += losses[i];
    s = blockSum<256>(s, scratch);
    if (threadIdx.x == 0) {
        *loss = fromFloat<T>(s / rows);
    }
}

#define FORWARD(NAME, S, T, THREADS, F) \
    KERNEL(THREADS) NAME##_##S(const T *x, const int *labels, const T *targets, float *losses, int n, float smoothing) { F<T>(x, labels, targets, losses, n, smoothing); }
#define BACKWARD(NAME, S, T, THREADS, F)                                                                                                               \
    KERNEL(THREADS) NAME##_##S(const T *dloss, const T *x, const int *labels, const T *targets, T *dx, i64 rows, int n, float smoothing) {              \
        F<T>(dloss, x, labels, targets, dx, rows, n, smoothing);                                                                                       \
    }
#define M(S, T)                                              \
    FORWARD(cross_entropy, S, T, 128, crossEntropy)          \
    FORWARD(cross_entropy_long, S, T, 256, crossEntropyLong) \
    BACKWARD(cross_entropy_backward, S, T, 128, backward)    \
    BACKWARD(cross_entropy_backward_long, S, T, 256, backwardLong) \
    KERNEL(256) cross_entropy_mean_##S(const float *losses, T *loss, i64 rows) { mean<T>(losses, loss, rows); }
FOR_FLOATS(M)
