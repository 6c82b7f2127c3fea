// cross_entropy.cu
// Math         loss = -mean_r sum_i t[r][i] log p[r][i], p = softmax(x[r]); backward: dx[r][i] = (p[r][i] sum_j t[r][j] - t[r][i]) dloss / rows;
//              t is given, or of a label: e / n, and 1 - e more at the label if that is in [0, n); or of two: e / n, w (1 - e) more at the label and (1 - w) (1 - e) more at the partner's
// Contract     x, dx, targets: rows of n > 0 elements of T, contiguous, 16-byte aligned; dx may be x; labels, partners: rows int32; weights: rows of T; exactly one of labels and targets is not null;
//              partners and weights with labels, both or neither null; n fits int32 with room for 2048 more
// Launch       cross_entropy, cross_entropy_backward: grid ceil(rows / 2), block 64, a warp per row, n <= 1024 and a multiple of V = 16 / sizeof(T); _long: grid rows, block 256, static smem 128, any n;
//              cross_entropy_mean: grid 1, block 256, after them, over the rows' losses
// Traffic      cross_entropy: read rows*n*T*(1 + soft) + rows*4*(1 - soft) + rows*(4 + T)*pair, write rows*4
//              cross_entropy_long: read rows*n*T*(1 + soft) + rows*4*(1 - soft) + rows*(4 + T)*pair, write rows*4
//              cross_entropy_mean: read rows*4, write T
//              cross_entropy_backward: read rows*n*T*(1 + soft) + rows*4*(1 - soft) + rows*(4 + T)*pair + T, write rows*n*T
//              cross_entropy_backward_long: read rows*n*T*(1 + soft) + rows*4*(1 - soft) + rows*(4 + T)*pair + T, write rows*n*T
// Roofline     memory bound: some 8 flop per element; cross_entropy_backward_long reads rows and targets twice, the second time from the caches, which hold rows up to some 100 KB
// Numerics     computed in f32, the mean too, rounded once; a row with NaN or +inf, of nothing above -1e38 or of something above 2.3e38 is NaN;
//              0 log 0 is NaN with targets or smoothing, and 0 without smoothing, where only the label's logit counts
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.ReductionKernels
// Versions     v1 each row read twice by a block of 256; v2 by 128 threads that keep it in registers; v3 by a warp that does: one read, a quarter of v1's instructions
// Measured     not yet: no GPU so far
#include "reduction.cuh"

// What the targets of all rows are made of: one of labels and targets is not null; partners and weights come together, with labels.
template <typename T> struct Targets {
    const int *labels, *partners;
    const T *weights, *given;
    float smoothing;
};

// What a row's target is made of.
template <typename T> struct Target {
    const T *given;
    int label, partner;
    float smoothing, smooth, peak, second;

    DEVICE Target(const Targets<T> &all, i64 row, int n)
        : given(all.given ? all.given + row * n : nullptr), label(-1), partner(-1), smoothing(all.smoothing), smooth(__fdividef(all.smoothing, n)), peak(0), second(0) {
        if (all.labels) {
            float most = 1 - smoothing;
            float weight = all.partners ? toFloat(all.weights[row]) : 1;
            label = all.labels[row];
            peak = label >= 0 && label < n ? most * weight : 0;
            if (all.partners) {
                partner = all.partners[row];
                second = partner >= 0 && partner < n ? most * (1 - weight) : 0;
            }
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
            if (second != 0) { // all of a row or none: one question per pack where there is no partner
#pragma unroll
                for (int k = 0; k < COUNT; k++) t[k] += i + k == partner ? second : 0;
            }
        }
    }
};

// Whether labels weigh all elements alike; without smoothing they weigh one only, so that other classes may be impossible.
template <typename T> DEVICE bool even(const Target<T> &target) { return !target.given && target.smooth > 0; }

// The weighted sums of a pack; after its exponentials.
template <int COUNT, typename T> DEVICE void weigh(RowSums &all, const Target<T> &target, int i, const float *v, bool dot) {
    if (target.given) {
        float t[COUNT];
        target.template get<COUNT>(i, t);
        all.weigh<COUNT>(v, t);
    } else if (dot && even(target)) {
        all.weigh<COUNT>(v);
    }
}

// Labels have weighed all elements by 1 so far.
template <typename T> DEVICE void finish(RowSums &all, const T *x, const Target<T> &target, bool dot) {
    if (!target.given) {
        all.dot *= target.smooth;
        if (dot && target.peak != 0) {
            all.dot = fmaf(target.peak, all.power(toFloat(x[target.label])), all.dot);
        }
        if (dot && target.second != 0) {
            all.dot = fmaf(target.second, all.power(toFloat(x[target.partner])), all.dot);
        }
        all.targets = target.smoothing + target.peak + target.second;
    }
}

