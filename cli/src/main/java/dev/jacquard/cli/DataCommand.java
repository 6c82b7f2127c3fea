package dev.jacquard.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code jacquard data}: for people who look at data sets and at the pipeline that reads them. */
@Command(name = "data", description = "Times the image pipeline, and shows what a network sees of a data set.", synopsisSubcommandLabel = "COMMAND",
    subcommands = {DataBenchCommand.class, DataShowCommand.class})
final class DataCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getOut());
        return Main.DONE;
    }
}
