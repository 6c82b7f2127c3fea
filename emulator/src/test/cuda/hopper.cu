// hopper.cu: kernels of barriers and bulk copies, for BulkCopyTest and MbarrierTest. Those with a planted bug have a line `// here`, which must be named.
// Target compute_90a
#include "hopper.cuh"

extern "C" {

// y[i] = x[63 - i]: all threads wait for a copy of one.
__global__ void bulk(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, 256);
        BULK(s, x, 256, &bar);
    }
    WAIT(&bar, 0);
    y[threadIdx.x] = s[63 - threadIdx.x];
}

// Sums k rows of 64 floats through two stages: warp 2 fills them, warps 0 and 1 read them and say when they have.
__global__ void bulk_pipeline(const float* x, float* y, int k) {
    __shared__ __align__(128) float s[2][64];
    __shared__ State full[2], empty[2];
    if (threadIdx.x == 0) {
        for (int i = 0; i < 2; i++) {
            INIT(full + i, 1);
            INIT(empty + i, 64);
        }
        FENCE_INIT();
    }
    __syncthreads();
    if (threadIdx.x >= 64) {
        if (threadIdx.x == 64) {
            for (int i = 0; i < k; i++) {
                WAIT(empty + i % 2, i / 2 % 2 ^ 1);
                EXPECT(full + i % 2, 256);
                BULK(s[i % 2], x + 64 * i, 256, full + i % 2);
            }
        }
        return;
    }
    float sum = 0;
    for (int i = 0; i < k; i++) {
        WAIT(full + i % 2, i / 2 % 2);
        sum += s[i % 2][63 - threadIdx.x];
        ARRIVE(empty + i % 2);
    }
    y[threadIdx.x] = sum;
}

// A thread of warp 1 fills again what warp 0 may still read.
__global__ void bulk_refill_too_early(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, 256);
        BULK(s, x, 256, &bar);
    }
    WAIT(&bar, 0);
    float sum = s[63 - threadIdx.x];
    if (threadIdx.x == 32) {
        EXPECT(&bar, 256);
        BULK(s, x + 64, 256, &bar);  // here
    }
    WAIT(&bar, 1);
    y[threadIdx.x] = sum + s[63 - threadIdx.x];
}

__global__ void bulk_without_wait(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, 256);
        BULK(s, x, 256, &bar);
    }
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x];  // here
}

__global__ void bulk_parity_wrong(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, 256);
        BULK(s, x, 256, &bar);
    }
    WAIT(&bar, 1);
    y[threadIdx.x] = s[threadIdx.x];  // here
}

// Only warp 0 waits.
__global__ void bulk_others_do_not_wait(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, 256);
        BULK(s, x, 256, &bar);
    }
    if (threadIdx.x < 32) {
        WAIT(&bar, 0);
    }
    y[threadIdx.x] = s[threadIdx.x];  // here
}

// Expects n bytes of two copies of 128.
__global__ void bulk_expects(const float* x, float* y, int n) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, n);
        BULK(s, x, 128, &bar);
        BULK(s + 32, x + 32, 128, &bar);
    }
    unsigned done;
    do {
        TRY(done, &bar, 0);  // here
    } while (!done);
    y[threadIdx.x] = s[threadIdx.x];
}

// As the one before, with a number that the first copy's bytes are enough for.
__global__ void bulk_expects_less(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, 128);
        BULK(s, x, 128, &bar);
        BULK(s + 32, x + 32, 128, &bar);
    }
    WAIT(&bar, 0);
    y[threadIdx.x] = s[threadIdx.x];  // here
}

__global__ void bulk_init_without_fence(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    __shared__ State bar;
    if (threadIdx.x == 0) {
        INIT(&bar, 1);
        EXPECT(&bar, 256);
        BULK(s, x, 256, &bar);  // here
    }
    __syncthreads();
    WAIT(&bar, 0);
    y[threadIdx.x] = s[threadIdx.x];
}

__global__ void bulk_never_waited(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, 256);
        BULK(s, x, 256, &bar);  // here
    }
    y[threadIdx.x] = 0;
}

// n bytes from the from-th on.
__global__ void bulk_size(const char* x, float* y, int from, int n) {
    __shared__ __align__(128) float s[64];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, n);
        BULK(s, x + from, n, &bar);  // here
    }
    WAIT(&bar, 0);
    y[threadIdx.x] = s[threadIdx.x];
}

// y = x + 1 by way of shared memory.
__global__ void bulk_out(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    s[threadIdx.x] = x[threadIdx.x] + 1;
    FENCE_ASYNC();
    __syncthreads();
    if (threadIdx.x == 0) {
        BULK_OUT(y, s, 256);
        BULK_COMMIT();
        BULK_WAIT(0);
    }
}

__global__ void bulk_out_without_fence(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    s[threadIdx.x] = x[threadIdx.x] + 1;
    __syncthreads();
    if (threadIdx.x == 0) {
        BULK_OUT(y, s, 256);  // here
        BULK_COMMIT();
        BULK_WAIT(0);
    }
}

__global__ void bulk_out_without_barrier(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    s[63 - threadIdx.x] = x[threadIdx.x] + 1;
    FENCE_ASYNC();
    if (threadIdx.x == 32) {
        BULK_OUT(y, s, 256);  // here
        BULK_COMMIT();
        BULK_WAIT(0);
    }
}

