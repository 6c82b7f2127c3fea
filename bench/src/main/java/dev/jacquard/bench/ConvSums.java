package dev.jacquard.bench;

import dev.jacquard.bench.ConvTrial.Numbers;
import dev.jacquard.bench.ConvTrial.Pass;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Window;
import java.util.Arrays;

/** Single results of a convolution's passes as plain sums in double precision, straight from the definition. @param pool the operands, where {@link Numbers} has them */
record ConvSums(ConvCase shape, float[] pool) {
    /** Results at flat places. */
    double[] at(Pass pass, int... places) {
        return Arrays.stream(places).mapToDouble(i -> switch (pass) {
            case FORWARD -> followed(i);
            case PLAIN -> result(i);
            case DATA -> image(i);
            case WEIGHT -> weight(i);
        }).toArray();
    }

    private double followed(int place) {
        int k = place % shape.k();
        double y = result(place) * pool[Numbers.SCALE_AT + k] + pool[Numbers.SHIFT + k] + (shape.epilogue().residual() ? pool[Numbers.R + place] : 0);
        return shape.epilogue().activation() == Nonlinearity.RELU ? Math.max(y, 0) : shape.epilogue().activation() == Nonlinearity.SILU ? y / (1 + Math.exp(-y)) : y;
    }

    private double result(int place) {
        int k = place % shape.k();
        int ow = place / shape.k() % shape.outW();
        int oh = place / shape.k() / shape.outW() % shape.outH();
        int n = place / shape.k() / shape.outW() / shape.outH();
        int first = k / (shape.k() / shape.groups()) * channels();
        double sum = 0;
        for (int r = 0; r < shape.r(); r++) {
            for (int s = 0; s < shape.s(); s++) {
                for (int c = 0; c < channels(); c++) {
                    sum += x(n, oh, ow, r, s, first + c) * w(k, r, s, c);
                }
            }
        }
        return sum;
    }

    private double image(int place) {
        int c = place % shape.c();
        int w = place / shape.c() % shape.w();
        int h = place / shape.c() / shape.w() % shape.h();
        int n = place / shape.c() / shape.w() / shape.h();
        int group = c / channels();
        int filters = shape.k() / shape.groups();
        Window v = shape.window();
        double sum = 0;
        for (int oh = 0; oh < shape.outH(); oh++) {
            int r = Math.floorDiv(h - oh * v.strideH() + v.top(), v.dilationH());
            for (int ow = 0; ow < shape.outW(); ow++) {
                int s = Math.floorDiv(w - ow * v.strideW() + v.left(), v.dilationW());
                boolean taps = r >= 0 && r < shape.r() && s >= 0 && s < shape.s();
                if (!taps || oh * v.strideH() - v.top() + r * v.dilationH() != h || ow * v.strideW() - v.left() + s * v.dilationW() != w) {
                    continue;
                }
                for (int k = group * filters; k < (group + 1) * filters; k++) {
                    sum += dy(n, oh, ow, k) * w(k, r, s, c % channels());
                }
            }
        }
        return sum;
    }

    private double weight(int place) {
        int c = place % channels();
        int s = place / channels() % shape.s();
        int r = place / channels() / shape.s() % shape.r();
        int k = place / channels() / shape.s() / shape.r();
        int channel = k / (shape.k() / shape.groups()) * channels() + c;
        double sum = 0;
        for (int n = 0; n < shape.n(); n++) {
            for (int oh = 0; oh < shape.outH(); oh++) {
                for (int ow = 0; ow < shape.outW(); ow++) {
                    sum += x(n, oh, ow, r, s, channel) * dy(n, oh, ow, k);
                }
            }
        }
        return sum;
    }

    private int channels() {
        return shape.c() / shape.groups();
    }

    /** The pixel under a tap; 0 on padding. */
    private double x(int n, int oh, int ow, int r, int s, int c) {
        Window v = shape.window();
        int h = oh * v.strideH() - v.top() + r * v.dilationH();
        int w = ow * v.strideW() - v.left() + s * v.dilationW();
        return h < 0 || h >= shape.h() || w < 0 || w >= shape.w() ? 0 : pool[Numbers.X + ((n * shape.h() + h) * shape.w() + w) * shape.c() + c];
    }

    private double w(int k, int r, int s, int c) {
        return pool[Numbers.W + ((k * shape.r() + r) * shape.s() + s) * channels() + c];
    }

    private double dy(int n, int oh, int ow, int k) {
        return pool[Numbers.DY + ((n * shape.outH() + oh) * shape.outW() + ow) * shape.k() + k];
    }
}
