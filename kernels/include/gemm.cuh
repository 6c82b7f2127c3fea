// The tile that the matrix product and the three convolution passes share: ROWS by 4096 / ROWS results of a product (64 x 64; 128 x 32 for few columns, 32 x 128 for few rows), 128 threads,
// 8x4 results each, summed in order of depth in f32 on the CUDA cores. What the passes differ in is where an operand's elements come from: an operand with SIDE rows (columns, for the right
// one) in the tile is a struct with
//
//   SIDE                          as a constant
//   bool alongDepth()             whether four elements that lie together in memory are neighbours in depth, else among the tile's rows (or columns)
//   Quad<T> fetch(int i, int k0)  this thread's quad i < SIDE / 32 of the SIDE x 16 slice at depth k0, zeros outside; which elements those are is outer(i), inner(i) below
//
// Slices lie in shared memory as [depth][SIDE] floats, twice: the next one is fetched while one is multiplied. Column o of depth k lies at o ^ 8 * (k / 4 % 4), which frees the scattered
// stores of depth-major operands of bank conflicts and keeps four neighbours together, so that every read is a conflict-free 16-byte one.
#pragma once
#include "divisor.cuh"
#include "quad.cuh"

const int SLICE = 16;
const int TILE_THREADS = 128;
const int TILE_RESULTS = 4096;

// Where this thread's quad i of a slice begins: among the operand's rows or columns of the tile, and in the slice's depth.
template <int SIDE> DEVICE int outer(bool alongDepth, int i) { return alongDepth ? (int)threadIdx.x / 4 + 32 * i : (int)threadIdx.x % (SIDE / 4) * 4; }
template <int SIDE> DEVICE int inner(bool alongDepth, int i) { return alongDepth ? (int)threadIdx.x % 4 * 4 : (int)threadIdx.x / (SIDE / 4) + 4 * TILE_THREADS / SIDE * i; }

