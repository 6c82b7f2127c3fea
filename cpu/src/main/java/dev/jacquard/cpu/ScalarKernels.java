package dev.jacquard.cpu;

/** Plain loops for JVMs without the Vector API: right everywhere, slow. */
final class ScalarKernels implements Simd {
    @Override
    public int lanes() {
        return 4;
    }

    @Override
    public String describe() {
        return "scalar loops";
    }

    @Override
    public void tile(int rows, int columns, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate, long scratch) {
        for (int i = 0; i < rows; i++) {
            long to = c + i * cRow;
            if (!accumulate) {
                fill(to, columns, 0);
            }
            for (int p = 0; p < k; p++) {
                float x = Raw.get(a + i * aRow + p * aStep);
                long from = b + p * bStep;
                for (long j = 0; j < 4L * columns; j += 4) {
                    Raw.set(to + j, Raw.get(to + j) + x * Raw.get(from + j));
                }
            }
        }
    }

    @Override
    public void copyRows(long rows, int columns, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < 4L * columns; j += 4) {
                Raw.set(to + i * toRow + j, Raw.get(from + i * fromRow + j));
            }
        }
    }

    @Override
    public void transpose(int rows, int columns, long from, long fromRow, long to, long toRow) {
        for (int j = 0; j < columns; j++) {
            for (int i = 0; i < rows; i++) {
                Raw.set(to + j * toRow + 4L * i, Raw.get(from + i * fromRow + 4L * j));
            }
        }
    }

    @Override
    public void fill(long to, long n, float value) {
        for (long i = 0; i < n; i++) {
            Raw.set(to + 4 * i, value);
        }
    }
}
