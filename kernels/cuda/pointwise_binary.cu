// pointwise_binary.cu
// Math         y[i] = f(a[i], b[i]); f by the op's record in tensor/op/Pointwise.java
// Contract     a, b: elements of T in any layout, broadcast by stride 0; y: n > 0 elements, contiguous, 16-byte aligned; y may be a where a lies like y; one loop: n fits int64, more: n < 2^31
// Launch       grid ceil(n / (256 * V)), block 256, smem 0; V = 16 / sizeof(T); packs where each operand's innermost loop steps by 1 or 0, its extent is a multiple of V (or there is
//              but one loop: then the rest is done one by one) and rows are 16-byte aligned; else single elements
// Traffic      add, sub, mul, div, max, min, greater, equal, relu_backward, silu_backward, sigmoid_backward: read a*T + b*T, write n*T
// Roofline     memory bound: 1 to 20 instructions per element and 3*sizeof(T) bytes
// Numerics     computed in f32, rounded once; division IEEE. max and min give NaN where either is NaN; of zeros of both signs either. i32: sums, differences and products saturate
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.PointwiseKernels
// Versions     v1 one kernel for all layouts
// Measured     not yet: no GPU so far
#include "pointwise.cuh"
#include "functions.cuh"

#define FUNCTION(NAME, EXPRESSION)                                                          \
    struct NAME {                                                                           \
        DEVICE float operator()(float a, float b, float) const { return EXPRESSION; }       \
    };
// The same with a meaning on integers.
#define NUMERIC(NAME, EXPRESSION, INTEGER)                                                  \
    struct NAME {                                                                           \
        DEVICE float operator()(float a, float b, float) const { return EXPRESSION; }       \
        DEVICE int operator()(int a, int b, int) const { return INTEGER; }                  \
    };
DEVICE int saturate(i64 x) { return (int)min(max(x, -0x80000000ll), 0x7fffffffll); }

NUMERIC(Add, a + b, saturate((i64)a + b))
NUMERIC(Sub, a - b, saturate((i64)a - b))
NUMERIC(Mul, a * b, saturate((i64)a * b))
NUMERIC(Max, nanMax(a, b), max(a, b))
NUMERIC(Min, a < b || a != a ? a : b, min(a, b))
NUMERIC(Greater, a > b ? 1.0f : 0.0f, a > b)
NUMERIC(Equal, a == b ? 1.0f : 0.0f, a == b)
FUNCTION(Div, a / b)
FUNCTION(ReluBackward, b > 0 ? a : 0.0f)
FUNCTION(SigmoidBackward, a * b * (1 - b))
struct SiluBackward {
    DEVICE float operator()(float dy, float x, float) const {
        float s = sigmoid(x);
        return dy * s * (1 + x * (1 - s));
    }
};

#define K(S, T, NAME, F)                                                                \
    KERNEL(256) NAME##_##S(const T *a, const T *b, T *y, Loops<2> loops) {              \
        const T *in[] = {a, b};                                                         \
        pointwise<T, 2>(in, y, loops, F());                                             \
    }
#define NUMERICS(S, T) \
    K(S, T, add, Add) K(S, T, sub, Sub) K(S, T, mul, Mul) K(S, T, max, Max) K(S, T, min, Min) K(S, T, greater, Greater) K(S, T, equal, Equal)
#define M(S, T) \
    NUMERICS(S, T) K(S, T, div, Div) K(S, T, relu_backward, ReluBackward) K(S, T, silu_backward, SiluBackward) K(S, T, sigmoid_backward, SigmoidBackward)
FOR_FLOATS(M)
NUMERICS(i32, int)
