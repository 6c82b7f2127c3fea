// Functions of one value that several families use.
#pragma once
#include "common.cuh"

// 1 / x to 1 ulp; results below the normal range are 0.
DEVICE float reciprocal(float x) { float y; asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }

// 1 / (1 + e^-x); 0 where e^-x overflows.
DEVICE float sigmoid(float x) { return reciprocal(1 + expf(-x)); }
