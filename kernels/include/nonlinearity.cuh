// The activations that are fused behind other work, chosen at run time: NONE, RELU, SILU as dev.jacquard.tensor.op.Nonlinearity numbers them. The choice is uniform, so that a branch costs
// nothing beside memory traffic, and one symbol per element type is enough.
#pragma once
#include "functions.cuh"

enum { ACT_NONE = 0, ACT_RELU = 1, ACT_SILU = 2 };

// NaN stays NaN, which fmaxf would not do.
DEVICE float activate(float x, int act) {
    if (act == ACT_RELU) return x < 0 ? 0 : x;
    if (act == ACT_SILU) return x * sigmoid(x);
    return x;
}

// Gradient of activate at x.
DEVICE float activateBackward(float dy, float x, int act) {
    if (act == ACT_RELU) return x > 0 ? dy : 0;
    if (act == ACT_SILU) {
        float s = sigmoid(x);
        return dy * s * (1 + x * (1 - s));
    }
    return dy;
}
