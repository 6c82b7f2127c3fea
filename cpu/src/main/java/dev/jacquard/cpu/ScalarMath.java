package dev.jacquard.cpu;

/** The functions of {@link Unary} and {@link Binary} on one number. */
final class ScalarMath {
    private ScalarMath() {}

    static float apply(Unary op, float x) {
        return switch (op) {
            case RELU -> Math.max(x, 0f);
            case SIGMOID -> (float) (1 / (1 + Math.exp(-x)));
            case SILU -> (float) (x / (1 + Math.exp(-x)));
            case EXP -> (float) Math.exp(x);
            case LOG -> (float) Math.log(x);
            case SQRT -> (float) Math.sqrt(x);
            case RSQRT -> 1 / (float) Math.sqrt(x);
            case ABS -> Math.abs(x);
            case NEG -> -x;
            case TANH -> (float) Math.tanh(x);
        };
    }

    static float apply(Binary op, float x, float y) {
        return switch (op) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> x / y;
            case MAX -> Math.max(x, y);
            case MIN -> Math.min(x, y);
            case RELU_BACKWARD -> y <= 0 ? 0 : x;
            case SILU_BACKWARD -> x * siluSlope(y);
        };
    }

    private static float siluSlope(float x) {
        double s = 1 / (1 + Math.exp(-x));
        return (float) (s * (1 + x * (1 - s)));
    }
}
