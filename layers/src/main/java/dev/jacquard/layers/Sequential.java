package dev.jacquard.layers;

import dev.jacquard.tensor.Tensor;
import java.util.List;

/** Modules one after the other, named {@code 0}, {@code 1}, ... */
public final class Sequential extends Module {
    /** A sequence. */
    public Sequential(List<? extends Module> modules) {
        for (int i = 0; i < modules.size(); i++) {
            child(Integer.toString(i), modules.get(i));
        }
    }

    /** A sequence. */
    public static Sequential of(Module... modules) {
        return new Sequential(List.of(modules));
    }

    @Override
    protected Tensor forward(Tensor x) {
        Tensor y = x;
        for (Module m : children().values()) {
            y = m.apply(y);
        }
        return y;
    }
}
