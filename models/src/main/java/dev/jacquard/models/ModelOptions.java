package dev.jacquard.models;

import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.DropPath;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.util.Locale;
import java.util.Map;

/**
 * All that may be said of a model besides its name. Each row of {@link Models} has its own, see {@link ModelRow#defaults}; the methods named like the components change one of
 * them.
 *
 * @param classes number of logits, 1 or more
 * @param channels channels of the images, 1 or more: 3, or 4 where a channel of zeros pads them
 * @param padding where a strided convolution's zeros go
 * @param initialization how the first weights are drawn
 * @param normMomentum share of the new batch in the normalisations' running statistics, in (0, 1]: PyTorch's sense, TensorFlow's and Paddle's is one minus it
 * @param normEps what the normalisations add to the variance, above 0
 * @param dropout probability that a feature is dropped before the last layer, in [0, 1)
 * @param survival what the probability that a residual branch is kept falls to, in (0, 1]: block i of n, from 0 on, is dropped with the probability (1 - survival) i / n.
 *     EfficientNet's blocks without a shortcut are never dropped
 * @param dropPath whether a batch or each sample has its own fate there
 * @param zeroLastNorm whether the last normalisation of each residual branch begins with weight 0, so that blocks begin as the identity
 */
public record ModelOptions(int classes, int channels, Padding padding, Initialization initialization, double normMomentum, double normEps, double dropout, double survival,
        DropPath.Mode dropPath, boolean zeroLastNorm) {
    private static final String CHANNELS = "channels";
    private static final String PADDING = "padding";
    private static final String EPS = "norm_eps";

    /** Checks the ranges. @throws CallerException if one is out of range */
    public ModelOptions {
        check(classes >= 1, "number of classes", classes, "1 or more");
        check(channels >= 1, "number of channels", channels, "1 or more");
        check(normMomentum > 0 && normMomentum <= 1, "momentum of the normalisations", normMomentum, "a number in (0, 1]");
        check(normEps > 0 && normEps < Double.POSITIVE_INFINITY, "epsilon of the normalisations", normEps, "a number above 0");
        check(dropout >= 0 && dropout < 1, "dropout", dropout, "a probability in [0, 1)");
        check(survival > 0 && survival <= 1, "survival", survival, "a probability in (0, 1]");
    }

    private static void check(boolean right, String what, Object got, String expected) {
        if (!right) {
            throw new CallerException("model", what + " out of range", got.toString(), expected, "check the " + what);
        }
    }

    /** What weights of such a model must be evaluated with, as strings for their file: {@code channels}, {@code padding}, {@code norm_eps}. */
    public Map<String, String> metadata() {
        return Map.of(CHANNELS, Integer.toString(channels), PADDING, padding.name().toLowerCase(Locale.ROOT), EPS, Double.toString(normEps));
    }

    /** These options with what the strings of a file say. @param file its name, for errors @throws DataException if a string is not what {@link #metadata} writes */
    public ModelOptions with(String file, Map<String, String> metadata) {
        try {
            return channels(Integer.parseInt(metadata.getOrDefault(CHANNELS, Integer.toString(channels))))
                    .padding(Padding.valueOf(metadata.getOrDefault(PADDING, padding.name()).toUpperCase(Locale.ROOT)))
                    .normEps(Double.parseDouble(metadata.getOrDefault(EPS, Double.toString(normEps))));
        } catch (IllegalArgumentException | CallerException e) {
            throw new DataException(file, "metadata does not say how the model is made", metadata.toString(), CHANNELS + " and " + EPS + " numbers, " + PADDING
                    + " symmetric or same", "write the file again", e);
        }
    }

    /** The same with another number of logits. */
    public ModelOptions classes(int n) {
        return new ModelOptions(n, channels, padding, initialization, normMomentum, normEps, dropout, survival, dropPath, zeroLastNorm);
    }

    /** The same with another number of channels of the images. */
    public ModelOptions channels(int n) {
        return new ModelOptions(classes, n, padding, initialization, normMomentum, normEps, dropout, survival, dropPath, zeroLastNorm);
    }

    /** The same with another padding. */
    public ModelOptions padding(Padding other) {
        return new ModelOptions(classes, channels, other, initialization, normMomentum, normEps, dropout, survival, dropPath, zeroLastNorm);
    }

    /** The same with another initialisation. */
    public ModelOptions initialization(Initialization other) {
        return new ModelOptions(classes, channels, padding, other, normMomentum, normEps, dropout, survival, dropPath, zeroLastNorm);
    }

    /** The same with another momentum of the normalisations. */
    public ModelOptions normMomentum(double momentum) {
        return new ModelOptions(classes, channels, padding, initialization, momentum, normEps, dropout, survival, dropPath, zeroLastNorm);
    }

    /** The same with another epsilon of the normalisations. */
    public ModelOptions normEps(double eps) {
        return new ModelOptions(classes, channels, padding, initialization, normMomentum, eps, dropout, survival, dropPath, zeroLastNorm);
    }

    /** The same with another dropout. */
    public ModelOptions dropout(double p) {
        return new ModelOptions(classes, channels, padding, initialization, normMomentum, normEps, p, survival, dropPath, zeroLastNorm);
    }

    /** The same with another survival. */
    public ModelOptions survival(double p) {
        return new ModelOptions(classes, channels, padding, initialization, normMomentum, normEps, dropout, p, dropPath, zeroLastNorm);
    }

    /** The same with another sharing of fates. */
    public ModelOptions dropPath(DropPath.Mode mode) {
        return new ModelOptions(classes, channels, padding, initialization, normMomentum, normEps, dropout, survival, mode, zeroLastNorm);
    }

    /** The same with the last normalisations beginning at 0, or not. */
    public ModelOptions zeroLastNorm(boolean on) {
        return new ModelOptions(classes, channels, padding, initialization, normMomentum, normEps, dropout, survival, dropPath, on);
    }

    /** Settings of the normalisations. */
    BatchNorm2d.Settings norm() {
        return new BatchNorm2d.Settings(normEps, normMomentum);
    }

    boolean same() {
        return padding == Padding.SAME;
    }

    /** Probability that the branch of a block is kept. @param block number of the block in the network, from 0 on @param blocks how many there are */
    double survival(int block, int blocks) {
        return 1 - (1 - survival) * block / blocks;
    }
}
