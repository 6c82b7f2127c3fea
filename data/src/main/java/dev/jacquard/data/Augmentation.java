package dev.jacquard.data;

import static dev.jacquard.data.Operation.AUTO_CONTRAST;
import static dev.jacquard.data.Operation.COLOR;
import static dev.jacquard.data.Operation.EQUALIZE;
import static dev.jacquard.data.Operation.INVERT;
import static dev.jacquard.data.Operation.POSTERIZE;
import static dev.jacquard.data.Operation.ROTATE;
import static dev.jacquard.data.Operation.SHEAR_X;
import static dev.jacquard.data.Operation.SHEAR_Y;
import static dev.jacquard.data.Operation.SOLARIZE;
import static dev.jacquard.data.Operation.SOLARIZE_ADD;
import static dev.jacquard.data.Operation.TRANSLATE_Y;

import dev.jacquard.tensor.CallerException;
import java.util.List;

/** What happens to a picture of training after it has been cut out, resized and mirrored: {@link Operation}s drawn by chance. Immutable data. */
public sealed interface Augmentation {
    /** Nothing happens. */
    Augmentation NONE = new None();

    /** AutoAugment v0 with a system's operations. */
    static AutoAugment autoAugment(OperationRules rules) {
        return new AutoAugment(AutoAugment.V0, rules);
    }

    /** RandAugment with the operations of NVIDIA's TensorFlow program. */
    static RandAugment randAugment(int layers, double magnitude) {
        return new RandAugment(layers, magnitude, OperationRules.TENSORFLOW_RANDAUGMENT);
    }

    /** Nothing happens; {@link #NONE}. */
    record None() implements Augmentation {}

    /**
     * One sub-policy per picture, chosen uniformly; each of its two steps is taken with its probability (Cubuk et al., "AutoAugment",
     * CVPR 2019, arXiv:1805.09501).
     *
     * @param policy the sub-policies; at least one
     * @param rules  how operations are carried out
     */
    record AutoAugment(List<SubPolicy> policy, OperationRules rules) implements Augmentation {
        /** The policy that the paper found on ImageNet, as both of NVIDIA's systems list it: 25 sub-policies. */
        public static final List<SubPolicy> V0 = List.of(
                row(EQUALIZE, 0.8, 1, SHEAR_Y, 0.8, 4),
                row(COLOR, 0.4, 9, EQUALIZE, 0.6, 3),
                row(COLOR, 0.4, 1, ROTATE, 0.6, 8),
                row(SOLARIZE, 0.8, 3, EQUALIZE, 0.4, 7),
                row(SOLARIZE, 0.4, 2, SOLARIZE, 0.6, 2),
                row(COLOR, 0.2, 0, EQUALIZE, 0.8, 8),
                row(EQUALIZE, 0.4, 8, SOLARIZE_ADD, 0.8, 3),
                row(SHEAR_X, 0.2, 9, ROTATE, 0.6, 8),
                row(COLOR, 0.6, 1, EQUALIZE, 1.0, 2),
                row(INVERT, 0.4, 9, ROTATE, 0.6, 0),
                row(EQUALIZE, 1.0, 9, SHEAR_Y, 0.6, 3),
                row(COLOR, 0.4, 7, EQUALIZE, 0.6, 0),
                row(POSTERIZE, 0.4, 6, AUTO_CONTRAST, 0.4, 7),
                row(SOLARIZE, 0.6, 8, COLOR, 0.6, 9),
                row(SOLARIZE, 0.2, 4, ROTATE, 0.8, 9),
                row(ROTATE, 1.0, 7, TRANSLATE_Y, 0.8, 9),
                row(SHEAR_X, 0.0, 0, SOLARIZE, 0.8, 4),
                row(SHEAR_Y, 0.8, 0, COLOR, 0.6, 4),
                row(COLOR, 1.0, 0, ROTATE, 0.6, 2),
                row(EQUALIZE, 0.8, 4, EQUALIZE, 0.0, 8),
                row(EQUALIZE, 1.0, 4, AUTO_CONTRAST, 0.6, 2),
                row(SHEAR_Y, 0.4, 7, SOLARIZE_ADD, 0.6, 7),
                row(POSTERIZE, 0.8, 2, SOLARIZE, 0.6, 10),
                row(SOLARIZE, 0.6, 8, EQUALIZE, 0.6, 1),
                row(COLOR, 0.8, 6, ROTATE, 0.4, 5));

        /** Copies the list. @throws CallerException if it is empty */
        public AutoAugment {
            policy = List.copyOf(policy);
            if (policy.isEmpty()) {
                throw new CallerException("AutoAugment", "no sub-policies", "an empty list", "at least one", "use V0 or Augmentation.NONE");
            }
        }

        private static SubPolicy row(Operation a, double aProbability, double aLevel, Operation b, double bProbability, double bLevel) {
            return new SubPolicy(new Step(a, aProbability, aLevel), new Step(b, bProbability, bLevel));
        }
    }

    /**
     * Two steps, one after the other.
     *
     * @param first  the step that sees the picture
     * @param second the step that sees what the first made of it
     */
    record SubPolicy(Step first, Step second) {}

    /**
     * An operation that takes place by chance.
     *
     * @param operation   what
     * @param probability how often, 0 to 1
     * @param level       how strongly, 0 to 10
     */
    record Step(Operation operation, double probability, double level) {
        /** Checks the ranges. @throws CallerException if a value is out of bounds */
        public Step {
            if (!(probability >= 0 && probability <= 1) || !(level >= 0 && level <= 10)) {
                throw new CallerException("AutoAugment", "bad step", operation + " with probability " + probability + ", level " + level,
                        "probability 0 to 1, level 0 to 10", "correct the policy");
            }
        }
    }

    /**
     * {@code layers} times, one of the sixteen operations or none, each as likely, at one magnitude (Cubuk et al., "RandAugment", NeurIPS 2020,
     * arXiv:1909.13719, in the form of NVIDIA's TensorFlow program, which always carries the chosen operation out).
     *
     * @param layers    operations per picture, N of the paper, 0 to 16
     * @param magnitude their level, M of the paper, 0 to 30; may be fractional, as it is between the stages of a schedule
     * @param rules     how operations are carried out
     */
    record RandAugment(int layers, double magnitude, OperationRules rules) implements Augmentation {
        /** Checks the ranges. @throws CallerException if a value is out of bounds */
        public RandAugment {
            if (layers < 0 || layers > 16 || !(magnitude >= 0 && magnitude <= 30)) {
                throw new CallerException("RandAugment", "out of range", layers + " layers, magnitude " + magnitude, "0 to 16 layers, magnitude 0 to 30", "give other values");
            }
        }
    }
}
