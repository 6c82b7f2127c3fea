package dev.jacquard.cpu;

import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import dev.jacquard.tensor.op.Nonlinearity;

/**
 * What is done to the sums of a convolution or product before they are stored: {@code activation(sum * scale + shift + residual)}, as far as there is any of it; of gradients, what
 * a ReLU before them lets through.
 *
 * @param scale whether sums are multiplied by a number per channel
 * @param shift whether a number per channel is added
 * @param residual whether something of the result's shape is added
 * @param activation what comes last
 * @param rectifier what makes zeros, after all else: the result of a ReLU ({@link Beside.Rectified}), or normalised images, with {@link Sums#GRADIENT} only; of backwards of data
 *     only, which have neither shift nor activation
 * @param sums what is summed up per channel of what is stored
 */
public record Epilogue(boolean scale, boolean shift, boolean residual, Nonlinearity activation, Rectifier rectifier, Sums sums) {
    /** Sums over all pixels of what is stored. */
    public enum Sums {
        /** None. */
        NONE,
        /** Mean and variance ({@link Beside.Moments}); without any of the others. */
        MOMENTS,
        /** Those of a gradient and of its product with images ({@link Beside.Normalised}); of backwards of data. */
        GRADIENT
    }

    /** Sums are stored as they are. */
    public static final Epilogue NONE = new Epilogue(false, false, false, Nonlinearity.NONE);

    /** Sums are stored as they are, and go into their channel's statistics. */
    public static final Epilogue STATISTICS = new Epilogue(false, false, false, Nonlinearity.NONE, Rectifier.NONE, Sums.MOMENTS);

    /** Another gradient is added. @param rectified whether the sum goes on through a ReLU */
    public static Epilogue ofGradient(boolean rectified) {
        return new Epilogue(false, false, true, Nonlinearity.NONE, rectified ? Rectifier.RESULT : Rectifier.NONE, Sums.NONE);
    }

    /** Of the gradient of a normalisation's result. @param residual whether another gradient is added @param rectifier where the gradient goes on */
    public static Epilogue ofNormalised(boolean residual, Rectifier rectifier) {
        return new Epilogue(false, false, residual, Nonlinearity.NONE, rectifier, Sums.GRADIENT);
    }

    /** Of a forward product that makes no statistics. */
    public Epilogue(boolean scale, boolean shift, boolean residual, Nonlinearity activation) {
        this(scale, shift, residual, activation, Rectifier.NONE, Sums.NONE);
    }

    /** Whether the result of a ReLU makes zeros. */
    public boolean rectified() {
        return rectifier == Rectifier.RESULT;
    }

    /** Whether it is one of gradients: images are read, and no number per channel is multiplied or added. */
    public boolean ofGradient() {
        return readsImages() && !scale && !shift && activation == Nonlinearity.NONE;
    }

    /** Whether something of the result's shape is read. */
    public boolean readsImages() {
        return residual || rectified() || sums == Sums.GRADIENT;
    }
}