// An operand that lies in memory as a matrix: rows of `pitch` elements, `outers` of them by `depth` or the other way round.
template <typename T, int N> struct Matrix {
    static const int SIDE = N;
    const T *at;
    i64 pitch;
    int first;   // of the tile, among the outers
    int outers;
    int depth;   // where the part that is summed ends
    bool along;
    bool whole;  // quads may be loaded as such: they are aligned and never straddle an edge

    DEVICE bool alongDepth() const { return along; }

    DEVICE Quad<T> fetch(int i, int k0) const {
        int o = first + outer<SIDE>(along, i);
        int k = k0 + inner<SIDE>(along, i);
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

template <typename T, int SIDE> DEVICE void stash(float4 *slice, bool alongDepth, int i, const Quad<T> &q) {
    int o = outer<SIDE>(alongDepth, i);
    int k = inner<SIDE>(alongDepth, i);
    int at = k * SIDE + (o ^ (k / 4 % 4 * 8));
    if (alongDepth) {
        float *p = reinterpret_cast<float *>(slice) + at;
#pragma unroll
        for (int j = 0; j < 4; j++) p[j * SIDE] = toFloat(q.v[j]);
    } else {
        slice[at / 4] = make_float4(toFloat(q.v[0]), toFloat(q.v[1]), toFloat(q.v[2]), toFloat(q.v[3]));
    }
}

// The tile's slices of both operands, and then its results.
template <int R> struct Tile {
    static const int ROWS = R;
    static const int COLUMNS = TILE_RESULTS / R;
    static const int FLOATS = 2 * SLICE * (ROWS + COLUMNS);  // never fewer than the results

    // First of the thread's four columns in the tile, and its row j of eight. A warp has 32 x 32 results, so that its reads of a slice are two times 64 and once 128 bytes.
    static DEVICE int column() { return (int)threadIdx.x / ROWS * 32 + (int)threadIdx.x % 8 * 4; }
    static DEVICE int row(int j) { return (int)threadIdx.x / 32 % (ROWS / 32) * 32 + j / 4 * 16 + (int)threadIdx.x % 32 / 8 * 4 + j % 4; }

    // Which results this thread stores: columns storeColumn() .. + 3 of rows storeRow(0..7), so that neighbouring threads have a row.
    static DEVICE int storeColumn() { return (int)threadIdx.x % (COLUMNS / 4) * 4; }
    static DEVICE int storeRow(int i) { return (int)threadIdx.x / (COLUMNS / 4) + 4 * TILE_THREADS / COLUMNS * i; }

    // Four neighbours of what multiply() returned.
    static DEVICE float4 quad(const float4 *results, int i) { return results[storeRow(i) * (COLUMNS / 4) + storeColumn() / 4]; }
};

template <class TILE> DEVICE void multiplySlice(const float4 *sliceA, const float4 *sliceB, float (&sum)[8][4]) {
    const float *a = reinterpret_cast<const float *>(sliceA);
    const float *b = reinterpret_cast<const float *>(sliceB);
    int row = TILE::row(0);
    int column = TILE::column();
#pragma unroll 1
    for (int k4 = 0; k4 < SLICE / 4; k4++) {
        const float *ak = a + (row ^ k4 * 8);
        const float *bk = b + (column ^ k4 * 8);
        const float *ah = a + (row + 16 ^ k4 * 8);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            float4 lo = *reinterpret_cast<const float4 *>(ak + k * TILE::ROWS);
            float4 hi = *reinterpret_cast<const float4 *>(ah + k * TILE::ROWS);
            float4 r = *reinterpret_cast<const float4 *>(bk + k * TILE::COLUMNS);
            float x[8] = {lo.x, lo.y, lo.z, lo.w, hi.x, hi.y, hi.z, hi.w};
            float y[4] = {r.x, r.y, r.z, r.w};
#pragma unroll
            for (int i = 0; i < 8; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += x[i] * y[j];
            }
        }
        a += 4 * TILE::ROWS;
        b += 4 * TILE::COLUMNS;
    }
}

// The tile's sums over depths from..to - 1, as ROWS rows of COLUMNS / 4 quads in shared memory. All threads of the block must call, with the same range.
template <typename T, class TILE, class A, class B> DEVICE const float4 *multiply(const A &a, const B &b, int from, int to) {
    static_assert(A::SIDE == TILE::ROWS && B::SIDE == TILE::COLUMNS, "operands of another tile");
    __shared__ float4 shared[TILE::FLOATS / 4];
    const int sizeA = SLICE * TILE::ROWS / 4;
    const int sizeB = SLICE * TILE::COLUMNS / 4;
    float4 *slicesA = shared;
    float4 *slicesB = shared + 2 * sizeA;
    float sum[8][4] = {};
    Quad<T> qa[A::SIDE / 32], qb[B::SIDE / 32];
    int turn = 0;
    // One round more than there are slices: each fetches a slice and multiplies the one before.
#pragma unroll 1
    for (int k = from; from < to; k += SLICE) {
        bool more = k < to;
        if (more) {
#pragma unroll
            for (int i = 0; i < A::SIDE / 32; i++) qa[i] = a.fetch(i, k);
#pragma unroll
            for (int i = 0; i < B::SIDE / 32; i++) qb[i] = b.fetch(i, k);
        }
        if (k > from) multiplySlice<TILE>(slicesA + (turn ^ 1) * sizeA, slicesB + (turn ^ 1) * sizeB, sum);
        if (!more) break;
#pragma unroll
        for (int i = 0; i < A::SIDE / 32; i++) stash<T, A::SIDE>(slicesA + turn * sizeA, a.alongDepth(), i, qa[i]);
#pragma unroll
        for (int i = 0; i < B::SIDE / 32; i++) stash<T, B::SIDE>(slicesB + turn * sizeB, b.alongDepth(), i, qb[i]);
        __syncthreads();
        turn ^= 1;
    }
    __syncthreads();
#pragma unroll
    for (int j = 0; j < 8; j++) shared[TILE::row(j) * (TILE::COLUMNS / 4) + TILE::column() / 4] = make_float4(sum[j][0], sum[j][1], sum[j][2], sum[j][3]);
    __syncthreads();
    return shared;
}
