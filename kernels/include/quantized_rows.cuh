// Results of convolutions of bytes.
#pragma once
#include "conv_tensor_cores.cuh"

enum { TO_I8 = 0, TO_F16 = 1, TO_BF16 = 2, TO_F32 = 3 };

// Rows of results of a type that is known at run time; the choice is the same for all threads.
struct QuantizedRows {
    static const int W = 16;
    void *y;
    int to;
    Epilogue epilogue;
    int row, rows;
    int column, columns;  // of the group
    i64 pitch;
    int group;            // where the group's columns begin
    ColumnEpilogue<i8, true, W> after;

    DEVICE void begin(int c) {
        column += c;
        if (column < columns) after.begin(epilogue, group + column, W);
    }
    DEVICE void put(int r, float (&v)[W]) const {
        if (row + r >= rows || column >= columns) return;
        i64 at = (row + r) * pitch + (group + column);
        after.apply(v, at, W);
        if (to == TO_I8) putNeighbours<true>((i8 *)y + at, v, W);
        else if (to == TO_F16) putNeighbours<true>((f16 *)y + at, v, W);
        else if (to == TO_BF16) putNeighbours<true>((bf16 *)y + at, v, W);
        else putNeighbours<true>((f32 *)y + at, v, W);
    }
};
