// Matrix products on sm_90a: tensor maps (TMA) bring boxes of both operands into a ring of shared memory, one thread asking for them; two warpgroups multiply what has come (wgmma). A block computes
// tiles of 128 x COLUMNS results, one after the other: while a tile's results are stored, the next one's boxes are on their way. T is f16 or bf16, sums are f32.
//
// Everything is the convolution of images (a product of matrices is one of images one pixel high, with one tap), in three passes:
//
//   FORWARD  y[pixel][k] = sum over taps, c of x[pixel of the tap][c] w[k][tap][c]     both operands run along the depth (K-major)
//   DATA     x[pixel][c] = sum over taps, k of y[pixel of the tap][k] w[k][tap][c]     the right operand runs along its columns (MN-major)
//   WEIGHT   w[k][tap][c] = sum over pixels of y[pixel][k] x[pixel of the tap][c]      both do
//
// The rows of a tile are the pixels of a box (w, h, n) of powers of two, so that a tap's left operand is one box of the image, shifted; what lies outside of the image comes as zeros. No pixel's
// address is computed by the kernel. In the last pass the boxes of 64 pixels are the depth. What such kernels look like: CUTLASS 3 (warp-specialised, cooperative), NVIDIA's Hopper tuning guide.
#pragma once
#include "epilogue.cuh"

const int ROWS = 128;              // of a tile, 64 for each of the two warpgroups that multiply
const int DEPTH = 64;              // of a slice, in elements: 128 bytes, the span of the swizzle
const int LINE = 128;              // bytes
const int SLAB = DEPTH * LINE;     // a box of 64 lines
const int CONSUMERS = 8;           // warps
const int OUTBOX = 16 * LINE;      // bytes in which a warp turns its results round
const int BAND = 8;                // tiles whose rows follow each other before the columns move on: blocks that run at the same time share what they read in L2

// As the driver encodes it.
struct alignas(64) TensorMap { char bytes[128]; };

enum Pass { FORWARD, DATA, WEIGHT };

// HopperProduct.java fills it.
struct Images {
    int columns;                   // of the result
    int rows;                      // WEIGHT: of the result, k
    int tilesN;                    // tiles along the columns
    int tilesM;                    // along the rows
    int boxesW, boxesH;            // of 128 pixels (WEIGHT: 64) along an image's width and height
    int logW, logH, logN;          // of a box's extents
    int slices;                    // FORWARD, DATA: of 64 along the channels; WEIGHT: boxes in all
    int r, s;                      // taps
    int strideH, strideW, top, left, dilationH, dilationW;
    int images, height, width;     // of the result, but for WEIGHT
    int groups;                    // DATA: residues of pixels modulo the strides; WEIGHT: taps; else 1
    int parts, perPart;            // of the depth, in iterations
    int items;                     // tiles of all groups and parts
};

