// How kernels walk over (rows, C) tensors with something per channel. A block of (tx, ty) threads has a tile of tx * W neighbouring channels and a run of rows; a thread keeps its W channels and
// takes every ty-th row, so that what belongs to a channel stays in registers, and neighbouring threads touch neighbouring packs. tx * ty <= CHANNEL_THREADS and tx <= 32.
// W is the pack of T (16 bytes), or 1 where C is not a multiple of it.
#pragma once
#include "common.cuh"

const int CHANNEL_THREADS = 256;

template <typename T, int W> struct Lanes {
    float v[W];

    static DEVICE Lanes load(const T *p) {
        Pack<T> q = Pack<T>::load(p);
        Lanes a;
#pragma unroll
        for (int i = 0; i < W; i++) a.v[i] = q.v[i];
        return a;
    }
    DEVICE void store(T *p) const {
        Pack<T> q;
#pragma unroll
        for (int i = 0; i < W; i++) q.v[i] = v[i];
        q.store(p);
    }
};

template <typename T> struct Lanes<T, 1> {
    float v[1];

    static DEVICE Lanes load(const T *p) {
        Lanes a;
        a.v[0] = toFloat(*p);
        return a;
    }
    DEVICE void store(T *p) const { *p = fromFloat<T>(v[0]); }
};

// One float per channel of a tile in shared memory: written or read by channel (thread t has channel t of the tile) and by pack (a thread has its W channels). With W = 8 the two halves of the
// packs lie apart, half a row of banks out of step, so that both ways are free of conflicts.
template <int W> struct TileFloats {
    static const int SIZE = W == 8 ? 2 * (32 * 4) + 32 : 32 * W;

    static DEVICE int halves() { return (int)blockDim.x * 4 + ((16 - (int)blockDim.x * 4) & 31); }
    static DEVICE int at(int t) { return W == 8 ? (t >> 2 & 1) * halves() + (t >> 3) * 4 + (t & 3) : t; }

    static DEVICE void put(float *s, const float *v) {
        if (W == 1) {
            s[threadIdx.x] = v[0];
        } else {
#pragma unroll
            for (int h = 0; h < W / 4; h++) *reinterpret_cast<float4 *>(s + h * halves() + threadIdx.x * 4) = make_float4(v[4 * h], v[4 * h + 1], v[4 * h + 2], v[4 * h + 3]);
        }
    }
    static DEVICE void get(const float *s, float *v) {
        if (W == 1) {
            v[0] = s[threadIdx.x];
        } else {
#pragma unroll
            for (int h = 0; h < W / 4; h++) {
                float4 q = *reinterpret_cast<const float4 *>(s + h * halves() + threadIdx.x * 4);
                v[4 * h] = q.x; v[4 * h + 1] = q.y; v[4 * h + 2] = q.z; v[4 * h + 3] = q.w;
            }
        }
    }
};

// Where a thread works.
template <int W> struct ChannelWalk {
    int channel; // first of the thread's W
    int row;     // first of its rows
    int end;     // of the block's rows
    bool active; // whether its channels exist

    DEVICE ChannelWalk(int rows, int c, int perBlock) {
        channel = (blockIdx.y * blockDim.x + threadIdx.x) * W;
        active = channel < c;
        row = blockIdx.x * perBlock + threadIdx.y;
        end = min((int)blockIdx.x * perBlock + perBlock, rows);
    }
    // Whether the thread has the j-th row from one of its rows on, and where that row's lanes are; if it has not, where the row's own are.
    DEVICE bool has(int r, int j) const { return r + j * (int)blockDim.y < end; }
    DEVICE i64 at(int r, int j, int c) const { return (i64)(has(r, j) ? r + j * (int)blockDim.y : r) * c + channel; }
    static DEVICE int slot() { return threadIdx.y * blockDim.x + threadIdx.x; }
    // First channel of the block's tile, and how many there are; thread t of the block serves channel t of them.
    static DEVICE int tile() { return blockIdx.y * blockDim.x * W; }
    static DEVICE int tileSize(int c) { return min((int)blockDim.x * W, c - tile()); }
    static DEVICE int threads() { return blockDim.x * blockDim.y; }
};

