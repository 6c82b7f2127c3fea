package dev.jacquard.cli;

import dev.jacquard.mixedprecision.LossScale;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import java.util.List;

/** The values of flags that choose a half-precision type: {@code off}, {@code fp16}, {@code bf16}. */
final class Amp {
    /** That there are besides {@code off}. */
    static final List<String> HALVES = List.of("fp16", "bf16");

    private Amp() {}

    /**
     * A value's meaning, nothing kept in F32; fp16 with PyTorch's dynamic loss scaling. @param flag for messages @return null for off @throws CallerException if it is no such
     * value
     */
    static MixedPrecision of(String flag, String value) {
        return switch (value) {
            case "off" -> null;
            case "fp16" -> new MixedPrecision(DType.F16, List.of(), LossScale.pytorch());
            case "bf16" -> new MixedPrecision(DType.BF16, List.of(), null);
            default -> throw new CallerException(flag, "no such value", value, "off, fp16 or bf16", "choose one of these");
        };
    }
}