// What a block does at a time.
template <int PASS> struct Item {
    int column, tile, group, part; // tile: along the rows
    int w, h, n;                   // the box's first pixel, as boxes are numbered
    int r0, s0, rCount, sCount;    // DATA: the first tap of the residue, and how many there are
    int from, to;                  // iterations

    DEVICE Item(const Images &p, int item, int columns) {
        int tiles = p.tilesM * p.tilesN;
        int t = item % tiles;
        group = item / tiles % p.groups;
        part = item / tiles / p.groups;
        int band = t / (BAND * p.tilesN);
        t -= band * BAND * p.tilesN;
        int rows = min(BAND, p.tilesM - band * BAND);
        tile = band * BAND + t % rows;
        column = t / rows * columns;
        int iterations = p.slices;
        if (PASS != WEIGHT) {
            w = tile % p.boxesW << p.logW;
            h = tile / p.boxesW % p.boxesH << p.logH;
            n = tile / p.boxesW / p.boxesH << p.logN;
            r0 = s0 = 0;
            rCount = p.r;
            sCount = p.s;
            if (PASS == DATA) {
                r0 = (residueH(p) + p.top) % p.strideH;
                s0 = (residueW(p) + p.left) % p.strideW;
                rCount = max(0, (p.r - r0 + p.strideH - 1) / p.strideH);
                sCount = max(0, (p.s - s0 + p.strideW - 1) / p.strideW);
            }
            iterations *= rCount * sCount;
        }
        from = min(iterations, part * p.perPart);
        to = min(iterations, from + p.perPart);
    }

    DEVICE int iterations() const { return to - from; }
    DEVICE int residueH(const Images &p) const { return group / p.strideW; }
    DEVICE int residueW(const Images &p) const { return group % p.strideW; }

    // Where a row of the tile begins in the result, in packs of 8 elements; -1 if there is no such row.
    DEVICE int place(const Images &p, int row) const {
        if (PASS == WEIGHT) {
            int k = tile * ROWS + row;
            return k < p.rows ? (k * p.r * p.s + group) * (p.columns >> 3) : -1;
        }
        int x = w + (row & (1 << p.logW) - 1);
        int y = h + (row >> p.logW & (1 << p.logH) - 1);
        int image = n + (row >> p.logW + p.logH);
        if (PASS == DATA) {
            x = x * p.strideW + residueW(p);
            y = y * p.strideH + residueH(p);
        }
        return x < p.width && y < p.height && image < p.images ? ((image * p.height + y) * p.width + x) * (p.columns >> 3) : -1;
    }
};

// Barriers in shared memory.
DEVICE void initialise(u32 bar, u32 arrivals) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(bar), "r"(arrivals) : "memory"); }
DEVICE void arrive(u32 bar) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(bar) : "memory"); }
DEVICE void expect(u32 bar, u32 bytes) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(bar), "r"(bytes) : "memory"); }
DEVICE void await(u32 bar, u32 parity) {
    u32 done;
    do {
        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }" : "=r"(done) : "r"(bar), "r"(parity) : "memory");
    } while (!done);
}

// A box of a tensor, from the element at the coordinates on.
DEVICE void box(u32 to, const TensorMap *map, u32 bar, int c, int tap, int k) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" ::"r"(to), "l"(map), "r"(c), "r"(tap), "r"(k), "r"(bar) : "memory");
}
DEVICE void box(u32 to, const TensorMap *map, u32 bar, int c, int w, int h, int n) {
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(to), "l"(map), "r"(c), "r"(w), "r"(h), "r"(n), "r"(bar) : "memory");
}

// Of a matrix in lines of 128 swizzled bytes, eight of which are 1024 bytes; spans of 64 columns, of a matrix that runs along them, are a slab apart.
DEVICE u64 descriptor(u32 at) { return (u64)(at >> 4) | (u64)(SLAB >> 4) << 16 | 64ull << 32 | 1ull << 62; }

DEVICE void fenceProducts() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void commitProducts() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int LEFT> DEVICE void awaitProducts() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory"); }

// d += a b for 64 rows, COLUMNS columns and 16 of the depth.
template <typename T, int COLUMNS, int ACROSS_A, int ACROSS_B> struct Wgmma;
#define OF_8(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define OF_32(i) OF_8(i), OF_8(i + 8), OF_8(i + 16), OF_8(i + 24)
#define SUMS_64 \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}"
#define SUMS_128 \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, " \
    "%62, %63}"
#define SUMS_256 \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, " \
    "%62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, " \
    "%92, %93, %94, %95, %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, %112, %113, %114, %115, %116, %117, " \
    "%118, %119, %120, %121, %122, %123, %124, %125, %126, %127}"
#define WGMMA(T, TYPE, COLUMNS, A, B, TA, TB, ...)                                                                                                                   \
    template <int ACROSS_A, int ACROSS_B> struct Wgmma<T, COLUMNS, ACROSS_A, ACROSS_B> {                                                                             \
        static DEVICE void multiply(float (&d)[COLUMNS / 2], u64 a, u64 b) {                                                                                         \
            asm volatile("wgmma.mma_async.sync.aligned.m64n" #COLUMNS "k16.f32." TYPE "." TYPE " " SUMS_##COLUMNS ", " A ", " B ", 1, 1, 1, " TA ", " TB ";"         \
                         : __VA_ARGS__ : "l"(a), "l"(b), "n"(ACROSS_A), "n"(ACROSS_B));                                                                              \
        }                                                                                                                                                            \
    };
