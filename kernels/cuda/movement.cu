// movement.cu
// Math         copy: dst[i] = src[i]. pad: row r of dst is `before` zeros, row r of src, zeros. one_hot: y[r, c] = c == labels[r] ? 1 : 0
// Contract     elements by size, not by type; v4_b32 is 16 bytes. Addresses and strides are multiples of the size. copy: src and dst in any layout without overlap; pad: src and dst
//              contiguous rows; one_hot: y f32, contiguous, 16-byte aligned, labels i32, contiguous. One loop: any number of units, more: less than 2^31
// Launch       grid ceil(units / 256), block 256, smem 0: one unit per thread; the host takes the largest size that divides rows, strides and addresses, for one_hot 4 classes where 4 divides them
// Traffic      copy_*: read x*T, write n*T
//              pad_*: read x*T, write n*T
//              one_hot: read labels*4, write n*4
// Roofline     memory bound: no arithmetic
// Numerics     exact
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.MovementKernels
// Versions     v1
// Measured     not yet: no GPU so far
#include "loops.cuh"

DEVICE i64 unitOfThread() { return (i64)blockIdx.x * 256 + threadIdx.x; }

template <typename T> DEVICE void copy(const T *src, T *dst, const Loops<2> &l) {
    i64 u = unitOfThread();
    if (u < l.n) {
        i64 at[2];
        l.offsets(u, u, at);
        dst[at[1]] = src[at[0]];
    }
}

// The loop nest runs over dst; its first offset is the row's in src, its second the column in dst.
template <typename T> DEVICE void pad(const T *src, T *dst, const Loops<2> &l, i64 before, i64 length) {
    i64 u = unitOfThread();
    if (u < l.n) {
        i64 at[2];
        l.offsets(u, u, at);
        i64 column = at[1] - before;
        dst[u] = column >= 0 && column < length ? src[at[0] + column] : T();
    }
}

#define M(S, T)                                                                                                                            \
    KERNEL(256) copy_##S(const T *src, T *dst, Loops<2> loops) { copy(src, dst, loops); }                                                  \
    KERNEL(256) pad_##S(const T *src, T *dst, Loops<2> loops, i64 before, i64 length) { pad(src, dst, loops, before, length); }
M(b8, u8)
M(b16, u16)
M(b32, u32)
M(b64, u64)
M(v4_b32, uint4)

// The loop nest runs over y; its first offset is the label's, its second the class.
KERNEL(256) one_hot_f32(const int *labels, float *y, Loops<2> loops) {
    i64 u = unitOfThread();
    i64 i = u * loops.unit;
    if (i < loops.n) {
        i64 at[2];
        loops.offsets(i, u, at);
        i64 c = labels[at[0]] - at[1];
        if (loops.unit == 4) {
            *reinterpret_cast<float4 *>(y + i) = make_float4(c == 0, c == 1, c == 2, c == 3);
        } else {
            y[i] = c == 0;
        }
    }
}
