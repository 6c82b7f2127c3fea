// tensor.cu: kernels of asynchronous copies and matrix loads, for AsyncCopyTest and MatrixAccessTest. Those with a planted bug have a line `// here`, which must be named.
// Target compute_80
#include <cuda_fp16.h>

static __device__ unsigned place(const void* p) {
    return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

#define COPY(bytes, to, from) asm volatile("cp.async.ca.shared.global [%0], [%1], " #bytes ";" ::"r"(place(to)), "l"(from) : "memory")
#define COPY_SOME(bytes, to, from, n) asm volatile("cp.async.ca.shared.global [%0], [%1], " #bytes ", %2;" ::"r"(place(to)), "l"(from), "r"(n) : "memory")
#define COMMIT() asm volatile("cp.async.commit_group;" ::: "memory")
#define WAIT(n) asm volatile("cp.async.wait_group " #n ";" ::: "memory")
#define WAIT_ALL() asm volatile("cp.async.wait_all;" ::: "memory")
#define LOAD1(a, from) asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(a) : "r"(place(from)) : "memory")
#define LOAD4(a, from) \
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"((a)[0]), "=r"((a)[1]), "=r"((a)[2]), "=r"((a)[3]) : "r"(place(from)) : "memory")
#define LOAD2_TRANSPOSED(a, from) asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];" : "=r"((a)[0]), "=r"((a)[1]) : "r"(place(from)) : "memory")
#define MULTIPLY(d, a, b)                                                                                                                       \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"            \
                 : "+f"((d)[0]), "+f"((d)[1]), "+f"((d)[2]), "+f"((d)[3])                                                                       \
                 : "r"((a)[0]), "r"((a)[1]), "r"((a)[2]), "r"((a)[3]), "r"((b)[0]), "r"((b)[1]))
#define LOAD4_TRANSPOSED(a, from) \
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"((a)[0]), "=r"((a)[1]), "=r"((a)[2]), "=r"((a)[3]) : "r"(place(from)) : "memory")
#define MULTIPLY_SPARSE(d, a, b, metadata, selector)                                                                                                          \
    asm volatile("mma.sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9, %10, %11}, {%0, %1, %2, %3}, %12, " selector ";" \
                 : "+f"((d)[0]), "+f"((d)[1]), "+f"((d)[2]), "+f"((d)[3])                                                                                     \
                 : "r"((a)[0]), "r"((a)[1]), "r"((a)[2]), "r"((a)[3]), "r"((b)[0]), "r"((b)[1]), "r"((b)[2]), "r"((b)[3]), "r"(metadata))

extern "C" {

// Copies of all widths, the last ones filled with zeros: y[i] = x[i] for the first n bytes of each thread's 28, else 0.
__global__ void copies(const char* x, char* y, int n) {
    __shared__ __align__(16) char s[32 * 32];
    char* mine = s + 32 * threadIdx.x;
    const char* from = x + 32 * threadIdx.x;
    COPY_SOME(16, mine, from, min(n, 16));
    COPY_SOME(8, mine + 16, from + 16, max(0, min(n - 16, 8)));
    COPY_SOME(4, mine + 24, from + 24, max(0, min(n - 24, 4)));
    COMMIT();
    WAIT_ALL();
    for (int i = 0; i < 28; i++) {
        y[32 * threadIdx.x + i] = mine[i];
    }
}

// Sums k rows of 64 floats through three stages; thread i adds what thread 63 - i has copied.
__global__ void pipeline(const float* x, float* y, int k) {
    __shared__ float s[3][64];
    for (int i = 0; i < 2; i++) {
        COPY(4, &s[i][threadIdx.x], x + 64 * i + threadIdx.x);
        COMMIT();
    }
    float sum = 0;
    for (int i = 0; i < k; i++) {
        WAIT(1);
        __syncthreads();
        if (i + 2 < k) {
            COPY(4, &s[(i + 2) % 3][threadIdx.x], x + 64 * (i + 2) + threadIdx.x);
        }
        COMMIT();
        sum += s[i % 3][63 - threadIdx.x];
    }
    y[threadIdx.x] = sum;
}

__global__ void missing_wait(const float* x, float* y) {
    __shared__ float s[64];
    COPY(4, s + threadIdx.x, x + threadIdx.x);
    COMMIT();
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x];  // here
}

__global__ void missing_commit(const float* x, float* y) {
    __shared__ float s[64];
    COPY(4, s + threadIdx.x, x + threadIdx.x);
    WAIT(0);
    y[threadIdx.x] = s[threadIdx.x];  // here
}