#define WGMMAS(T, TYPE)                                                                                      \
    WGMMA(T, TYPE, 64, "%32", "%33", "%34", "%35", OF_32(0))                                                 \
    WGMMA(T, TYPE, 128, "%64", "%65", "%66", "%67", OF_32(0), OF_32(32))                                     \
    WGMMA(T, TYPE, 256, "%128", "%129", "%130", "%131", OF_32(0), OF_32(32), OF_32(64), OF_32(96))
WGMMAS(f16, "f16")
WGMMAS(bf16, "bf16")

// Two results as a word; sm_90 rounds to bfloat16 in hardware.
DEVICE u32 wordOf(float a, float b, f16 t) { return wordOfTwo(a, b, t); }
DEVICE u32 wordOf(float a, float b, bf16) {
    u32 w;
    asm("{ .reg .b16 l, h; cvt.rn.bf16.f32 l, %1; cvt.rn.bf16.f32 h, %2; mov.b32 %0, {l, h}; }" : "=r"(w) : "f"(a), "f"(b));
    return w;
}

// The ring and what lies behind it, in dynamic shared memory.
template <int PASS, int COLUMNS, int STAGES> struct Ring {
    static const u32 LEFT = ROWS * LINE;
    static const u32 RIGHT = COLUMNS * LINE;
    static const u32 STAGE = LEFT + RIGHT;
    static const u32 OUT = STAGES * STAGE;
    static const u32 FULL = OUT + CONSUMERS * OUTBOX;
    static const u32 EMPTY = FULL + 8 * STAGES;
    u32 base;
    int stage;
    u32 parity;

    DEVICE Ring(u32 base) : base(base), stage(0), parity(0) {}
    DEVICE u32 left() const { return base + stage * STAGE; }
    DEVICE u32 right() const { return left() + LEFT; }
    DEVICE u32 full() const { return base + FULL + 8 * stage; }
    DEVICE u32 empty() const { return base + EMPTY + 8 * stage; }
    DEVICE void next() {
        if (++stage == STAGES) {
            stage = 0;
            parity ^= 1;
        }
    }
};

// Asks for a block's boxes, in order. One thread.
template <int PASS, int COLUMNS, int STAGES> DEVICE void produce(const TensorMap *left, const TensorMap *right, const Images &p, Ring<PASS, COLUMNS, STAGES> ring) {
    for (int item = blockIdx.x; item < p.items; item += gridDim.x) {
        Item<PASS> t(p, item, COLUMNS);
        if (PASS == WEIGHT) {
            int r = t.group / p.s, s = t.group % p.s;
            for (int i = t.from; i < t.to; i++) {
                int w = i % p.boxesW << p.logW, h = i / p.boxesW % p.boxesH << p.logH, n = i / p.boxesW / p.boxesH << p.logN;
                await(ring.empty(), ring.parity ^ 1);
                expect(ring.full(), ring.STAGE);
#pragma unroll
                for (int j = 0; j < ROWS / DEPTH; j++) {
                    box(ring.left() + j * SLAB, left, ring.full(), t.tile * ROWS + j * DEPTH, w, h, n);
                }
#pragma unroll
                for (int j = 0; j < COLUMNS / DEPTH; j++) {
                    box(ring.right() + j * SLAB, right, ring.full(), t.column + j * DEPTH, w * p.strideW - p.left + s * p.dilationW, h * p.strideH - p.top + r * p.dilationH, n);
                }
                ring.next();
            }
            continue;
        }
        int slice = t.from % p.slices;
        int tap = t.from / p.slices;
        int s = t.sCount == 0 ? 0 : tap % t.sCount;
        int r = t.sCount == 0 ? 0 : tap / t.sCount;
        for (int i = t.from; i < t.to; i++) {
            int w, h, kernel;
            if (PASS == FORWARD) {
                w = t.w * p.strideW - p.left + s * p.dilationW;
                h = t.h * p.strideH - p.top + r * p.dilationH;
                kernel = r * p.s + s;
            } else { // exact: residues' first taps are chosen so
                w = t.w + (t.residueW(p) + p.left - t.s0) / p.strideW - s * p.dilationW;
                h = t.h + (t.residueH(p) + p.top - t.r0) / p.strideH - r * p.dilationH;
                kernel = (t.r0 + r * p.strideH) * p.s + t.s0 + s * p.strideW;
            }
            await(ring.empty(), ring.parity ^ 1);
            expect(ring.full(), ring.STAGE);
            box(ring.left(), left, ring.full(), slice * DEPTH, w, h, t.n);
            if (PASS == FORWARD) {
                box(ring.right(), right, ring.full(), slice * DEPTH, kernel, t.column);
            } else {
#pragma unroll
                for (int j = 0; j < COLUMNS / DEPTH; j++) {
                    box(ring.right() + j * SLAB, right, ring.full(), t.column + j * DEPTH, kernel, slice * DEPTH);
                }
            }
            ring.next();
            if (++slice == p.slices) {
                slice = 0;
                if (++s == t.sCount) {
                    s = 0;
                    r++;
                }
            }
        }
    }
}