__global__ void bulk_out_overwritten(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    s[threadIdx.x] = x[threadIdx.x] + 1;
    FENCE_ASYNC();
    __syncthreads();
    if (threadIdx.x == 0) {
        BULK_OUT(y, s, 256);
        BULK_COMMIT();
        s[5] = 1;  // here
        BULK_WAIT_READ(0);
    }
}

__global__ void bulk_out_not_committed(const float* x, float* y) {
    __shared__ __align__(128) float s[64];
    s[threadIdx.x] = x[threadIdx.x] + 1;
    FENCE_ASYNC();
    __syncthreads();
    if (threadIdx.x == 0) {
        BULK_OUT(y, s, 256);  // here
        BULK_WAIT(0);
    }
}

// A box of so many bytes to shared memory, and from there to y as it lies.
__global__ void tile(const __grid_constant__ Map map, int* y, int column, int row, int bytes) {
    extern __shared__ __align__(1024) int box[];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, bytes);
        TILE(box, &map, column, row, &bar);  // here
    }
    WAIT(&bar, 0);
    for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) {
        y[i] = box[i];
    }
}

__global__ void tile3(const __grid_constant__ Map map, int* y, int column, int row, int plane, int bytes) {
    extern __shared__ __align__(1024) int box[];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, bytes);
        TILE3(box, &map, column, row, plane, &bar);
    }
    WAIT(&bar, 0);
    for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) {
        y[i] = box[i];
    }
}

// From one map's tensor to another's, through a box.
__global__ void tile_out(const __grid_constant__ Map from, const __grid_constant__ Map to, int column, int row, int bytes) {
    extern __shared__ __align__(1024) int box[];
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, bytes);
        TILE(box, &from, column, row, &bar);
        WAIT(&bar, 0);
        TILE_OUT(&to, column, row, box);
        BULK_COMMIT();
        BULK_WAIT(0);
    }
}

// All meet 2 k times at a barrier, by its states: sums of sums of thread i ^ 96.
__global__ void phases(int* y, int k) {
    __shared__ State bar;
    __shared__ int s[128];
    if (threadIdx.x == 0) {
        INIT(&bar, blockDim.x);
    }
    __syncthreads();
    s[threadIdx.x] = threadIdx.x;
    int sum = 0;
    for (int i = 0; i < k; i++) {
        State state;
        unsigned done;
        ARRIVE_STATE(state, &bar);
        do {
            TEST_STATE(done, &bar, state);
        } while (!done);
        sum += s[threadIdx.x ^ 96];
        ARRIVE_STATE(state, &bar);
        do {
            TEST_STATE(done, &bar, state);
        } while (!done);
        s[threadIdx.x] = sum;
    }
    y[threadIdx.x] = sum;
}

__global__ void without_init(int* y) {
    __shared__ State bar;
    ARRIVE(&bar);  // here
    y[threadIdx.x] = 0;
}

__global__ void init_of(int* y, int n) {
    __shared__ State bar;
    if (threadIdx.x == 0) {
        INIT(&bar, n);  // here
    }
    y[threadIdx.x] = 0;
}

__global__ void init_without_barrier(int* y) {
    __shared__ State bar;
    if (threadIdx.x == 0) {
        INIT(&bar, blockDim.x);
    }
    ARRIVE(&bar);  // here
    y[threadIdx.x] = 0;
}

// Expects bytes that never come, so that the phase does not end and threads arrive once too often.
__global__ void too_many_arrivals(int* y) {
    __shared__ State bar;
    if (threadIdx.x == 0) {
        INIT(&bar, 40);
    }
    __syncthreads();
    EXPECT(&bar, 16);  // here
    y[threadIdx.x] = 0;
}

__global__ void too_many_bytes(int* y) {
    BARRIER(bar);
    if (threadIdx.x == 0) {
        EXPECT(&bar, 1 << 20);  // here
    }
    y[threadIdx.x] = 0;
}

// One of the threads does not come.
__global__ void never_complete(int* y) {
    __shared__ State bar;
    if (threadIdx.x == 0) {
        INIT(&bar, blockDim.x);
    }
    __syncthreads();
    if (threadIdx.x != 7) {
        ARRIVE(&bar);
    }
    unsigned done;
    do {
        TRY(done, &bar, 0);  // here
    } while (!done);
    y[threadIdx.x] = 0;
}

// Arrives and does not wait before it reads what the other warp has written.
__global__ void arrival_without_wait(int* y) {
    __shared__ State bar;
    __shared__ int s[64];
    if (threadIdx.x == 0) {
        INIT(&bar, blockDim.x);
    }
    __syncthreads();
    s[threadIdx.x] = threadIdx.x;
    ARRIVE(&bar);
    if (threadIdx.x >= 32) {
        y[threadIdx.x] = s[threadIdx.x ^ 32];  // here
    }
}

__global__ void barrier_overwritten(int* y) {
    BARRIER(bar);
    if (threadIdx.x == 5) {
        *reinterpret_cast<volatile State*>(&bar) = 5;  // here
    }
    y[threadIdx.x] = 0;
}

__global__ void invalidated(int* y) {
    BARRIER(bar);
    if (threadIdx.x == 0) {
        INVALIDATE(&bar);
        ARRIVE(&bar);  // here
    }
    y[threadIdx.x] = 0;
}
}
