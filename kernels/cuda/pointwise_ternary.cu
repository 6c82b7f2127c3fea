// pointwise_ternary.cu
// Math         mul_add: y[i] = a[i] * b[i] + c[i]; select: y[i] = a[i] != 0 ? b[i] : c[i]
// Contract     a, b, c: elements of T in any layout, broadcast by stride 0; y: n > 0 elements, contiguous, 16-byte aligned; y may be a where a lies like y; one loop: n fits int64, more: n < 2^31
// Launch       grid ceil(n / (256 * V)), block 256, smem 0; V = 16 / sizeof(T); packs where each operand's innermost loop steps by 1 or 0, its extent is a multiple of V (or there is
//              but one loop: then the rest is done one by one) and rows are 16-byte aligned; else single elements
// Traffic      mul_add, select: read a*T + b*T + c*T, write n*T
// Roofline     memory bound: 1 or 2 instructions per element and up to 4*sizeof(T) bytes
// Numerics     computed in f32, rounded once; mul_add is one fused multiply-add. select: a NaN is not 0
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.PointwiseKernels
// Versions     v1 one kernel for all layouts
// Measured     not yet: no GPU so far
#include "pointwise.cuh"

struct MulAdd {
    DEVICE float operator()(float x, float a, float b) const { return fmaf(x, a, b); }
};
struct Select {
    DEVICE float operator()(float condition, float a, float b) const { return condition != 0 ? a : b; }
};

#define K(S, T, NAME, F)                                                                        \
    KERNEL(256) NAME##_##S(const T *a, const T *b, const T *c, T *y, Loops<3> loops) {          \
        const T *in[] = {a, b, c};                                                              \
        pointwise<T, 3>(in, y, loops, F());                                                     \
    }
#define M(S, T) K(S, T, mul_add, MulAdd) K(S, T, select, Select)
FOR_FLOATS(M)
