// What the implicit products of convolution.cu and of the conv_*.cu modules on tensor cores are told, and how they find pixels and taps.
#pragma once
#include "divisor.cuh"

// A pass of a convolution; ConvolutionPass.java fills it in this order.
struct Convolution {
    int n, h, w, c;         // images x
    int oh, ow, k;          // images y
    int r, s;               // taps
    int sh, sw, top, left;  // stride, padding
    int dh, dw;             // dilation
    int groups, splits;
    int perSplit;           // depth of a split, a multiple of the slices
    int rowStep, columnStep;  // taps that meet the same pixel of x are so many apart: stride / gcd(stride, dilation)
    int rowBack, columnBack;  // and their pixels of y: dilation / gcd(stride, dilation)
    int wholeC, wholeK;     // channels of a group of x, of y, are a multiple of 4
    Divisor area, width;    // pixels of an image, and of its row, that rows of the product stand for (depth, in backward_weight)
    Divisor channels;       // of a group, in the depth of the product (in its columns, in backward_weight)
    Divisor tapsMore, tapsLess;  // taps of a row: s, or in backward_data s / columnStep, rounded up and down
};

// The pixel that a row of the product stands for (depth, in backward_weight): image, row and column.
struct Pixel {
    int n, h, w;
    DEVICE Pixel(int m, const Convolution &p) {
        n = m / p.area;
        int rest = m - n * (int)p.area.d;
        h = rest / p.width;
        w = rest - h * (int)p.width.d;
    }
};

// The first tap that meets pixels of x at this residue modulo the stride, or `taps` if none does.
DEVICE int firstTap(int residue, int padding, int stride, int dilation, int step, int taps) {
    for (int r = 0; r < step && r < taps; r++) {
        if ((residue + padding - r * dilation) % stride == 0) return r;
    }
    return taps;
}