// A row's sums by a warp that holds it; its weighted ones with the dot product or without.
template <typename T> DEVICE RowSums heldSums(Held<T> &held, const T *x, const Target<T> &target, int n, bool dot) {
    RowSums all;
    all.begin(held, n);
    held.forPacks(n, [&](int i, float *v, auto count) {
        all.addBelow<count>(v);
        weigh<count>(all, target, i, v, dot);
    });
    all.sum = warpSum(all.sum);
    if (target.given || even(target)) {
        all.targets = warpSum(all.targets);
        all.dot = warpSum(all.dot);
    }
    finish(all, x, target, dot);
    return all;
}

// The same by a block that reads it once.
template <typename T> DEVICE RowSums longSums(const T *x, const Target<T> &target, int n, bool dot, float *scratch) {
    RowSums all;
    forPacks<256>(x, n, [&](int i, float *v, auto count) {
        all.add<count>(v);
        weigh<count>(all, target, i, v, dot);
    });
    all.combine<256>(scratch, target.given || even(target));
    finish(all, x, target, dot);
    return all;
}

DEVICE float loss(const RowSums &all) { return LN_2 * (all.targets * log2Fast(all.sum) - all.dot); }

template <typename T> DEVICE void crossEntropy(const T *x, const Targets<T> &targets, float *losses, i64 rows, int n) {
    i64 row = rowOfGroup<32>();
    if (row < rows) {
        Held<T> held(x + row * n, n);
        RowSums all = heldSums(held, x + row * n, Target<T>(targets, row, n), n, true);
        if (threadIdx.x % 32 == 0) {
            losses[row] = loss(all);
        }
    }
}

template <typename T> DEVICE void crossEntropyLong(const T *x, const Targets<T> &targets, float *losses, i64, int n) {
    __shared__ __align__(16) float scratch[32];
    RowSums all = longSums(x + blockIdx.x * (i64)n, Target<T>(targets, blockIdx.x, n), n, true, scratch);
    if (threadIdx.x == 0) {
        losses[blockIdx.x] = loss(all);
    }
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

template <typename T> DEVICE void backward(const T *dloss, const T *x, const Targets<T> &targets, T *dx, i64 rows, int n) {
    i64 row = rowOfGroup<32>();
    if (row < rows) {
        Held<T> held(x + row * n, n);
        Target<T> target(targets, row, n);
        Slope<T> slope(target, heldSums(held, x + row * n, target, n, false), dloss, rows);
        held.forPacks(n, [&](int i, float *v, auto count) { slope.template apply<count>(i, v); });
        held.store(dx + row * n, n);
    }
}

template <typename T> DEVICE void backwardLong(const T *dloss, const T *x, const Targets<T> &targets, T *dx, i64 rows, int n) {
    __shared__ __align__(16) float scratch[32];
    x += blockIdx.x * (i64)n;
    Target<T> target(targets, blockIdx.x, n);
    Slope<T> slope(target, longSums(x, target, n, false, scratch), dloss, rows);
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

#define TARGETS(T) const int *labels, const int *partners, const T *weights, const T *targets, float smoothing
#define FORWARD(NAME, S, T, THREADS, F) \
    KERNEL(THREADS) NAME##_##S(const T *x, TARGETS(T), float *losses, i64 rows, int n) { F<T>(x, Targets<T>{labels, partners, weights, targets, smoothing}, losses, rows, n); }
#define BACKWARD(NAME, S, T, THREADS, F) \
    KERNEL(THREADS) NAME##_##S(const T *dloss, const T *x, TARGETS(T), T *dx, i64 rows, int n) { F<T>(dloss, x, Targets<T>{labels, partners, weights, targets, smoothing}, dx, rows, n); }
#define M(S, T)                                              \
    FORWARD(cross_entropy, S, T, 64, crossEntropy)          \
    FORWARD(cross_entropy_long, S, T, 256, crossEntropyLong) \
    BACKWARD(cross_entropy_backward, S, T, 64, backward)    \
    BACKWARD(cross_entropy_backward_long, S, T, 256, backwardLong) \
    KERNEL(256) cross_entropy_mean_##S(const float *losses, T *loss, i64 rows) { mean<T>(losses, loss, rows); }
FOR_FLOATS(M)
