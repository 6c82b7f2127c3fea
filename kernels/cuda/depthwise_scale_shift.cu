// depthwise_scale_shift.cu
// Math         y = act(conv * scale[c] + shift[c]), conv the depthwise convolution of depthwise.cu: with its normalisation by known statistics, in evaluation
// Contract     as depthwise.cu's forward kernels; scale, shift: C in f32
// Launch       as depthwise.cu's forward kernels: grid (blocks of strips, ceil(C / 4q)), block of 128 threads as (q, 128 / q); static smem for the taps, scale and shift, 5.7 KiB (3) or 14 KiB (5)
// Traffic      depthwise_scale_shift3s1, depthwise_scale_shift3s2: read n*h*w*c*T + c*9*T + c*2*4, write n*oh*ow*c*T
//              depthwise_scale_shift5s1, depthwise_scale_shift5s2: read n*h*w*c*T + c*25*T + c*2*4, write n*oh*ow*c*T
// Conflicts    those of depthwise.cu's forward kernels; scale and shift are read as taps are
// Roofline     memory bound: 20 to 60 flop per element of y and 2 * sizeof(T) bytes (stride 1), half of what the two ops move apart
// Numerics     f32, rounded once
// Determinism  bitwise, run to run; strips and blocks follow from the shape alone
// CPU twin     dev.jacquard.cpu.Windowed
// Versions     v1: depthwise.cu's v3 with an epilogue. A module of its own, so that training does not load it
// Measured     not yet: no GPU so far
#include "depthwise.cuh"
#include "nonlinearity.cuh"

struct ScaleShift {
    static const int ROWS = 2;
    const float *scale, *shift;
    int act;
    float4 a, b;

    DEVICE ScaleShift(const float *scale, const float *shift, int act) : scale(scale), shift(shift), act(act) {}

    // To shared memory: kept by each thread from the beginning they would be eight registers more, a block less on a multiprocessor for 5x5 with stride 2.
    DEVICE void stage(float *rows, const Depthwise &p) const {
        int c0 = blockIdx.y * blockDim.x * 4;
        int n = min((int)blockDim.x * 4, p.c - c0);
        for (int c = threadIdx.y * blockDim.x + threadIdx.x; c < n; c += blockDim.x * blockDim.y) {
            rows[c] = scale[c0 + c];
            rows[PITCH + c] = shift[c0 + c];
        }
    }

    DEVICE void begin(const float *own) {
        a = *reinterpret_cast<const float4 *>(own);
        b = *reinterpret_cast<const float4 *>(own + PITCH);
    }

    DEVICE void apply(float (&v)[4]) const {
        v[0] = activate(v[0] * a.x + b.x, act);
        v[1] = activate(v[1] * a.y + b.y, act);
        v[2] = activate(v[2] * a.z + b.z, act);
        v[3] = activate(v[3] * a.w + b.w, act);
    }
};

#define FORWARD(S, T, R, ST) \
    KERNEL(128) depthwise_scale_shift##R##s##ST##_##S(const T *x, const T *w, T *y, const float *scale, const float *shift, int act, const Depthwise p) { \
        forward<T, R, ST>(x, w, y, p, ScaleShift(scale, shift, act)); }
#define M(S, T) FORWARD(S, T, 3, 1) FORWARD(S, T, 3, 2) FORWARD(S, T, 5, 1) FORWARD(S, T, 5, 2)
FOR_FLOATS(M)