// Four neighbours behind an epilogue: at an offset in the result, from a column on.
template <typename T> DEVICE float4 quadAfter(float4 v, const Epilogue &e, i64 at, int column) {
    float x[4] = {v.x, v.y, v.z, v.w};
    Quad<f32> scale, shift;
    Quad<T> residual = Quad<T>::zero();
    if (e.scale != nullptr) scale = Quad<f32>::load(e.scale + column);
    if (e.shift != nullptr) shift = Quad<f32>::load(e.shift + column);
    if (e.residual != nullptr) residual = Quad<T>::load((const T *)e.residual + at);
#pragma unroll
    for (int j = 0; j < 4; j++) {
        x[j] = after(x[j], e, e.scale != nullptr ? scale.v[j] : 1, e.shift != nullptr ? shift.v[j] : 0, toFloat(residual.v[j]));
    }
    return make_float4(x[0], x[1], x[2], x[3]);
}

// Stores a warp's 16 rows: turned round in its part of shared memory, where the number of a chunk of 16 bytes is xored with that of its row, so that rows go out whole.
template <typename T, int PASS, int COLUMNS> DEVICE void store(const Images &p, const Item<PASS> &t, int row, u32 outbox, T *y, const float (&d)[COLUMNS / 2]) {
    int lane = threadIdx.x % 32;
    int place[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        place[i] = t.place(p, row + 4 * i + lane / 8);
    }
    u32 to = outbox + (lane & 15) * LINE; // of stmatrix: 8 rows of a matrix, the 8 below it, and the same of its right neighbour
#pragma unroll
    for (int c = 0; c < COLUMNS / 64; c++) {
#pragma unroll
        for (int j = 0; j < 8; j += 2) {
            const float *f = d + 4 * (8 * c + j);
            asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(to + (((j + lane / 16) ^ (lane & 7)) << 4)), "r"(wordOf(f[0], f[1], T())),
                         "r"(wordOf(f[2], f[3], T())), "r"(wordOf(f[4], f[5], T())), "r"(wordOf(f[6], f[7], T())) : "memory");
        }
        __syncwarp();
        int column = t.column + 64 * c + lane % 8 * 8;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int r = 4 * i + lane / 8;
            u32 a, b, e, f;
            asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(a), "=r"(b), "=r"(e), "=r"(f) : "r"(outbox + r * LINE + ((lane % 8 ^ (r & 7)) << 4)) : "memory");
            if (place[i] >= 0 && column < p.columns) {
                store16(y + 8 * (i64)place[i] + column, a, b, e, f);
            }
        }
        __syncwarp();
    }
}

