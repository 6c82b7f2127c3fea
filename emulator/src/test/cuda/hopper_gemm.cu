// hopper_gemm.cu: products by wgmma of tiles that tensor maps fill, for GroupProductTest. Those with a planted bug have a line `// here`, which must be named.
// Target compute_90a
#include "hopper.cuh"

#include <cuda_fp16.h>

#define FENCE() asm volatile("wgmma.fence.sync.aligned;" ::: "memory")
#define GROUP() asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory")
#define GROUP_WAIT(n) asm volatile("wgmma.wait_group.sync.aligned " #n ";" ::: "memory")
#define EIGHT(d, i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define PRODUCT(d, a, b)                                                                                                                                     \
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, " \
                 "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, 1, 1, 1, 0, 0;"                                                \
                 : EIGHT(d, 0), EIGHT(d, 8), EIGHT(d, 16), EIGHT(d, 24)                                                                                      \
                 : "l"(a), "l"(b))

// Keeps the compiler from moving what it does to the accumulators over a fence or a wait.
static __device__ __forceinline__ void pin(float (&d)[32]) {
#pragma unroll
    for (int i = 0; i < 32; i++) {
        asm volatile("" : "+f"(d[i])::"memory");
    }
}

// Of a K-major matrix in rows of 128 bytes, of which eight are 1024 bytes: the k-th 16 columns. A swizzle of 128 bytes is mode 1.
static __device__ __forceinline__ unsigned long long descriptor(const __half* s, int k, int mode) {
    return ((place(s) + 32 * k) >> 4 & 0x3fff) | 1ull << 16 | 64ull << 32 | static_cast<unsigned long long>(mode) << 62;
}

static __device__ __forceinline__ void store(float* y, int stride, const float (&d)[32]) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % 4;
#pragma unroll
    for (int i = 0; i < 32; i++) {
        y[(16 * warp + lane / 4 + i / 2 % 2 * 8) * stride + i / 4 * 8 + lane % 4 * 2 + i % 2] = d[i];
    }
}

#define TILES()                                 \
    __shared__ __align__(1024) __half sa[4096]; \
    __shared__ __align__(1024) __half sb[4096]; \
    BARRIER(bar);                               \
    if (threadIdx.x == 0) {                     \
        EXPECT(&bar, 16384);                    \
        TILE(sa, &a, 0, 0, &bar);               \
        TILE(sb, &b, 0, 0, &bar);               \
    }                                           \
    float d[32] = {};                           \
    pin(d)

extern "C" {

// y = A B of 64 x 64 x 64 by one warpgroup; a mode other than 1 in B's descriptor is wrong.
__global__ void gemm64(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y, int mode) {
    TILES();
    WAIT(&bar, 0);
    FENCE();
    for (int k = 0; k < 4; k++) {
        PRODUCT(d, descriptor(sa, k, 1), descriptor(sb, k, mode));
    }
    GROUP();
    GROUP_WAIT(0);
    pin(d);
    store(y, 64, d);
}

__global__ void gemm_no_wait_for_tiles(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));  // here
    GROUP();
    GROUP_WAIT(0);
    WAIT(&bar, 0);
    pin(d);
    store(y, 64, d);
}

__global__ void gemm_no_wait(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    WAIT(&bar, 0);
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));
    GROUP();
    y[threadIdx.x] = d[0];  // here
    GROUP_WAIT(0);
}

__global__ void gemm_wait_for_too_few(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    WAIT(&bar, 0);
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));
    GROUP();
    GROUP_WAIT(1);
    y[threadIdx.x] = d[0];  // here
    GROUP_WAIT(0);
}

__global__ void gemm_no_commit(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    WAIT(&bar, 0);
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));
    GROUP_WAIT(0);
    y[threadIdx.x] = d[0];  // here
    GROUP();
    GROUP_WAIT(0);
}

