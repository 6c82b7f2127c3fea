package dev.jacquard.data;

/** Carries an {@link Augmentation} out. All chance comes from the given generator, so that a picture is the same whatever thread makes it. */
final class Augmenter {
    private static final Operation[] OPERATIONS = Operation.values();

    private Augmenter() {}

    /** Changes the picture; {@code random} stands where the crop and the mirroring left it. */
    static void apply(Augmentation augmentation, Canvas canvas, SampleRandom random) {
        switch (augmentation) {
            case Augmentation.None _ -> {}
            case Augmentation.AutoAugment a -> {
                Augmentation.SubPolicy chosen = a.policy().get(random.nextInt(a.policy().size()));
                step(chosen.first(), a.rules(), canvas, random);
                step(chosen.second(), a.rules(), canvas, random);
            }
            case Augmentation.RandAugment r -> {
                for (int i = 0; i < r.layers(); i++) {
                    int chosen = random.nextInt(OPERATIONS.length + 1);
                    if (chosen < OPERATIONS.length) {
                        apply(OPERATIONS[chosen], r.magnitude(), r.rules(), canvas, random);
                    }
                }
            }
        }
    }

    private static void step(Augmentation.Step step, OperationRules rules, Canvas canvas, SampleRandom random) {
        if (random.nextDouble() < step.probability()) {
            apply(step.operation(), step.level(), rules, canvas, random);
        }
    }

    private static void apply(Operation operation, double level, OperationRules rules, Canvas canvas, SampleRandom random) {
        boolean negative = operation.hasDirection() && random.nextDouble() < 0.5;
        operation.apply(canvas, negative ? -level : level, rules, random);
    }
}
