#pragma once
#include "common.cuh"

// n / d for 0 <= n < 2^31 by a multiplication; made on the host (Divisor.java).
struct Divisor { u32 d, multiplier, shift; };
DEVICE int operator/(int n, const Divisor &d) { return (int)((__umulhi((u32)n, d.multiplier) + (u32)n) >> d.shift); }
