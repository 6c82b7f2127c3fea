// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011), to the bit as tensor/random/Philox.java: the key is the seed, the counter (block, stream, step); element e takes word e % 4 of block e / 4.
#pragma once
#include "common.cuh"

// Both words of a product, as the one instruction that it is: of u64 arithmetic the compiler makes products of 64 by 64 bits.
DEVICE void product(u32 a, u32 b, u32 &low, u32 &high) {
    u64 p;
    asm("mul.wide.u32 %0, %1, %2;" : "=l"(p) : "r"(a), "r"(b));
    asm("mov.b64 {%0, %1}, %2;" : "=r"(low), "=r"(high) : "l"(p));
}

// The four words of a block.
DEVICE uint4 philox(i64 seed, i64 step, u32 stream, u32 block) {
    u32 c0 = block, c1 = stream, c2 = (u32)step, c3 = (u32)((u64)step >> 32);
    u32 k0 = (u32)seed, k1 = (u32)((u64)seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
        u32 low0, high0, low1, high1;
        product(0xD2511F53u, c0, low0, high0);
        product(0xCD9E8D57u, c2, low1, high1);
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return make_uint4(c0, c1, c2, c3);
}

// A word as a multiple of 2^-24 in [0, 1).
DEVICE float uniform(u32 word) { return (float)(word >> 8) * 0x1p-24f; }

// One of the four words of a block.
DEVICE u32 wordOf(uint4 block, u32 i) { return i == 0 ? block.x : i == 1 ? block.y : i == 2 ? block.z : block.w; }
