package dev.jacquard.cli;

import dev.jacquard.models.Naming;
import dev.jacquard.models.Weights;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code jacquard convert}. */
@Command(name = "convert", sortOptions = false, description = {"Writes weights as safetensors under the names of another library.",
    "Reads safetensors and PyTorch's .pt and .pth files of plain tensors, whose code is never run; says what it found."})
final class ConvertCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "IN", description = "Weights under the names of torchvision, timm, NVIDIA or Jacquard; or a checkpoint with such.")
    private Path in;

    @Parameters(index = "1", paramLabel = "OUT", description = "Where the safetensors file goes; a file that is there is replaced.")
    private Path out;

    @Option(names = "--names", paramLabel = "NAMES", description = "Whose names to write: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}", defaultValue = "ours",
            completionCandidates = Labels.class)
    private String names;

    @Option(names = "--arch", paramLabel = "NAME", description = "Architecture to insist on. Default: what the tensors look like")
    private String arch;

    @Option(names = "--ema", description = "Take the averaged weights of a checkpoint.")
    private boolean averaged;

    @Spec
    private CommandSpec spec;

    /** For the help. */
    static final class Labels implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Naming.values()).map(Naming::label).iterator();
        }
    }

    @Override
    public Integer call() {
        Naming naming = Naming.of(names);
        Weights.Info found = Weights.convert(in, out, naming, arch, averaged);
        PrintWriter print = spec.commandLine().getOut();
        print.println(in + ": " + found.summary() + (found.averages() && !averaged ? "; averaged weights, too: --ema takes them" : ""));
        print.println(out + ": names of " + naming);
        return Main.DONE;
    }
}
