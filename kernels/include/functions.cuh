// Functions of one value that several families use.
#pragma once
#include "common.cuh"

// 1 / x to 1 ulp; results below the normal range are 0.
DEVICE float reciprocal(float x) { float y; asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }

// 2^x to 2 ulp.
DEVICE float exp2Approximate(float x) { float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }

// 1 / (1 + e^-x); 0 where e^-x overflows. One rounding of x log2 e makes a relative error of |x| 2^-24 in e^-x: no more than that of the other steps where the sum does not swallow it, up to |x| = 10;
// below, where the result is less than 2^-14, it is relative to something small.
DEVICE float sigmoid(float x) { return reciprocal(1 + exp2Approximate(x * -1.44269504f)); }
