// depthwise_scale_shift.cu
// Math         y = act(conv * scale[c] + shift[c]), conv the depthwise convolution of depthwise.cu: with its normalisation by known statistics, in evaluation
// Contract     as depthwise.cu's forward kernels; scale, shift: C of T
// Launch       as depthwise.cu's forward kernels: grid (blocks of strips, ceil(C / 4q)), block of 128 threads as (q, 128 / q); static smem for the taps, 4.7 KiB (3) or 13 KiB (5)
// Traffic      depthwise_scale_shift3s1, depthwise_scale_shift3s2: read n*h*w*c*T + c*11*T, write n*oh*ow*c*T
//              depthwise_scale_shift5s1, depthwise_scale_shift5s2: read n*h*w*c*T + c*27*T, write n*oh*ow*c*T
// Conflicts    those of depthwise.cu's forward kernels
// Roofline     memory bound: 20 to 60 flop per element of y and 2 * sizeof(T) bytes (stride 1), half of what the two ops move apart
// Numerics     f32, rounded once
// Determinism  bitwise, run to run; strips and blocks follow from the shape alone
// CPU twin     dev.jacquard.cpu.Windowed
// Versions     v1: depthwise.cu's v3 with an epilogue. A module of its own, so that training does not load it
// Measured     not yet: no GPU so far
#include "depthwise.cuh"
#include "nonlinearity.cuh"

template <typename T> struct ScaleShift {
    const T *scale, *shift;
    int act;
    float a[4], b[4];

    DEVICE ScaleShift(const T *scale, const T *shift, int act) : scale(scale), shift(shift), act(act) {}

    DEVICE void begin(int channel) {
        Quad<T> p = Quad<T>::load(scale + channel);
        Quad<T> q = Quad<T>::load(shift + channel);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            a[i] = toFloat(p.v[i]);
            b[i] = toFloat(q.v[i]);
        }
    }

    DEVICE void apply(float (&v)[4]) const {
#pragma unroll
        for (int i = 0; i < 4; i++) v[i] = activate(v[i] * a[i] + b[i], act);
    }
};

#define FORWARD(S, T, R, ST) \
    KERNEL(128) depthwise_scale_shift##R##s##ST##_##S(const T *x, const T *w, T *y, const T *scale, const T *shift, int act, const Depthwise p) { \
        forward<T, R, ST>(x, w, y, p, ScaleShift<T>(scale, shift, act)); }
#define M(S, T) FORWARD(S, T, 3, 1) FORWARD(S, T, 3, 2) FORWARD(S, T, 5, 1) FORWARD(S, T, 5, 2)
FOR_FLOATS(M)