__global__ void gemm_no_fence(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    WAIT(&bar, 0);
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));
    GROUP();
    GROUP_WAIT(0);
    pin(d);
    for (int i = 0; i < 32; i++) {
        d[i] *= 2;
    }
    pin(d);
    PRODUCT(d, descriptor(sa, 1, 1), descriptor(sb, 1, 1));  // here
    GROUP();
    GROUP_WAIT(0);
    pin(d);
    store(y, 64, d);
}

// A's tile is written by threads, which do not tell the asynchronous proxy.
__global__ void gemm_no_proxy_fence(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    WAIT(&bar, 0);
    __syncthreads();
    sa[threadIdx.x] = __float2half(1);
    __syncthreads();
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));  // here
    GROUP();
    GROUP_WAIT(0);
    pin(d);
    store(y, 64, d);
}

__global__ void gemm_refill_while_reading(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    WAIT(&bar, 0);
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));
    GROUP();
    if (threadIdx.x == 0) {
        EXPECT(&bar, 8192);
        TILE(sa, &a, 0, 0, &bar);  // here
    }
    GROUP_WAIT(0);
    WAIT(&bar, 1);
    pin(d);
    store(y, 64, d);
}

__global__ void gemm_never_waited(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    WAIT(&bar, 0);
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));  // here
    GROUP();
    y[threadIdx.x] = 0;
}

// Warp 3 leaves the second product out.
__global__ void gemm_three_warps(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y) {
    TILES();
    WAIT(&bar, 0);
    FENCE();
    PRODUCT(d, descriptor(sa, 0, 1), descriptor(sb, 0, 1));
    if (threadIdx.x < 96) {
        PRODUCT(d, descriptor(sa, 1, 1), descriptor(sb, 1, 1));  // here
    }
    GROUP();
    GROUP_WAIT(0);
    pin(d);
    store(y, 64, d);
}

// y = A B of 128 x 128 x 64 steps, by two warpgroups of 64 rows each and a warp that fills three stages. Of so many threads one says that they have read a stage: must be
// 32, since warps wait for their products one by one.
__global__ void gemm128(const __grid_constant__ Map a, const __grid_constant__ Map b, float* y, int steps, int every) {
    extern __shared__ __align__(1024) __half s[];
    __shared__ State full[3], empty[3];
    if (threadIdx.x == 0) {
        for (int i = 0; i < 3; i++) {
            INIT(full + i, 1);
            INIT(empty + i, 256 / every);
        }
        FENCE_INIT();
    }
    __syncthreads();
    if (threadIdx.x >= 256) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
        if (threadIdx.x == 256) {
            for (int i = 0; i < steps; i++) {
                int stage = i % 3;
                WAIT(empty + stage, i / 3 % 2 ^ 1);
                EXPECT(full + stage, 32768);
                TILE(s + stage * 16384, &a, 64 * i, 0, full + stage);  // here
                TILE(s + stage * 16384 + 8192, &b, 64 * i, 0, full + stage);
            }
        }
        return;
    }
    asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    int group = threadIdx.x / 128;
    float d[32] = {}, e[32] = {};
    pin(d);
    pin(e);
    for (int i = 0; i < steps; i++) {
        const __half* sa = s + i % 3 * 16384 + 4096 * group;
        const __half* sb = s + i % 3 * 16384 + 8192;
        WAIT(full + i % 3, i / 3 % 2);
        FENCE();
        for (int k = 0; k < 4; k++) {
            PRODUCT(d, descriptor(sa, k, 1), descriptor(sb, k, 1));
            PRODUCT(e, descriptor(sa, k, 1), descriptor(sb + 4096, k, 1));
        }
        GROUP();
        GROUP_WAIT(1);
        if (i > 0 && threadIdx.x % every == 0) {
            ARRIVE(empty + (i - 1) % 3);
        }
    }
    GROUP_WAIT(0);
    pin(d);
    pin(e);
    store(y + 64 * group * 128, 128, d);
    store(y + 64 * group * 128 + 64, 128, e);
}
}