// The same behind an epilogue, which takes sums before they are rounded: 32 columns at a time, four a lane. What the lanes read of it again and again is in L1; registers are full of sums.
template <typename T, int PASS, int COLUMNS> DEVICE void storeAfter(const Images &p, const Item<PASS> &t, int row, u32 outbox, T *y, const Epilogue &e, const float (&d)[COLUMNS / 2]) {
    int lane = threadIdx.x % 32;
    u32 to = outbox + lane / 4 * LINE + lane % 2 * 8;                          // pairs of rows lane / 4 and 8 below it
    u32 from = outbox + lane / 8 * LINE + ((lane % 8 ^ 2 * (lane / 8)) << 4);  // chunk lane % 8 of every fourth row
#pragma unroll
    for (int c = 0; c < COLUMNS / 32; c++) {
#pragma unroll
        for (int j = 0; j < 8; j++) {
            const float *f = d + 16 * c + 2 * j;
            u32 chunk = 2 * (j / 2) + lane % 4 / 2 ^ 2 * (lane / 4 & 3);
            asm volatile("st.shared.v2.f32 [%0], {%1, %2};" ::"r"(to + (chunk << 4) + j % 2 * 8 * LINE), "f"(f[0]), "f"(f[1]) : "memory");
        }
        __syncwarp();
        int column = t.column + 32 * c + lane % 8 * 4;
#pragma unroll 1
        for (int i = 0; i < 4; i++) {
            float4 v;
            asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "r"(from + 4 * i * LINE) : "memory");
            int place = t.place(p, row + 4 * i + lane / 8);
            if (place >= 0 && column < p.columns) {
                i64 at = 8 * (i64)place + column;
                storeQuad(y + at, 0, 4, true, quadAfter<T>(v, e, at, column));
            }
        }
        __syncwarp();
    }
}

// Stores a warp's 16 rows as part of a sum: four lanes write a sector.
template <int PASS, int COLUMNS> DEVICE void storePart(const Images &p, const Item<PASS> &t, int row, float *partial, i64 results, const float (&d)[COLUMNS / 2]) {
    int lane = threadIdx.x % 32;
    int upper = t.place(p, row + lane / 4);
    int lower = t.place(p, row + lane / 4 + 8);
    float *to = partial + t.part * results;
#pragma unroll
    for (int j = 0; j < COLUMNS / 8; j++) {
        int column = t.column + 8 * j + lane % 4 * 2;
        if (column < p.columns) {
            if (upper >= 0) {
                *reinterpret_cast<float2 *>(to + 8 * (i64)upper + column) = make_float2(d[4 * j], d[4 * j + 1]);
            }
            if (lower >= 0) {
                *reinterpret_cast<float2 *>(to + 8 * (i64)lower + column) = make_float2(d[4 * j + 2], d[4 * j + 3]);
            }
        }
    }
}

