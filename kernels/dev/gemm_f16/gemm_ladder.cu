// Product of f16 matrices on tensor cores of sm_80: c = a b, with a (m, k), b (k, n) and c (m, n) in rows without gaps; n and k multiples of 8, so that every row begins at 16 bytes; m, n, k > 0.
// Multiplied exactly, summed in f32 in order of k, rounded once. README.md says what each version costs. 128 threads; grid ceil(m / 128) * ceil(n / 128); 48 KiB of shared memory.
//
// A block makes 128 x 128 results, each of its four warps 64 x 64. Tiles of 128 x 32 of a and 32 x 128 of b come through three stages of shared memory: while one is multiplied, two are on their way.
// A chunk is 16 bytes, what a lane copies and what a row of an 8 x 8 matrix is.
#include "common.cuh"

const int SIDE = 128;            // of a block's results
const int DEPTH = 32;            // of a tile
const int STAGES = 3;
const int WARP = 64;             // side of a warp's results
const int TILE = SIDE * DEPTH * 2; // bytes of a tile of a, or of b

// Where chunk c of row r lies. Rows of a have 4 chunks and rows of b 16: without the exclusive or, the eight rows of an 8 x 8 matrix would share two and one of the eight groups of four banks.
template <bool SWIZZLED> DEVICE int placeA(int r, int c) { return r * 64 + (SWIZZLED ? c ^ ((r >> 1) & 3) : c) * 16; }
template <bool SWIZZLED> DEVICE int placeB(int r, int c) { return r * 256 + (SWIZZLED ? c ^ (r & 7) : c) * 16; }

// A chunk on its way to shared memory; zeros if there is none.
DEVICE void copy(u32 to, const f16 *from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(__cvta_generic_to_global(from)), "r"(there ? 16 : 0) : "memory");
}

DEVICE void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int LEFT> DEVICE void await() { asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory"); }

// Four 8 x 8 matrices, of which lane 8 i + j gives row j of the i-th.
DEVICE void load(u32 (&d)[4], u32 from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(from) : "memory");
}

DEVICE void loadTransposed(u32 (&d)[4], u32 from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(from) : "memory");
}

DEVICE void multiply(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Starts the copies of both tiles from depth k0 on: neighbouring lanes take neighbouring chunks of a row.
template <bool SWIZZLED> DEVICE void fetch(u32 stage, const f16 *a, const f16 *b, int row, int column, int k0, int m, int n, int k) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int at = i * 128 + threadIdx.x, r = at / 4, c = at % 4;
        bool there = row + r < m && k0 + 8 * c < k;
        copy(stage + placeA<SWIZZLED>(r, c), there ? a + (i64)(row + r) * k + k0 + 8 * c : a, there);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int at = i * 128 + threadIdx.x, r = at / 16, c = at % 16;
        bool there = k0 + r < k && column + 8 * c < n;
        copy(stage + TILE + placeB<SWIZZLED>(r, c), there ? b + (i64)(k0 + r) * n + column + 8 * c : b, there);
    }
}

// Multiplies a warp's parts of two tiles.
template <bool SWIZZLED> DEVICE void multiply(float (&sums)[4][8][4], u32 stage, int row, int column, int lane) {
#pragma unroll
    for (int step = 0; step < DEPTH / 16; step++) {
        u32 a[4][4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            load(a[i], stage + placeA<SWIZZLED>(row + 16 * i + lane % 16, 2 * step + lane / 16));
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
            u32 b[4];
            loadTransposed(b, stage + TILE + placeB<SWIZZLED>(16 * step + lane % 16, column / 8 + 2 * j + lane / 16));
#pragma unroll
            for (int i = 0; i < 4; i++) {
                multiply(sums[i][2 * j], a[i], b[0], b[1]);
                multiply(sums[i][2 * j + 1], a[i], b[2], b[3]);
            }
        }
    }
}

// Rounds and stores, through the warp's own 8 KiB of shared memory, so that eight lanes write 128 bytes of a row; a lane's own pairs are a piece of 4 bytes each.
DEVICE void store(const float (&sums)[4][8][4], unsigned char *mine, f16 *c, int row, int column, int m, int n, int lane) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int r = 8 * i + lane / 4;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            *reinterpret_cast<u32 *>(mine + r * 128 + (j ^ (r & 7)) * 16 + lane % 4 * 4) = wordOfTwo(sums[i / 2][j][i % 2 * 2], sums[i / 2][j][i % 2 * 2 + 1], f16());
        }
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 16; i++) {
        int r = 4 * i + lane / 8, j = lane % 8;
        if (row + r < m && column + 8 * j < n) {
            uint4 v = *reinterpret_cast<const uint4 *>(mine + r * 128 + (j ^ (r & 7)) * 16);
            store16(c + (i64)(row + r) * n + column + 8 * j, v.x, v.y, v.z, v.w);
        }
    }
}

template <bool SWIZZLED> DEVICE void product(const f16 *a, const f16 *b, f16 *c, int m, int n, int k) {
    __shared__ __align__(128) unsigned char shared[STAGES * 2 * TILE];
    u32 base = (u32)__cvta_generic_to_shared(shared);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int across = (n + SIDE - 1) / SIDE;
    int row = blockIdx.x / across * SIDE, column = blockIdx.x % across * SIDE;
    int wr = warp / 2 * WARP, wc = warp % 2 * WARP;
    float sums[4][8][4] = {};
    int tiles = (k + DEPTH - 1) / DEPTH;
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) {
        if (s < tiles) {
            fetch<SWIZZLED>(base + s * 2 * TILE, a, b, row, column, s * DEPTH, m, n, k);
        }
        commit();
    }
    u32 use = base, fill = base + (STAGES - 1) * 2 * TILE, end = base + STAGES * 2 * TILE;
#pragma unroll 1
    for (int t = 0; t < tiles; t++) {
        await<STAGES - 2>(); // this tile has come: a group per tile, empty ones at the end
        __syncthreads();     // for all threads, and nobody reads the stage that is filled next
        if (t + STAGES - 1 < tiles) {
            fetch<SWIZZLED>(fill, a, b, row, column, (t + STAGES - 1) * DEPTH, m, n, k);
        }
        commit();
        multiply<SWIZZLED>(sums, use, wr, wc, lane);
        use = use + 2 * TILE == end ? base : use + 2 * TILE;
        fill = fill + 2 * TILE == end ? base : fill + 2 * TILE;
    }
    __syncthreads(); // others may still multiply what is overwritten
    store(sums, shared + warp * WARP * WARP * 2, c, row + wr, column + wc, m, n, lane);
}

// v1: rows of tiles one after the other.
KERNEL(128) gemm_plain_f16(const f16 *a, const f16 *b, f16 *c, int m, int n, int k) { product<false>(a, b, c, m, n, k); }

// v2: chunks swizzled.
KERNEL(128) gemm_swizzled_f16(const f16 *a, const f16 *b, f16 *c, int m, int n, int k) { product<true>(a, b, c, m, n, k); }
