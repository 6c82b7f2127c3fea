// Loop nests over the elements of one shape, as LoopNest.java encodes them: neighbouring dimensions that all operands step through evenly are one, the others are told apart by dividing.
#pragma once
#include "common.cuh"

// OPERANDS operands in up to LOOPS loops, innermost first. The kernel counts through units: single elements, or packs of the innermost loop.
const int LOOPS = 6;
template <int OPERANDS> struct Loops {
    i64 n;                            // elements
    i64 step[OPERANDS];               // in the innermost loop, from element to element
    i64 stride[OPERANDS][LOOPS];      // in each loop, from unit to unit of the innermost and from index to index of the others, in elements
    u32 extent[LOOPS];                // of each loop, the innermost one in units
    u32 factor[LOOPS], shift[LOOPS];  // i / extent is (mulhi(i, factor) + i) >> shift for i < 2^31
    u32 rank;                         // loops, at least 1
    u32 unit;                         // elements per unit

    // Where the operands' elements of a unit begin; element is unitIndex * unit. With one loop there is nothing to divide, and n may be anything; with more n < 2^31.
    DEVICE void offsets(i64 element, i64 unitIndex, i64 (&at)[OPERANDS]) const {
        if (rank == 1) {
#pragma unroll
            for (int o = 0; o < OPERANDS; o++) at[o] = element * step[o];
            return;
        }
        u32 rest = (u32)unitIndex;
#pragma unroll
        for (int o = 0; o < OPERANDS; o++) at[o] = 0;
#pragma unroll 1
        for (u32 d = 0; d < rank - 1; d++) {
            u32 q = (__umulhi(rest, factor[d]) + rest) >> shift[d];
            u32 index = rest - q * extent[d];
#pragma unroll
            for (int o = 0; o < OPERANDS; o++) at[o] += (i64)index * stride[o][d];
            rest = q;
        }
#pragma unroll
        for (int o = 0; o < OPERANDS; o++) at[o] += (i64)rest * stride[o][rank - 1];
    }
};