// Multiplies what comes, for a warpgroup's 64 rows of each tile.
template <typename T, int PASS, int COLUMNS, int STAGES> DEVICE void consume(const Images &p, T *y, float *partial, i64 results, const Epilogue &e, Ring<PASS, COLUMNS, STAGES> ring) {
    const int ACROSS_A = PASS == WEIGHT, ACROSS_B = PASS != FORWARD;
    const u32 STEP_A = ACROSS_A ? 16 * LINE : 32, STEP_B = ACROSS_B ? 16 * LINE : 32; // 16 of the depth, in bytes
    int warp = threadIdx.x / 32;
    for (int item = blockIdx.x; item < p.items; item += gridDim.x) {
        float d[COLUMNS / 2];
#pragma unroll
        for (int i = 0; i < COLUMNS / 2; i++) {
            d[i] = 0;
        }
        u32 before = 0;
        for (int left = Item<PASS>(p, item, COLUMNS).iterations(); left > 0; left--) {
            await(ring.full(), ring.parity);
            u64 a = descriptor(ring.left() + warp / 4 * SLAB);
            u64 b = descriptor(ring.right());
            fenceProducts();
#pragma unroll
            for (int k = 0; k < DEPTH / 16; k++) {
                Wgmma<T, COLUMNS, ACROSS_A, ACROSS_B>::multiply(d, a + k * (STEP_A >> 4), b + k * (STEP_B >> 4));
            }
            commitProducts();
            awaitProducts<1>(); // the slice before this one has been read
            if (before != 0 && threadIdx.x % 32 == 0) {
                arrive(before);
            }
            before = ring.empty();
            ring.next();
        }
        awaitProducts<0>();
        if (before != 0 && threadIdx.x % 32 == 0) {
            arrive(before);
        }
#pragma unroll
        for (int i = 0; i < COLUMNS / 2; i++) {
            asm volatile("" : "+f"(d[i])::"memory"); // not to be read before the wait
        }
        int again = item;
        asm volatile("" : "+r"(again)); // so that nothing of the item takes registers while products are under way
        Item<PASS> t(p, again, COLUMNS);
        if (p.parts > 1) {
            storePart<PASS, COLUMNS>(p, t, 16 * warp, partial, results, d);
        } else if (PASS == FORWARD && (e.scale != nullptr || e.shift != nullptr || e.residual != nullptr || e.activation != ACT_NONE)) {
            storeAfter<T, PASS, COLUMNS>(p, t, 16 * warp, ring.base + ring.OUT + warp * OUTBOX, y, e, d);
        } else {
            store<T, PASS, COLUMNS>(p, t, 16 * warp, ring.base + ring.OUT + warp * OUTBOX, y, d);
        }
    }
}

template <typename T, int PASS, int COLUMNS, int STAGES>
DEVICE void hopperProduct(const TensorMap *left, const TensorMap *right, T *y, float *partial, i64 results, const Images &p, const Epilogue &e) {
    extern __shared__ __align__(1024) char memory[];
    Ring<PASS, COLUMNS, STAGES> ring((u32)__cvta_generic_to_shared(memory));
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            initialise(ring.base + ring.FULL + 8 * i, 1);
            initialise(ring.base + ring.EMPTY + 8 * i, CONSUMERS);
        }
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();
    if (threadIdx.x >= 32 * CONSUMERS) {
        if (threadIdx.x == 32 * CONSUMERS) {
            produce<PASS, COLUMNS, STAGES>(left, right, p, ring);
        }
    } else {
        consume<T, PASS, COLUMNS, STAGES>(p, y, partial, results, e, ring);
    }
}

// A kernel for tiles of COLUMNS columns, so many blocks of which share a multiprocessor. A block has a warp more than the two warpgroups that multiply: 224 or 112 registers are left for each thread,
// so that none need to be handed over (setmaxnreg), for which the copying thread would need a warpgroup to itself.
#define HOPPER_PARAMETERS(T) const __grid_constant__ TensorMap left, const __grid_constant__ TensorMap right, T *y, float *partial, i64 results, const __grid_constant__ Images p
#define HOPPER(NAME, T, PASS, COLUMNS, STAGES, BLOCKS) \
    extern "C" __global__ void __launch_bounds__(288, BLOCKS) NAME(HOPPER_PARAMETERS(T)) { hopperProduct<T, PASS, COLUMNS, STAGES>(&left, &right, y, partial, results, p, Epilogue()); }
#define HOPPER_AFTER(NAME, T, PASS, COLUMNS, STAGES, BLOCKS)                                                             \
    extern "C" __global__ void __launch_bounds__(288, BLOCKS) NAME(HOPPER_PARAMETERS(T), const __grid_constant__ Epilogue e) { \
        hopperProduct<T, PASS, COLUMNS, STAGES>(&left, &right, y, partial, results, p, e);                               \
    }
#define HOPPERS(KERNELS, NAME, SUFFIX, T, PASS)      \
    KERNELS(NAME##_256_##SUFFIX, T, PASS, 256, 4, 1) \
    KERNELS(NAME##_128_##SUFFIX, T, PASS, 128, 3, 2) \
    KERNELS(NAME##_64_##SUFFIX, T, PASS, 64, 4, 2)
