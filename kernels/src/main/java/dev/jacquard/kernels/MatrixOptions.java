package dev.jacquard.kernels;

import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import java.nio.file.Path;

/**
 * How a backend computes matrix products and convolutions.
 *
 * @param tf32 whether products of F32 operands may round them to TF32
 * @param selection among candidates, where they are not timed and nothing is known of them
 * @param libraries whether cuBLAS, cuBLASLt and cuDNN may compute where they are installed
 * @param autotune OFF to leave all to the selection; FILE to take what the file of choices says where it says something; ON to time the others and tell the file
 * @param choices folder of the files of choices
 */
public record MatrixOptions(boolean tf32, Selection selection, boolean libraries, Autotune autotune, Path choices) {
    /** F32 is F32; candidates by rule; no libraries. */
    public static final MatrixOptions DEFAULT = new MatrixOptions(false, Selection.BY_RULE);

    /** Nothing is timed, no libraries are used. */
    public MatrixOptions(boolean tf32, Selection selection) {
        this(tf32, selection, false, Autotune.OFF, ChoiceFile.folder());
    }

    /** What a device was opened with. @param usual what {@link Autotune#DEFAULT} means on that device */
    public static MatrixOptions of(BackendOptions options, Autotune usual) {
        return new MatrixOptions(options.tf32(), Selection.BY_RULE, options.libraries(), options.autotune() == Autotune.DEFAULT ? usual : options.autotune(), ChoiceFile.folder());
    }
}