__global__ void wait_count_too_high(const float* x, float* y, int k) {
    __shared__ float s[3][64];
    for (int i = 0; i < 2; i++) {
        COPY(4, &s[i][threadIdx.x], x + 64 * i + threadIdx.x);
        COMMIT();
    }
    WAIT(2);
    __syncthreads();
    y[threadIdx.x] = s[0][63 - threadIdx.x];  // here
}

__global__ void missing_barrier_after_wait(const float* x, float* y) {
    __shared__ float s[64];
    COPY(4, s + threadIdx.x, x + threadIdx.x);
    COMMIT();
    WAIT(0);
    y[threadIdx.x] = s[threadIdx.x ^ 1];  // here
}

__global__ void barrier_before_wait(const float* x, float* y) {
    __shared__ float s[64];
    COPY(4, s + threadIdx.x, x + threadIdx.x);
    COMMIT();
    __syncthreads();
    WAIT(0);
    y[threadIdx.x] = s[threadIdx.x ^ 1];  // here
}

// Fills a stage again that others may still read.
__global__ void refill_without_barrier(const float* x, float* y) {
    __shared__ float s[64];
    COPY(4, s + threadIdx.x, x + threadIdx.x);
    WAIT_ALL();
    __syncthreads();
    float v = s[threadIdx.x ^ 32];
    if (threadIdx.x >= 32) {
        COPY(4, s + threadIdx.x, x + 64 + threadIdx.x);  // here
    }
    WAIT_ALL();
    y[threadIdx.x] = v;
}

__global__ void write_while_copying(const float* x, float* y) {
    __shared__ float s[64];
    COPY(4, s + threadIdx.x, x + threadIdx.x);
    s[threadIdx.x] = 1;  // here
    WAIT_ALL();
    y[threadIdx.x] = s[threadIdx.x];
}

__global__ void copies_overlap(const float* x, float* y) {
    __shared__ __align__(16) float s[68];
    COPY(16, s + 4 * (threadIdx.x / 4), x + threadIdx.x / 4 * 4);  // here
    WAIT_ALL();
    y[threadIdx.x] = s[threadIdx.x];
}

__global__ void misaligned_copy(const float* x, float* y) {
    __shared__ __align__(16) float s[64];
    COPY(16, s + 4 * threadIdx.x, x + 4 * threadIdx.x + 1);  // here
    WAIT_ALL();
    y[threadIdx.x] = s[threadIdx.x];
}

__global__ void misaligned_destination(const float* x, float* y) {
    __shared__ __align__(16) float s[64];
    COPY(8, s + 2 * threadIdx.x + 1, x + 2 * threadIdx.x);  // here
    WAIT_ALL();
    y[threadIdx.x] = s[threadIdx.x];
}

__global__ void copy_past_the_end(const float* x, float* y, int n) {
    __shared__ __align__(16) float s[128];
    COPY_SOME(16, s + 4 * threadIdx.x, x + 4 * threadIdx.x, n);  // here
    WAIT_ALL();
    y[threadIdx.x] = s[4 * threadIdx.x];
}

__global__ void copy_past_shared(const float* x, float* y, int n) {
    extern __shared__ float dynamic[];
    COPY(4, dynamic + threadIdx.x + n, x + threadIdx.x);  // here
    WAIT_ALL();
    y[threadIdx.x] = dynamic[threadIdx.x];
}

// What a product of matrices is made of. A is 16 x 64 in rows, B is 64 x 8 in columns if by_columns, else in rows; the rows of A and the columns of B are of 128 bytes in shared memory, and their chunks of
// 16 bytes are at chunk ^ row % 8 if swizzle is 7.
__global__ void product(const __half* a, const __half* b, float* d, int by_columns, int swizzle, int swizzle_of_load) {
    __shared__ __align__(128) __half sa[16 * 64];
    __shared__ __align__(128) __half sb[64 * 8];
    int lane = threadIdx.x;
    for (int i = lane; i < 16 * 8; i += 32) {
        int row = i / 8, chunk = i % 8;
        COPY(16, sa + row * 64 + (chunk ^ row & swizzle) * 8, a + row * 64 + chunk * 8);
    }
    for (int i = lane; i < 64; i += 32) {
        int row = i / 8, chunk = i % 8;
        COPY(16, by_columns ? sb + row * 64 + (chunk ^ row & swizzle) * 8 : sb + i * 8, b + i * 8);
    }
    COMMIT();
    WAIT(0);
    __syncthreads();
    float sum[4] = {0, 0, 0, 0};
    for (int k = 0; k < 4; k++) {
        unsigned x[4], y[2];
        int row = lane % 16;
        LOAD4(x, sa + row * 64 + (2 * k + lane / 16 ^ row & swizzle_of_load) * 8);
        if (by_columns) {
            int column = lane % 8;
            for (int h = 0; h < 2; h++) {
                LOAD1(y[h], sb + column * 64 + (2 * k + h ^ column & swizzle_of_load) * 8);
            }
        } else {
            LOAD2_TRANSPOSED(y, sb + (k * 16 + lane % 16) * 8);
        }
        MULTIPLY(sum, x, y);
    }
    for (int i = 0; i < 4; i++) {
        d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sum[i];
    }
}

