package dev.jacquard.data;

/**
 * Random numbers of Beta(a, a), from two of Gamma(a): x / (x + y). Gamma is sampled by Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 2000, by
 * which a number below 1 is Gamma(a + 1) times U^(1 / a). All of it in logarithms: for a = 0.01 a hundredth power would underflow, and x / (x + y) be 0 / 0.
 *
 * <p>With {@link StrictMath} throughout, since a weight that differs in its last bit between machines makes another run.
 */
final class Beta {
    private Beta() {}

    /** A number in [0, 1] of Beta(alpha, alpha), alpha above 0; takes as many draws of the stream as it needs. */
    static double draw(SampleRandom random, double alpha) {
        double x = logGamma(random, alpha);
        double y = logGamma(random, alpha);
        return 1 / (1 + StrictMath.exp(y - x));
    }

    private static double logGamma(SampleRandom random, double alpha) {
        if (alpha < 1) {
            double boost = StrictMath.log(positive(random)) / alpha;
            return logGamma(random, alpha + 1) + boost;
        }
        double d = alpha - 1.0 / 3;
        double c = 1 / StrictMath.sqrt(9 * d);
        while (true) {
            double x = normal(random);
            double v = 1 + c * x;
            if (v > 0) {
                double logV = 3 * StrictMath.log(v);
                if (StrictMath.log(positive(random)) < 0.5 * x * x + d - d * v * v * v + d * logV) {
                    return StrictMath.log(d) + logV;
                }
            }
        }
    }

    /**
     * Standard normal, by the polar method (Marsaglia and Bray 1964), as {@link StrictMath}'s cosine allocates. The second number of the pair is not kept, so that a stream has no
     * state but its counter.
     */
    private static double normal(SampleRandom random) {
        while (true) {
            double u = random.uniform(-1, 1);
            double v = random.uniform(-1, 1);
            double s = u * u + v * v;
            if (s > 0 && s < 1) {
                return u * StrictMath.sqrt(-2 * StrictMath.log(s) / s);
            }
        }
    }

    /** Uniform in (0, 1]: the logarithm must not meet 0. */
    private static double positive(SampleRandom random) {
        return 1 - random.nextDouble();
    }
}
