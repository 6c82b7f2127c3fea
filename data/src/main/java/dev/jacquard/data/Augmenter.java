package dev.jacquard.data;

/** Carries an {@link Augmentation} out. All chance comes from the given generator, so that a picture is the same whatever thread makes it. */
final class Augmenter {
    /** What people are told who look at pictures one by one ({@link Preview}). */
    interface Trace {
        /** Tells nobody. */
        Trace NONE = new Trace() {
            @Override
            public void chose(int subPolicy) {}

            @Override
            public void applied(Operation operation, double level) {}
        };

        /** AutoAugment took this one of its sub-policies, from 0. */
        void chose(int subPolicy);

        /** An operation was carried out. @param level negative for the other direction */
        void applied(Operation operation, double level);
    }

    private static final Operation[] OPERATIONS = Operation.values();

    private Augmenter() {}

    /** Changes the picture; {@code random} stands where the crop and the mirroring left it. */
    static void apply(Augmentation augmentation, Canvas canvas, SampleRandom random) {
        apply(augmentation, canvas, random, Trace.NONE);
    }

    /** The same, telling what happened. */
    static void apply(Augmentation augmentation, Canvas canvas, SampleRandom random, Trace trace) {
        switch (augmentation) {
            case Augmentation.None _ -> {}
            case Augmentation.AutoAugment a -> {
                int number = random.nextInt(a.policy().size());
                trace.chose(number);
                Augmentation.SubPolicy chosen = a.policy().get(number);
                step(chosen.first(), a.rules(), canvas, random, trace);
                step(chosen.second(), a.rules(), canvas, random, trace);
            }
            case Augmentation.RandAugment r -> {
                for (int i = 0; i < r.layers(); i++) {
                    int chosen = random.nextInt(OPERATIONS.length + 1);
                    if (chosen < OPERATIONS.length) {
                        apply(OPERATIONS[chosen], r.magnitude(), r.rules(), canvas, random, trace);
                    }
                }
            }
        }
    }

    private static void step(Augmentation.Step step, OperationRules rules, Canvas canvas, SampleRandom random, Trace trace) {
        if (random.nextDouble() < step.probability()) {
            apply(step.operation(), step.level(), rules, canvas, random, trace);
        }
    }

    private static void apply(Operation operation, double level, OperationRules rules, Canvas canvas, SampleRandom random, Trace trace) {
        boolean negative = operation.hasDirection() && random.nextDouble() < 0.5;
        double directed = negative ? -level : level;
        operation.apply(canvas, directed, rules, random);
        trace.applied(operation, directed);
    }
}