// Rows that a thread loads before it uses any: memory is far away, and a store that might alias the next load would keep the compiler from loading ahead.
__host__ __device__ constexpr int rowsAtOnce(int w) { return w == 1 ? 1 : 2; }

// y = body(x, residual) for a thread's rows; the residual, which may be null, is x then. y may be x or the residual.
template <typename T, int W, typename Body> DEVICE void forRows(const T *x, const T *residual, T *y, const ChannelWalk<W> &walk, int c, Body body) {
    const int N = rowsAtOnce(W);
#pragma unroll 1
    for (int row = walk.row; row < walk.end; row += N * blockDim.y) {
        Lanes<T, W> a[N], r[N];
#pragma unroll
        for (int j = 0; j < N; j++) {
            i64 from = walk.at(row, j, c);
            a[j] = r[j] = Lanes<T, W>::load(x + from);
            if (residual) r[j] = Lanes<T, W>::load(residual + from);
        }
#pragma unroll
        for (int j = 0; j < N; j++) {
            body(a[j], r[j]);
            if (walk.has(row, j)) a[j].store(y + walk.at(row, j, c));
        }
    }
}

// Adds up K floats per channel over the threads of a block that share the channel, in the order of a fixed tree; threads with threadIdx.y == 0 have the sums. All threads must call.
// Each slot of the scratch memory (K * W * CHANNEL_THREADS floats) is written once, so one barrier per level is enough.
template <int W, int K> DEVICE void sumOverRows(float (*sums)[W], float *scratch) {
    int slot = ChannelWalk<W>::slot();
    for (int live = blockDim.y; live > 1;) {
        int half = (live + 1) / 2;
        if ((int)threadIdx.y >= half && (int)threadIdx.y < live) {
#pragma unroll
            for (int i = 0; i < K * W; i++) scratch[i * CHANNEL_THREADS + slot] = sums[i / W][i % W];
        }
        __syncthreads();
        if ((int)threadIdx.y + half < live) {
#pragma unroll
            for (int i = 0; i < K * W; i++) sums[i / W][i % W] += scratch[i * CHANNEL_THREADS + slot + half * blockDim.x];
        }
        live = half;
    }
}

// Writes a block's K results per channel, held by the threads with threadIdx.y == 0, to (K, C) floats, neighbours next to each other. All threads must call; the scratch memory holds
// K * TileFloats<W>::SIZE floats and may be that of the sums.
template <int W, int K> DEVICE void storeTile(const float (*results)[W], float *to, int c, float *scratch) {
    typedef TileFloats<W> Tile;
    __syncthreads();
    if (threadIdx.y == 0) {
#pragma unroll
        for (int i = 0; i < K; i++) Tile::put(scratch + i * Tile::SIZE, results[i]);
    }
    __syncthreads();
    for (int t = ChannelWalk<W>::slot(); t < ChannelWalk<W>::tileSize(c); t += ChannelWalk<W>::threads()) {
#pragma unroll
        for (int i = 0; i < K; i++) to[i * c + ChannelWalk<W>::tile() + t] = scratch[i * Tile::SIZE + Tile::at(t)];
    }
}

// Takes a float per channel of the block's tile from value(channel) to shared memory, TileFloats<W>::SIZE of them; put a barrier before they are read. All threads must call.
template <int W, typename Value> DEVICE void fillTile(float *shared, int c, Value value) {
    for (int t = ChannelWalk<W>::slot(); t < ChannelWalk<W>::tileSize(c); t += ChannelWalk<W>::threads()) shared[TileFloats<W>::at(t)] = value(ChannelWalk<W>::tile() + t);
}

// Instantiates a kernel NAME_T for packs and NAME1_T for single elements by M(name, suffix, type, width).
#define FOR_WIDTHS(M, NAME) M(NAME, f32, f32, 4) M(NAME##1, f32, f32, 1) M(NAME, f16, f16, 8) M(NAME##1, f16, f16, 1) M(NAME, bf16, bf16, 8) M(NAME##1, bf16, bf16, 1)
