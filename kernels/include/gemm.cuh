// The tile that the matrix product and the three convolution passes share: 64 rows by 64 columns of a product, 128 threads, 8x4 results each, summed in order of depth in f32 on the CUDA
// cores. What the passes differ in is where an operand's elements come from: an operand is a struct with
//
//   bool alongDepth()             whether four elements that lie together in memory are neighbours in depth, else among the tile's rows (or columns, for the right operand)
//   Quad<T> fetch(int i, int k0)  this thread's quad i (0 or 1) of the 64 x 16 slice at depth k0, zeros outside; which elements those are is outer(i), inner(i) below
//
// Slices lie in shared memory as [depth][64] floats, twice: the next one is fetched while one is multiplied. Column o of depth k lies at o ^ 8 * (k / 4 % 4), which frees the scattered
// stores of depth-major operands of bank conflicts and keeps four neighbours together, so that every read is a conflict-free 16-byte one.
#pragma once
#include "quad.cuh"

const int TILE = 64;
const int SLICE = 16;
const int TILE_THREADS = 128;

// n / d for 0 <= n < 2^31 by a multiplication; made on the host (Divisor.java).
struct Divisor { u32 d, multiplier, shift; };
DEVICE int operator/(int n, const Divisor &d) { return (int)((__umulhi((u32)n, d.multiplier) + (u32)n) >> d.shift); }

// Where this thread's quad i of a slice begins: among the tile's 64 rows or columns, and in the slice's depth.
DEVICE int outer(bool alongDepth, int i) { return alongDepth ? (int)threadIdx.x / 4 + 32 * i : (int)threadIdx.x % 16 * 4; }
DEVICE int inner(bool alongDepth, int i) { return alongDepth ? (int)threadIdx.x % 4 * 4 : (int)threadIdx.x / 16 + 8 * i; }

// An operand that lies in memory as a matrix: rows of `pitch` elements, `outers` of them by `depth` or the other way round.
template <typename T> struct Matrix {
    const T *at;
    i64 pitch;
    int first;   // of the tile, among the outers
    int outers;
    int depth;   // where the part that is summed ends
    bool along;
    bool whole;  // quads may be loaded as such: they are aligned and never straddle an edge

    DEVICE bool alongDepth() const { return along; }

    DEVICE Quad<T> fetch(int i, int k0) const {
        int o = first + outer(along, i);
        int k = k0 + inner(along, i);
        Quad<T> q = Quad<T>::zero();
        if (o >= outers || k >= depth) {
            return q;
        }
        const T *p = at + (along ? o * pitch + k : k * pitch + o);
        if (whole) {
            return Quad<T>::load(p);
        }
        int left = along ? depth - k : outers - o;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            if (j < left) q.v[j] = p[j];
        }
        return q;
    }
};

template <typename T> DEVICE void stash(float *slice, bool alongDepth, int i, const Quad<T> &q) {
    int o = outer(alongDepth, i);
    int k = inner(alongDepth, i);
    float *p = slice + k * TILE + (o ^ (k / 4 % 4 * 8));
    if (alongDepth) {
#pragma unroll
        for (int j = 0; j < 4; j++) p[j * TILE] = toFloat(q.v[j]);
    } else {
        *reinterpret_cast<float4 *>(p) = make_float4(toFloat(q.v[0]), toFloat(q.v[1]), toFloat(q.v[2]), toFloat(q.v[3]));
    }
}

// First of the thread's four columns in the tile, and its row j of eight. A warp has 32 x 32 results, so that its reads of a slice are two times 64 and once 128 bytes.
DEVICE int tileColumn() { return (int)threadIdx.x / 64 * 32 + (int)threadIdx.x % 8 * 4; }
DEVICE int tileRow(int j) { return (int)threadIdx.x / 32 % 2 * 32 + j / 4 * 16 + (int)threadIdx.x % 32 / 8 * 4 + j % 4; }

DEVICE void multiplySlice(const float *a, const float *b, float (&sum)[8][4]) {
    int row = tileRow(0);
    int column = tileColumn();
#pragma unroll 1
    for (int k4 = 0; k4 < SLICE / 4; k4++) {
        const float *ak = a + (row ^ k4 * 8);
        const float *bk = b + (column ^ k4 * 8);
        const float *ah = a + (row + 16 ^ k4 * 8);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            float4 lo = *reinterpret_cast<const float4 *>(ak + k * TILE);
            float4 hi = *reinterpret_cast<const float4 *>(ah + k * TILE);
            float4 r = *reinterpret_cast<const float4 *>(bk + k * TILE);
            float x[8] = {lo.x, lo.y, lo.z, lo.w, hi.x, hi.y, hi.z, hi.w};
            float y[4] = {r.x, r.y, r.z, r.w};
#pragma unroll
            for (int i = 0; i < 8; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += x[i] * y[j];
            }
        }
        a += 4 * TILE;
        b += 4 * TILE;
    }
}

// The tile's sums over depths from..to - 1, as 64 rows of 16 quads in shared memory. All threads of the block must call, with the same range.
template <typename T, class A, class B> DEVICE const float4 *multiply(const A &a, const B &b, int from, int to) {
    __shared__ float4 shared[TILE * TILE / 4];
    float(*slices)[2][SLICE * TILE] = reinterpret_cast<float(*)[2][SLICE * TILE]>(shared);
    float sum[8][4] = {};
    Quad<T> qa[2], qb[2];
    int turn = 0;
    // One round more than there are slices: each fetches a slice and multiplies the one before.
#pragma unroll 1
    for (int k = from; from < to; k += SLICE) {
        bool more = k < to;
        if (more) {
#pragma unroll
            for (int i = 0; i < 2; i++) {
                qa[i] = a.fetch(i, k);
                qb[i] = b.fetch(i, k);
            }
        }
        if (k > from) multiplySlice(slices[turn ^ 1][0], slices[turn ^ 1][1], sum);
        if (!more) break;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            stash(slices[turn][0], a.alongDepth(), i, qa[i]);
            stash(slices[turn][1], b.alongDepth(), i, qb[i]);
        }
        __syncthreads();
        turn ^= 1;
    }
    __syncthreads();
#pragma unroll
    for (int j = 0; j < 8; j++) shared[tileRow(j) * (TILE / 4) + tileColumn() / 4] = make_float4(sum[j][0], sum[j][1], sum[j][2], sum[j][3]);
    __syncthreads();
    return shared;
}

// Which of the tile's results this thread stores: columns storeColumn() .. + 3 of rows storeRow(0..7), so that 16 threads have a row.
DEVICE int storeColumn() { return (int)threadIdx.x % 16 * 4; }
DEVICE int storeRow(int i) { return (int)threadIdx.x / 16 + 8 * i; }

// Four neighbours in row r of the tile that multiply() returned.
DEVICE float4 tileQuad(const float4 *tile, int r) { return tile[r * (TILE / 4) + storeColumn() / 4]; }
