#pragma once
#include "common.cuh"

// Four neighbouring elements as they are stored. Kept unconverted between load and use, so that nothing waits for the load too early.
template <typename T> struct Quad {
    T v[4];

    // From an address that is a multiple of 4 elements.
    static DEVICE Quad load(const T *p) {
        ushort4 q = *reinterpret_cast<const ushort4 *>(p);
        Quad a;
        a.v[0].bits = q.x; a.v[1].bits = q.y; a.v[2].bits = q.z; a.v[3].bits = q.w;
        return a;
    }

    static DEVICE Quad zero() {
        Quad a;
        a.v[0].bits = a.v[1].bits = a.v[2].bits = a.v[3].bits = 0;
        return a;
    }

    DEVICE void store(T *p) const { *reinterpret_cast<ushort4 *>(p) = make_ushort4(v[0].bits, v[1].bits, v[2].bits, v[3].bits); }
};
template <> DEVICE Quad<f32> Quad<f32>::load(const f32 *p) {
    float4 q = *reinterpret_cast<const float4 *>(p);
    Quad a;
    a.v[0] = q.x; a.v[1] = q.y; a.v[2] = q.z; a.v[3] = q.w;
    return a;
}
template <> DEVICE Quad<f32> Quad<f32>::zero() {
    Quad a;
    a.v[0] = a.v[1] = a.v[2] = a.v[3] = 0;
    return a;
}
template <> DEVICE void Quad<f32>::store(f32 *p) const { *reinterpret_cast<float4 *>(p) = make_float4(v[0], v[1], v[2], v[3]); }

// Stores four neighbours v to p, which is where column c of `columns` belongs; `whole` if rows are a multiple of 4 elements.
template <typename T> DEVICE void storeQuad(T *p, int c, int columns, bool whole, float4 v) {
    if (c >= columns) {
        return;
    }
    Quad<T> q;
    q.v[0] = fromFloat<T>(v.x); q.v[1] = fromFloat<T>(v.y); q.v[2] = fromFloat<T>(v.z); q.v[3] = fromFloat<T>(v.w);
    if (whole) {
        q.store(p);
    } else {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            if (c + j < columns) p[j] = q.v[j];
        }
    }
}
