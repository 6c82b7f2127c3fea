// cross_entropy.cu
// Math         loss = -mean_r sum_i t[r][i] log p[r][i], p = softmax(x[r]); backward: dx[r][i] = (p[r][i] sum_j t[r][j] - t[r][i]) dloss / rows;
//              t is given, or of a label: e / n, and 1 - e more at the label if that is in [0, n)
// Contract     x, dx, targets: rows of n > 0 elements of T, contiguous, 16-byte aligned; dx may be x; labels: rows int32; exactly one of labels and targets is not null; n fits int32
// Launch       block 256, static smem 96, grid rows: a block per row, also where rows are short: they are few; cross_entropy_mean: grid 1, after cross_entropy, over the rows' losses
// Traffic      cross_entropy: read rows*n*T*(1 + soft) + rows*4*(1 - soft), write rows*4
//              cross_entropy_mean: read rows*4, write T
//              cross_entropy_backward: read rows*n*T*(1 + soft) + rows*4*(1 - soft) + T, write rows*n*T
// Roofline     memory bound: some 8 flop per element; each row is read twice, the second time from the caches, which hold rows up to some 100 KB
// Numerics     computed in f32, the mean too, rounded once; 0 log 0 is NaN with targets or smoothing, and 0 without smoothing, where only the label's logit counts
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.ReductionKernels
// Versions     v1
// Measured     not yet: no GPU so far
#include "reduction.cuh"

// What a row's target is made of.
template <typename T> struct Target {
    const T *given;
    int label;
    float smooth, peak;

    DEVICE Target(const int *labels, const T *targets, i64 row, int n, float smoothing) : given(targets ? targets + row * n : nullptr), label(-1), smooth(smoothing / n), peak(1 - smoothing) {
        if (labels) {
            label = labels[row];
            peak = label >= 0 && label < n ? peak : 0;
        }
    }

    // Targets of COUNT neighbouring elements.
    template <int COUNT> DEVICE void get(i64 i, float *t) const {
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

template <typename T>
DEVICE void crossEntropy(const T *x, const int *labels, const T *targets, float *losses, int n, float smoothing) {
    __shared__ float scratch[24];
    i64 row = blockIdx.x;
    x += row * n;
    Target<T> target(labels, targets, row, n, smoothing);
    Softmax all;
    forPacks<256>(x, n, [&](i64, float *v, auto count) { all.add<count>(v); });
    all.combine<256>(scratch);
    float log = logf(all.sum);
    float s = 0;
    if (target.given || smoothing > 0) {
        forPacks<256>(x, n, [&](i64 i, float *v, auto count) {
            float t[count];
            target.get<count>(i, t);
#pragma unroll
            for (int k = 0; k < count; k++) s += t[k] * (v[k] - all.max - log);
        });
        s = Group<256>::sum(s, scratch + 16);
    } else if (target.peak > 0) {
        s = toFloat(x[target.label]) - all.max - log;
    }
    if (threadIdx.x == 0) {
        losses[row] = -s;
    }
}

template <typename T>
DEVICE void crossEntropyBackward(const T *dloss, const T *x, const int *labels, const T *targets, T *dx, i64 rows, int n, float smoothing) {
    __shared__ float scratch[24];
    i64 row = blockIdx.x;
    x += row * n;
    dx += row * n;
    Target<T> target(labels, targets, row, n, smoothing);
    Softmax all;
    float total = 0;
    forPacks<256>(x, n, [&](i64 i, float *v, auto count) {
        all.add<count>(v);
        if (target.given) {
            float t[count];
            target.get<count>(i, t);
#pragma unroll
            for (int k = 0; k < count; k++) total += t[k];
        }
    });
    all.combine<256>(scratch);
    total = target.given ? Group<256>::sum(total, scratch + 16) : target.peak + smoothing;
    float g = toFloat(*dloss) / rows;
    float scale = g * total / all.sum;
    mapPacks<256>(x, dx, n, [&](i64 i, float *v, auto count) {
        float t[count];
        target.get<count>(i, t);
#pragma unroll
        for (int k = 0; k < count; k++) v[k] = expDown(v[k] - all.max) * scale - t[k] * g;
    });
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

#define M(S, T)                                                                                                                                   \
    KERNEL(256) cross_entropy_##S(const T *x, const int *labels, const T *targets, float *losses, int n, float smoothing) {                       \
        crossEntropy<T>(x, labels, targets, losses, n, smoothing);                                                                                \
    }                                                                                                                                             \
    KERNEL(256) cross_entropy_mean_##S(const float *losses, T *loss, i64 rows) { mean<T>(losses, loss, rows); }                                   \
    KERNEL(256) cross_entropy_backward_##S(const T *dloss, const T *x, const int *labels, const T *targets, T *dx, i64 rows, int n, float smoothing) { \
        crossEntropyBackward<T>(dloss, x, labels, targets, dx, rows, n, smoothing);                                                               \
    }
FOR_FLOATS(M)
