// instructions.cu: what nvcc makes of ordinary code, for InstructionTest. Every kernel writes what it computed; the test computes the same in Java.
extern "C" {

__device__ __noinline__ float helper(float a, int b) {
    return b > 3 ? a * sqrtf(a) : a + b;
}

__global__ void calls(const float* x, const int* k, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] = helper(x[i], k[i]) + helper(1.0f + x[i], k[i] - 1);
    }
}

__global__ void nested(const int* x, int* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) {
        return;
    }
    int v = x[i];
    int r = 0;
    if (v & 1) {
        if (v & 2) {
            r = v * 3;
        } else {
            for (int k = 0; k < (v & 15); k++) {
                r += k * v;
                if (r > 1000) {
                    break;
                }
            }
        }
    } else {
        int k = v & 255;
        while (k > 0) {
            k = k & 1 ? k - 1 : k >> 1;
            if (k == 8) {
                continue;
            }
            r++;
        }
    }
    y[i] = r;
}

__global__ void choose(const int* x, int* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) {
        return;
    }
    switch (x[i] & 7) {
        case 0: y[i] = x[i] + 1; break;
        case 1: y[i] = x[i] * 7; break;
        case 2: y[i] = x[i] >> 2;
        case 3: y[i] = x[i] ^ 5; break;
        case 4: return;
        case 5: y[i] = __popc(x[i]); break;
        case 6: y[i] = __clz(x[i]); break;
        default: y[i] = -x[i];
    }
}

__global__ void block_sum(const float* x, float* y, int n) {
    __shared__ float partial[8];
    float v = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        v += x[i];
    }
    for (int o = 16; o > 0; o >>= 1) {
        v += __shfl_xor_sync(0xffffffff, v, o);
    }
    if ((threadIdx.x & 31) == 0) {
        partial[threadIdx.x >> 5] = v;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        float sum = 0;
        for (int k = 0; k < blockDim.x / 32; k++) {
            sum += partial[k];
        }
        y[0] = sum;
    }
}

__global__ void atomics(int* counters, float* sum, const int* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        atomicAdd(&counters[0], x[i]);
        atomicMax(&counters[1], x[i]);
        atomicMin(&counters[2], x[i]);
        atomicOr(&counters[3], x[i]);
        atomicAnd(&counters[4], x[i]);
        atomicXor(&counters[5], x[i]);
        atomicInc(reinterpret_cast<unsigned*>(&counters[6]), 9);
        if (i == 3) {
            atomicExch(&counters[7], x[i]);
            atomicCAS(&counters[8], 5, x[i]);
        }
        atomicAdd(reinterpret_cast<unsigned long long*>(&counters[10]), (unsigned long long) x[i]);
        atomicAdd(sum, 0.25f * (x[i] & 3));
    }
}

__global__ void votes(const int* x, int* y) {
    int v = x[threadIdx.x];
    int r = __ballot_sync(0xffffffff, v > 0);
    r ^= __any_sync(0xffffffff, v == 7) ? 0x100 : 0;
    r ^= __all_sync(0xffffffff, v > -1000) ? 0x200 : 0;
    r += __shfl_sync(0xffffffff, v, v & 31) + __shfl_up_sync(0xffffffff, v, 3) + __shfl_down_sync(0xffffffff, v, 5, 16);
    r += __syncthreads_count(v > 0) + __syncthreads_or(v == 7) + __syncthreads_and(v > -1000);
    r += __match_any_sync(0xffffffff, v & 3);
    y[threadIdx.x] = r;
}

struct Shape {
    int extent[4];
    long long stride[4];
    float scale;
};

__global__ void strided(const float* x, float* y, Shape s, unsigned char flag, short add) {
    long long i = (long long) blockIdx.x * blockDim.x + threadIdx.x;
    long long at = 0;
    long long rest = i;
    for (int k = 3; k >= 0; k--) {
        at += rest % s.extent[k] * s.stride[k];
        rest /= s.extent[k];
    }
    if (rest == 0) {
        y[i] = x[at] * s.scale + add + flag;
    }
}

__global__ void bytes(const unsigned char* x, const signed char* z, short* y, unsigned char* w, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] = (short) (x[i] * z[i] - (x[i] >> 3));
        w[i] = (unsigned char) min(max(z[i] * 2, 0), 200);
    }
}

__global__ void doubles(const double* x, double* y, long long* z, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] = sqrt(fabs(x[i])) * 3.0 + x[i] / 7.0;
        z[i] = (long long) x[i] * 1000003LL % 977 + __double2ll_rn(x[i]);
    }
}

// For CountersTest.

__global__ void copy4(const float4* x, float4* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] = x[i];
    }
}

__global__ void gather(const float* x, float* y, int stride) {
    y[threadIdx.x] = x[threadIdx.x * stride];
}

__global__ void banks(float* y, int stride) {
    __shared__ float s[1024];
    s[threadIdx.x * stride] = threadIdx.x;
    __syncwarp();
    y[threadIdx.x] = s[threadIdx.x * stride] + s[0];
}

__global__ void banks4(float4* y) {
    __shared__ float4 s[64];
    s[threadIdx.x] = make_float4(1, 2, 3, 4);
    __syncwarp();
    y[threadIdx.x] = s[threadIdx.x ^ 1];
}

__global__ void parts(float* y, int n) {
    float v = 0;
    if ((threadIdx.x & 1) == 0) {
        for (int i = 0; i < n; i++) {
            v = v * v + 1.0f;
        }
    }
    y[threadIdx.x] = v;
}

}
