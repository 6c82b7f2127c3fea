package dev.jacquard.cli;

import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendProvider;
import dev.jacquard.tensor.backend.Backends;
import java.util.List;
import picocli.CommandLine.Option;

/** The flags that choose where to compute. */
final class DeviceOptions {
    @Option(names = "--device", paramLabel = "auto|cpu|cuda[:N]", description = "Where to compute; auto takes the best there is. Default: auto")
    String device;

    @Option(names = "--threads", paramLabel = "N", description = "Threads of the CPU backend. Default: one per processor")
    Integer threads;

    Backend open() {
        return open(device == null ? "auto" : device, threads == null ? 0 : threads);
    }

    static Backend open(String device, int threads) {
        if (threads < 0 || threads > 1024) {
            throw new dev.jacquard.tensor.CallerException("--threads", "out of range", Integer.toString(threads), "1 to 1024, or 0 for one per processor", "give another value");
        }
        List<String> names = Backends.providers().stream().map(BackendProvider::name).toList();
        String name = device.replaceFirst(":.*", "");
        if (!device.equals("auto") && !names.contains(name)) {
            boolean cuda = name.equals("cuda");
            throw new DeviceException("--device " + device, cuda ? "this build has no CUDA backend" : "no such device", device, "auto or " + String.join(", ", names),
                    "choose one of these; ./jacquard doctor says what this machine has");
        }
        return Backends.open(device, threads);
    }
}