// A 2:4 sparse product by one warp: a is 32 x k with k / 2 elements of each row stored, b is k x 8, metadata has a word per lane for each 32 of k, of which instructions for the
// first 16 rows take those
// of two lanes of four, and those for the others the other two.
__global__ void sparse_product(const __half* a, const unsigned* metadata, const __half* b, float* d, int k) {
    __shared__ __align__(128) __half sa[32 * 16];
    __shared__ __align__(128) __half sb[32 * 8];
    int lane = threadIdx.x;
    float sum[2][4] = {};
    for (int from = 0; from < k; from += 32) {
        for (int c = 0; c < 2; c++) {
            COPY(16, sa + lane * 16 + (c ^ (lane >> 2 & 1)) * 8, a + lane * (k / 2) + from / 2 + c * 8);
        }
        COPY(16, sb + lane * 8, b + (from + lane) * 8);
        WAIT_ALL();
        __syncwarp();
        unsigned x[2][4], y[4];
        for (int h = 0; h < 2; h++) {
            int row = h * 16 + lane % 16;
            LOAD4(x[h], sa + row * 16 + (lane / 16 ^ (row >> 2 & 1)) * 8);
        }
        LOAD4_TRANSPOSED(y, sb + lane * 8);
        unsigned word = metadata[from + lane];
        MULTIPLY_SPARSE(sum[0], x[0], y, word, "0");
        MULTIPLY_SPARSE(sum[1], x[1], y, word, "1");
        __syncwarp();
    }
    for (int i = 0; i < 8; i++) {
        d[(i / 2 * 8 + lane / 4) * 8 + lane % 4 * 2 + i % 2] = sum[i / 4][i % 4];
    }
}

__global__ void misaligned_row(const __half* x, unsigned* y, int n) {
    __shared__ __align__(16) __half s[8 * 16];
    for (int i = threadIdx.x; i < 128; i += 32) {
        s[i] = x[i];
    }
    __syncwarp();
    unsigned a;
    LOAD1(a, s + threadIdx.x % 8 * 12 + n);  // here
    y[threadIdx.x] = a;
}

__global__ void row_past_the_end(const __half* x, unsigned* y, int n) {
    extern __shared__ float dynamic[];
    dynamic[threadIdx.x] = 0;
    __syncwarp();
    unsigned a;
    LOAD1(a, dynamic + threadIdx.x % 8 * 4 + n);  // here
    y[threadIdx.x] = a;
}

__global__ void row_in_flight(const __half* x, unsigned* y) {
    __shared__ __align__(16) __half s[64];
    if (threadIdx.x < 8) {
        COPY(16, s + 8 * threadIdx.x, x + 8 * threadIdx.x);
    }
    COMMIT();
    __syncwarp();
    unsigned a;
    LOAD1(a, s + threadIdx.x % 8 * 8);  // here
    y[threadIdx.x] = a;
}

__global__ void rows_without_syncwarp(const __half* x, unsigned* y) {
    __shared__ __align__(16) __half s[64];
    reinterpret_cast<unsigned*>(s)[threadIdx.x] = threadIdx.x;
    unsigned a;
    LOAD1(a, s + threadIdx.x % 8 * 8);  // here
    y[threadIdx.x] = a;
}

__global__ void rows_by_half_a_warp(const __half* x, unsigned* y) {
    __shared__ __align__(16) __half s[64];
    reinterpret_cast<unsigned*>(s)[threadIdx.x] = threadIdx.x;
    __syncwarp();
    unsigned a = 0;
    if (threadIdx.x < 16) {
        LOAD1(a, s + threadIdx.x % 8 * 8);  // here
    }
    y[threadIdx.x] = a;
}
}
