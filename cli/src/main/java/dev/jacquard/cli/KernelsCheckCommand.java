package dev.jacquard.cli;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.Workload;
import dev.jacquard.tck.Case;
import dev.jacquard.tck.Sweep;
import dev.jacquard.tensor.CallerException;
import java.io.PrintWriter;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard kernels check}. */
@Command(name = "check", description = "Checks kernels in every layout against double precision: values, guard bands, repeatability; on the emulator also every access they make.",
        sortOptions = false)
final class KernelsCheckCommand implements Callable<Integer> {
    @Mixin
    private CudaOptions cuda;

    @Option(names = "--seed", paramLabel = "N", description = "Of the operands' values. Default: as in the tests")
    private Long seed;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        // A module stands for the ops that it is measured on; anything else is part of a case's name.
        Set<String> ops = CudaBackend.workloads(1).stream().filter(w -> w.module().equals(cuda.text)).map((Workload w) -> w.sample().op().name()).collect(Collectors.toSet());
        var types = cuda.dtypes();
        try (CudaBackend backend = cuda.open()) {
            SweepTable table = new SweepTable(out, 1);
            int cases = table.run(new Sweep(backend, types, seed == null ? Case.seedOfRun() : seed), c -> ops.isEmpty() ? Case.selected(c.name(), cuda.text)
                    : ops.contains(c.op()));
            if (cases == 0) {
                throw new CallerException("kernels check", "no such case", cuda.text, "a module, or part of a case's name such as 'softmax('",
                        "./jacquard kernels list names the modules");
            }
            table.failures().forEach(out::println);
            return table.failures().isEmpty() ? Main.DONE : Main.OUR_FAULT;
        }
    }
}
