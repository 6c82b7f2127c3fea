package dev.jacquard.passes;

import dev.jacquard.tensor.backend.Backend;

/**
 * All that is done to graphs for a device's fused kernels, in the order in which it has to be done; a device without them gets the very same graphs back, but for casts that change
 * nothing.
 */
public final class Fusion {
    private Fusion() {}

    /** Of the forward part of a step, before its gradients are taken (ADR 0011). */
    public static Pass beforeGradients(Backend backend) {
        return new FuseNormalization(backend);
    }

    /** Of a whole step, whose forward part went through {@link #beforeGradients}. */
    public static Pass ofStep(Backend backend) {
        return new StripCasts().then(new FuseShortcuts(backend)).then(new FuseNormalizationGradients(backend)).then(new FuseProducts(backend)).then(new FuseGates(backend))
                .then(new FuseUpdates(backend)).then(new FuseCasts(backend));
    }

    /** Of a graph without gradients. */
    public static Pass ofEvaluation(Backend backend) {
        return new FuseNormalization(backend).then(new FuseProducts(backend)).then(new FuseGates(backend));
    }
}
