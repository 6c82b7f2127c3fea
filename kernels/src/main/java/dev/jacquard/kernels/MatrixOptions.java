package dev.jacquard.kernels;

import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import java.nio.file.Path;

/**
 * How a backend computes matrix products and convolutions.
 *
 * @param tf32 whether products of F32 operands round them to TF32, where the device does that, or who makes graphs where it does not
 * @param libraries whether engines of cuBLAS and cuDNN are candidates where they are present
 * @param selection among candidates, where they are not timed and nothing is known of them
 * @param autotune OFF to leave all to the selection; FILE to take what the file of choices says where it says something; ON to time the others and tell the file
 * @param choices folder of the files of choices
 */
public record MatrixOptions(Tf32 tf32, boolean libraries, Selection selection, Autotune autotune, Path choices) {
    /** F32 is F32; candidates by rule. */
    public static final MatrixOptions DEFAULT = new MatrixOptions(false, Selection.BY_RULE);

    /** Nothing is timed. */
    public MatrixOptions(boolean tf32, boolean libraries, Selection selection) {
        this(tf32 ? Tf32.ON : Tf32.OFF, libraries, selection, Autotune.OFF, ChoiceFile.folder());
    }

    /** Nothing is timed, libraries are candidates. */
    public MatrixOptions(boolean tf32, Selection selection) {
        this(tf32, true, selection);
    }

    /** What a device was opened with. @param usual what {@link Autotune#DEFAULT} means on that device */
    public static MatrixOptions of(BackendOptions options, Autotune usual) {
        return new MatrixOptions(options.tf32(), options.libraries(), Selection.BY_RULE, options.autotune() == Autotune.DEFAULT ? usual : options.autotune(), ChoiceFile.folder());
    }
}
