// faults.cu: kernels with planted bugs, one each, for FaultsTest. `// here` marks the line that must be named.
extern "C" {

__global__ void write_past_end(float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) {
        y[i] = 1.0f;  // here
    }
}

__global__ void read_past_end(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] = x[i + 1];  // here
    }
}

__global__ void read_before_start(const float* x, float* y, int n) {
    int i = threadIdx.x;
    if (i < n) {
        y[i] = x[i - 1];  // here
    }
}

__global__ void missing_barrier(const float* x, float* y) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = s[63 - threadIdx.x];  // here
}

__global__ void second_missing_barrier(const float* x, float* y) {
    __shared__ float s[64];
    float sum = 0;
    for (int k = 0; k < 2; k++) {
        s[threadIdx.x] = x[threadIdx.x + 64 * k];  // here
        __syncthreads();
        sum += s[63 - threadIdx.x];
    }
    y[threadIdx.x] = sum;
}

__global__ void missing_syncwarp(const float* x, float* y) {
    __shared__ float s[32];
    s[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = s[threadIdx.x ^ 1];  // here
}

__global__ void with_syncwarp(const float* x, float* y) {
    __shared__ float s[32];
    s[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    y[threadIdx.x] = s[threadIdx.x ^ 1];
}

__global__ void uninitialized_global(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x] + 1.0f;  // here
}

__global__ void uninitialized_shared(float* y, int n) {
    __shared__ float s[64];
    if (threadIdx.x < n) {
        s[threadIdx.x] = 1.0f;
    }
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x];  // here
}

__global__ void shuffle_from_idle_lane(float* y, int n) {
    float v = threadIdx.x;
    if (threadIdx.x < n) {
        v += __shfl_down_sync(0x0000ffff, v, 16);  // here
    }
    y[threadIdx.x] = v;
}

__global__ void shuffle_mask_too_wide(float* y, int n) {
    float v = threadIdx.x;
    if (threadIdx.x < n) {
        v += __shfl_xor_sync(0xffffffff, v, 1);  // here
    }
    y[threadIdx.x] = v;
}

__global__ void misaligned_vector(const float* x, float4* y) {
    y[threadIdx.x] = *reinterpret_cast<const float4*>(x + 4 * threadIdx.x + 1);  // here
}

__global__ void writes_one(float* y) {
    y[threadIdx.x] = 1.0f;  // here
}

__global__ void endless(volatile float* y) {
    while (y[0] == 0.0f) {  // here
    }
}

__global__ void divergent_barrier(float* y) {
    if (threadIdx.x < 40) {
        __syncthreads();  // here
        y[threadIdx.x] = 1.0f;
    } else {
        y[threadIdx.x] = 2.0f;
    }
}

__global__ void barrier_after_return(float* y, int n) {
    if (threadIdx.x >= n) {
        return;
    }
    y[threadIdx.x] = 1.0f;
    __syncthreads();  // here
    y[threadIdx.x] = y[threadIdx.x ^ 1];
}

__global__ void shared_out_of_bounds(float* y, int n) {
    extern __shared__ float s[];
    s[threadIdx.x + n] = 1.0f;  // here
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x + n];
}

__global__ void local_out_of_bounds(float* y, int n) {
    float a[8];
    for (int i = 0; i < 8; i++) {
        a[i] = y[i];
    }
    for (int i = 0; i < n; i++) {
        a[i] = a[(i * 3) & 7] + 1.0f;  // here
    }
    y[threadIdx.x] = a[n & 7];
}

__global__ void traps(float* y, int n) {
    if (threadIdx.x == n) {
        __trap();  // here
    }
    y[threadIdx.x] = 1.0f;
}

__constant__ float table[4] = {1, 2, 3, 4};

__global__ void constant_past_end(float* y, int n) {
    y[threadIdx.x] = table[threadIdx.x + n];  // here
}

__global__ void __launch_bounds__(64) small_blocks(float* y) {
    y[threadIdx.x] = 1.0f;
}

__global__ void blocks_write_the_same(float* y) {
    y[threadIdx.x] = blockIdx.x;  // here
}

__global__ void blocks_write_the_same_value(float* y) {
    y[threadIdx.x] = 1.0f;
}

__global__ void blocks_read_the_same(const float* x, float* y) {
    y[blockIdx.x * 32 + threadIdx.x] = x[threadIdx.x];
}

__global__ void block_reads_anothers(float* y) {
    y[blockIdx.x * 32 + threadIdx.x] = 1.0f;
    if (blockIdx.x > 0) {
        y[64 + threadIdx.x] = y[threadIdx.x];  // here
    }
}

__global__ void last_block_collects(float* y, unsigned* done) {
    if (threadIdx.x == 0) {
        y[blockIdx.x] = blockIdx.x;
        __threadfence();
        if (atomicAdd(done, 1) == gridDim.x - 1) {
            float sum = 0;
            for (unsigned i = 0; i < gridDim.x; i++) {
                sum += y[i];
            }
            y[0] = sum;
        }
    }
}

__global__ void lanes_write_the_same(float* y) {
    __shared__ float s[1];
    s[0] = threadIdx.x;  // here
    __syncthreads();
    y[threadIdx.x] = s[0];
}

}
