package dev.jacquard.tensor.backend;

import dev.jacquard.tensor.DeviceException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses a backend by name, or the best there is; says which and why. */
public final class Backends {
    private static final Logger LOG = LoggerFactory.getLogger(Backends.class);

    private Backends() {}

    /** All providers on the class path, the preferred first. */
    public static List<BackendProvider> providers() {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparingInt(BackendProvider::rank).reversed())
                .toList();
    }

    /**
     * Opens a backend. {@code auto} takes the first that works and logs one line per candidate; a name takes that one or fails, never another.
     *
     * @param device {@code auto} or a provider's name
     * @param threads worker threads; 0 for one per processor
     * @throws DeviceException if it does not exist or does not work here
     */
    public static Backend open(String device, int threads) {
        List<BackendProvider> all = providers();
        if (!device.equals("auto")) {
            BackendProvider named = all.stream().filter(p -> p.name().equals(device)).findFirst().orElseThrow(() -> new DeviceException("device",
                    "no such backend on the class path", device, all.stream().map(BackendProvider::name).collect(Collectors.joining(", ", "auto, ", "")),
                    "choose one of these, or add the backend's jar"));
            named.unavailable().ifPresent(why -> {
                throw new DeviceException("device", "not available here", device, "a working " + device + " device", why);
            });
            return named.open(threads);
        }
        for (BackendProvider p : all.stream().filter(BackendProvider::automatic).toList()) {
            Optional<String> why = p.unavailable();
            if (why.isEmpty()) {
                LOG.info("device auto: {} chosen", p.name());
                return p.open(threads);
            }
            LOG.info("device auto: not {}: {}", p.name(), why.get());
        }
        throw new DeviceException("device", "no backend works here", "candidates " + all.stream().map(BackendProvider::name).toList(), "one that does", "add jacquard-cpu to the class path");
    }
}
