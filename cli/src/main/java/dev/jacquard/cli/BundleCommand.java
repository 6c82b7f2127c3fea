package dev.jacquard.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard bundle}. */
@Command(name = "bundle", description = "Packs Jacquard with its own Java into a folder and an archive for Linux on x86-64 machines that have no Java.", sortOptions = false)
final class BundleCommand implements Callable<Integer> {
    @Option(names = "--out", paramLabel = "DIR", description = "Folder to make; the archive is put beside it. Default: run/jacquard-linux-x86_64")
    private Path out = Path.of("run", "jacquard-linux-x86_64");

    @Option(names = "--format", paramLabel = "tar.xz|tar.gz|none", description = "Of the archive. Default: tar.xz where there is an xz program, else tar.gz")
    private String format = "";

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        List<Path> classPath = Arrays.stream(System.getProperty("java.class.path").split(java.io.File.pathSeparator)).filter(e -> !e.isEmpty()).map(Path::of).toList();
        Bundle.Result made = Bundle.make(classPath, out, format);
        PrintWriter text = spec.commandLine().getOut();
        text.printf(Locale.ROOT, "folder   %s, %.1f MB%n", made.folder(), made.folderBytes() / 1e6);
        if (made.archive() != null) {
            text.printf(Locale.ROOT, "archive  %s, %.1f MB%n", made.archive(), made.archiveBytes() / 1e6);
        }
        text.printf("there: unpack it, then %s/jacquard doctor%n", made.folder().getFileName());
        return Main.DONE;
    }
}
