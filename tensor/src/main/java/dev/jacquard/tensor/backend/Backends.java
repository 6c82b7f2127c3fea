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

    /** Opens a backend with default options. @param threads worker threads; 0 for one per processor @throws DeviceException as {@link #open(String, BackendOptions)} */
    public static Backend open(String device, int threads) {
        return open(device, BackendOptions.DEFAULT.threads(threads));
    }

    /**
     * Opens a backend. {@code auto} takes the first that works and logs one line per candidate; a name takes that one or fails, never another.
     *
     * @param device {@code auto}, a provider's name, or {@code name:index} for one of several devices, counted from 0
     * @param options what a backend is told; each takes what concerns it
     * @throws DeviceException if it does not exist or does not work here
     */
    public static Backend open(String device, BackendOptions options) {
        List<BackendProvider> all = providers();
        if (!device.equals("auto")) {
            int colon = device.indexOf(':');
            String name = colon < 0 ? device : device.substring(0, colon);
            BackendProvider named = all.stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow(() -> new DeviceException("device",
                    "no such backend on the class path", device, all.stream().map(BackendProvider::name).collect(Collectors.joining(", ", "auto, ", "")),
                    "choose one of these, or add the backend's jar"));
            named.unavailable().ifPresent(why -> {
                throw new DeviceException("device", "not available here", device, "a working " + name + " device", why);
            });
            return named.open(options, colon < 0 ? -1 : index(device, colon));
        }
        for (BackendProvider p : all.stream().filter(BackendProvider::automatic).toList()) {
            Optional<String> why = p.unavailable();
            if (why.isEmpty()) {
                LOG.info("device auto: {} chosen", p.name());
                return p.open(options, -1);
            }
            LOG.info("device auto: not {}: {}", p.name(), why.get());
        }
        throw new DeviceException("device", "no backend works here", "candidates " + all.stream().map(BackendProvider::name).toList(), "one that does",
                "add jacquard-cpu to the class path");
    }

    private static int index(String device, int colon) {
        String digits = device.substring(colon + 1);
        if (!digits.matches("\\d{1,3}")) {
            throw new DeviceException("device", "no device number", device, "a number behind the colon, such as " + device.substring(0, colon) + ":0", "give another one");
        }
        return Integer.parseInt(digits);
    }
}
