// pointwise_unary.cu
// Math         y[i] = f(x[i]); f by the op's record in tensor/op/Pointwise.java
// Contract     x: elements of T in any layout; y: n > 0 elements, contiguous, 16-byte aligned; y may be x where x lies like y; one loop: n fits int64, more: n < 2^31
// Launch       grid ceil(n / (256 * V)), block 256, smem 0; V = 16 / sizeof(T); packs where x's innermost loop steps by 1 or 0, its extent is a multiple of V (or there is
//              but one loop: then the rest is done one by one) and its rows are 16-byte aligned; else single elements
// Traffic      affine, exp, log, sqrt, rsqrt, abs, sign, relu, sigmoid, tanh, silu, hardswish, round_tf32: read x*T, write n*T
// Roofline     memory bound: 1 to 30 instructions per element and 2*sizeof(T) bytes
// Numerics     computed in f32, rounded once. exp, log, tanh: CUDA's (2 ulp or less); sigmoid, silu: within 12 * 2^-24 relative above -10, below
//              that |x| * 2^-24. NaN stays NaN; silu(-inf) and hardswish(-inf) are NaN, as
//              their formulas say. round_tf32 is exact: on the bits, as cvt.rna.tf32.f32 rounds, on every device
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.PointwiseKernels
// Versions     v1 one kernel for all layouts
// Measured     not yet: no GPU so far
#include "pointwise.cuh"
#include "functions.cuh"

#define FUNCTION(NAME, EXPRESSION)                                                        \
    struct NAME {                                                                         \
        DEVICE float operator()(float x, float, float) const { return EXPRESSION; }       \
    };
FUNCTION(Exp, expf(x))
FUNCTION(Log, logf(x))
FUNCTION(Sqrt, sqrtf(x))
FUNCTION(Rsqrt, rsqrtf(x))
FUNCTION(Abs, fabsf(x))
FUNCTION(Sign, x > 0 ? 1.0f : x < 0 ? -1.0f : x)
FUNCTION(Relu, x < 0 ? 0.0f : x)
FUNCTION(Sigmoid, sigmoid(x))
FUNCTION(Tanh, tanhf(x))
FUNCTION(Silu, x * sigmoid(x))
FUNCTION(Hardswish, x * fminf(fmaxf(x + 3, 0), 6) * (1 / 6.0f))
FUNCTION(RoundTf32, (floatToBits(x) & 0x7f800000) == 0x7f800000 ? x : bitsToFloat((floatToBits(x) + 0x1000) & 0xffffe000))
struct Affine {
    float scale, shift;
    DEVICE float operator()(float x, float, float) const { return x * scale + shift; }
};

#define K(S, T, NAME, F)                                                   \
    KERNEL(256) NAME##_##S(const T *x, T *y, Loops<1> loops) {             \
        const T *in[] = {x};                                               \
        pointwise<T, 1>(in, y, loops, F());                                \
    }
#define M(S, T) \
    K(S, T, exp, Exp) K(S, T, log, Log) K(S, T, sqrt, Sqrt) K(S, T, rsqrt, Rsqrt) K(S, T, abs, Abs) K(S, T, sign, Sign) K(S, T, relu, Relu) \
    K(S, T, sigmoid, Sigmoid) K(S, T, tanh, Tanh) K(S, T, silu, Silu) K(S, T, hardswish, Hardswish) K(S, T, round_tf32, RoundTf32)          \
    KERNEL(256) affine_##S(const T *x, T *y, Loops<1> loops, float scale, float shift) {                                                    \
        const T *in[] = {x};                                                                                                                \
        pointwise<T, 1>(in, y, loops, Affine{scale, shift});                                                                                \
    }
FOR_FLOATS(M)
