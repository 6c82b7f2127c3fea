package dev.jacquard.data;

import dev.jacquard.data.OperationRules.Outside;

/**
 * The operations of AutoAugment and RandAugment, in the order in which RandAugment numbers them. A level is 0 to 10, or above in RandAugment;
 * for operations that have a direction, a negative level goes the other way. {@link OperationRules} says what systems do differently.
 */
public enum Operation {
    /** Stretches each channel so that its least level becomes 0 and its largest 255. Has no level. */
    AUTO_CONTRAST {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.autoContrast(canvas, rules.pillow());
        }
    },
    /** Maps each channel so that its histogram becomes nearly flat. Has no level. */
    EQUALIZE {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.equalize(canvas);
        }
    },
    /** The negative. Has no level. */
    INVERT {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.solarize(canvas, 0);
        }
    },
    /** Turns by 3 degrees per level. */
    ROTATE {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            if (rules.pillow()) {
                PillowGeometry.rotate(canvas, level * 3);
            } else {
                TensorFlowGeometry.rotate(canvas, level / 10 * 30, rules.outside() == Outside.REFLECT);
            }
        }
    },
    /** Keeps the upper bits of each value: level 10 keeps 4. A higher level changes less. */
    POSTERIZE {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            int bits = rules.pillow() ? (int) Math.rint(level * 0.4) : Math.max((int) (level / 10 * 4), 1);
            PixelOps.posterize(canvas, Math.min(bits, 8));
        }
    },
    /** Inverts values from a threshold of 25.6 per level on. A higher level changes less. */
    SOLARIZE {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.solarize(canvas, rules.pillow() ? level * 25.6 : (int) (level / 10 * 256));
        }
    },
    /** Pulls colours to gray (below level 5) or apart: a factor of 0.1 + 0.18 per level. */
    COLOR {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.color(canvas, factor(level, rules), rules.pillow());
        }
    },
    /** Pulls values to a gray (below level 5) or away from it: a factor of 0.1 + 0.18 per level. */
    CONTRAST {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.contrast(canvas, factor(level, rules), rules.pillow());
        }
    },
    /** Multiplies values by 0.1 + 0.18 per level. */
    BRIGHTNESS {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.brightness(canvas, factor(level, rules));
        }
    },
    /** Blurs (below level 5) or sharpens: a factor of 0.1 + 0.18 per level. */
    SHARPNESS {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.sharpness(canvas, factor(level, rules), rules.pillow());
        }
    },
    /** Moves rows sideways by 0.03 of their distance from the top, per level. */
    SHEAR_X {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            if (rules.pillow()) {
                PillowGeometry.shearX(canvas, level * 0.03);
            } else {
                TensorFlowGeometry.nearest(canvas, new float[] {1, shear(level), 0, 0, 1, 0}, rules.outside() == Outside.REFLECT);
            }
        }
    },
    /** Moves columns up or down by 0.03 of their distance from the left, per level. */
    SHEAR_Y {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            if (rules.pillow()) {
                PillowGeometry.shearY(canvas, level * 0.03);
            } else {
                TensorFlowGeometry.nearest(canvas, new float[] {1, 0, 0, shear(level), 1, 0}, rules.outside() == Outside.REFLECT);
            }
        }
    },
    /** Moves sideways by a tenth of {@link OperationRules#translate} pixels per level. */
    TRANSLATE_X {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            double pixels = level / 10 * rules.translate();
            if (rules.pillow()) {
                PillowGeometry.translate(canvas, pixels, 0);
            } else {
                TensorFlowGeometry.nearest(canvas, new float[] {1, 0, (float) pixels, 0, 1, 0}, rules.outside() == Outside.REFLECT);
            }
        }
    },
    /** Moves up or down by a tenth of {@link OperationRules#translate} pixels per level. */
    TRANSLATE_Y {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            double pixels = level / 10 * rules.translate();
            if (rules.pillow()) {
                PillowGeometry.translate(canvas, 0, pixels);
            } else {
                TensorFlowGeometry.nearest(canvas, new float[] {1, 0, 0, 0, 1, (float) pixels}, rules.outside() == Outside.REFLECT);
            }
        }
    },
    /** Blanks a square whose middle is drawn uniformly; it reaches a tenth of {@link OperationRules#cutout} pixels per level to each side. */
    CUTOUT {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            int y = random.nextInt(canvas.height());
            int x = random.nextInt(canvas.width());
            PixelOps.cutout(canvas, x, y, (int) (level / 10 * rules.cutout()));
        }
    },
    /** Adds 11 per level to values below 128. */
    SOLARIZE_ADD {
        @Override
        void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random) {
            PixelOps.solarizeAdd(canvas, rules.pillow() ? level * 11 : (int) (level / 10 * 110));
        }
    };

    /** Changes the picture; only {@link #CUTOUT} draws. */
    abstract void apply(Canvas canvas, double level, OperationRules rules, SampleRandom random);

    /** Whether the operation has a direction, which is drawn: half of the pictures go the other way. */
    boolean hasDirection() {
        return switch (this) {
            case ROTATE, SHEAR_X, SHEAR_Y, TRANSLATE_X, TRANSLATE_Y -> true;
            default -> false;
        };
    }

    private static double factor(double level, OperationRules rules) {
        return rules.pillow() ? 0.1 + level * 0.18 : level / 10 * 1.8 + 0.1;
    }

    private static float shear(double level) {
        return (float) (level / 10 * 0.3);
    }
}
