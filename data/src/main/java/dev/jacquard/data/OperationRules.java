package dev.jacquard.data;

import dev.jacquard.tensor.CallerException;

/**
 * What systems do differently in the operations of an {@link Augmentation}. All fill with the level 128.
 *
 * @param arithmetic whose formulas
 * @param translate  pixels that a translation of level 10 moves by
 * @param cutout     half the side of the square that a cutout of level 10 blanks
 * @param outside    what geometric operations show where the picture ends
 */
public record OperationRules(Arithmetic arithmetic, double translate, double cutout, Outside outside) {
    /** NVIDIA's PyTorch program: Pillow's functions; its policy has no cutout. */
    public static final OperationRules PYTORCH = new OperationRules(Arithmetic.PILLOW, 250, 100, Outside.FILL);
    /** NVIDIA's TensorFlow 2 program, its defaults for AutoAugment. */
    public static final OperationRules TENSORFLOW = new OperationRules(Arithmetic.TENSORFLOW, 250, 100, Outside.FILL);
    /** NVIDIA's TensorFlow 2 program, its defaults for RandAugment. */
    public static final OperationRules TENSORFLOW_RANDAUGMENT = new OperationRules(Arithmetic.TENSORFLOW, 100, 40, Outside.FILL);

    /** Whose formulas: the same operations, rounded differently. */
    public enum Arithmetic {
        /**
         * Pillow's {@code ImageOps}, {@code ImageEnhance} and affine transforms: shear by cubic convolution, rotation about the corner-based
         * centre and translation by the nearest pixel; posterize keeps round(0.4 level) bits, none at levels 0 and 1;
         * the threshold of solarize is not rounded.
         */
        PILLOW,
        /**
         * The TensorFlow program's formulas: all geometric operations by the nearest pixel; posterize keeps int(0.4 level) bits, but
         * at least one, since a shift of eight bits counts as seven; thresholds and additions are rounded down; the gray of contrast is H * W / 256
         * at most 255, the mean of the histogram's 256 counts and not of the pixels; the blurred picture of sharpness is rounded down.
         */
        TENSORFLOW
    }

    /** What lies outside a picture. */
    public enum Outside {
        /** Gray, level 128. */
        FILL,
        /**
         * The picture mirrored at its border. It is what the TensorFlow program in fact does, since the function that it calls
         * reflects unless told otherwise, and its code for gray then finds nothing to fill. Not of {@link Arithmetic#PILLOW}.
         */
        REFLECT
    }

    /** Checks the values. @throws CallerException if one is out of range or the combination does not exist */
    public OperationRules {
        if (!(translate >= 0 && translate <= 4096) || !(cutout >= 0 && cutout <= 4096)) {
            throw new CallerException("operation rules", "bad constant", "translate " + translate + ", cutout " + cutout, "0 to 4096 pixels", "correct it");
        }
        if (arithmetic == Arithmetic.PILLOW && outside == Outside.REFLECT) {
            throw new CallerException("operation rules", "Pillow's transforms do not reflect", "REFLECT", "FILL", "use FILL or TensorFlow's arithmetic");
        }
    }

    /** This, with another {@code translate}. */
    public OperationRules translate(double pixels) {
        return new OperationRules(arithmetic, pixels, cutout, outside);
    }

    /** This, with another {@code cutout}. */
    public OperationRules cutout(double pixels) {
        return new OperationRules(arithmetic, translate, pixels, outside);
    }

    /** This, with another {@code outside}. */
    public OperationRules outside(Outside other) {
        return new OperationRules(arithmetic, translate, cutout, other);
    }

    /** Whether formulas are Pillow's. */
    boolean pillow() {
        return arithmetic == Arithmetic.PILLOW;
    }
}
