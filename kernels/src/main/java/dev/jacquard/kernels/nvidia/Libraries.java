package dev.jacquard.kernels.nvidia;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Looks for NVIDIA's libraries, by their files alone: nothing is loaded, no program is started. In this order: the folders of {@value #PROPERTY}, those of the system's
 * loader, those where drivers are put beside it (WSL, containers, NixOS), the CUDA toolkit, and the packages {@code nvidia-*} of Python.
 */
final class Libraries {
    /** System property with the folders to look at first, separated as a path is. */
    static final String PROPERTY = "jacquard.cuda.libs";

    /** The driver's library. */
    static final String DRIVER = "libcuda.so.1";

    private final Map<String, String> environment;
    private final UnaryOperator<String> properties;
    private final Path root;

    /**
     * One place that was looked at.
     *
     * @param where in words
     * @param result what was found there, or why nothing was
     */
    record Look(String where, String result) {}

    /**
     * A search and its story.
     *
     * @param name of the library
     * @param file the first that is fit to be loaded
     * @param looks all places, in order, up to the one where it was found
     */
    record Search(String name, Optional<Path> file, List<Look> looks) {
        /** The version as the file's own name or Python's package tells it; empty if neither does. */
        Optional<String> version() {
            return file.flatMap(Libraries::version);
        }
    }

    /** A place to look at. @param folders of it that exist, in order */
    private record Place(String where, List<Path> folders) {}

    /** Looks on this machine. */
    Libraries() {
        this(System.getenv(), System::getProperty, Path.of("/"));
    }

    /** Looks on a machine that a test has made. @param root what stands for {@code /} in paths that are not the user's */
    Libraries(Map<String, String> environment, UnaryOperator<String> properties, Path root) {
        this.environment = environment;
        this.properties = properties;
        this.root = root;
    }

    /** Looks for a library. @param names file names it may have, the best first */
    Search find(String... names) {
        List<Look> looks = new ArrayList<>();
        for (Place place : all()) {
            List<String> bad = new ArrayList<>();
            for (String name : names) {
                for (Path folder : place.folders) {
                    Path file = folder.resolve(name);
                    if (Files.isRegularFile(file)) {
                        String problem = Elf.problem(file);
                        if (problem == null) {
                            looks.add(new Look(place.where, file.toString()));
                            return new Search(names[0], Optional.of(file), looks);
                        }
                        bad.add(file + " " + problem);
                    }
                }
            }
            looks.add(new Look(place.where, !bad.isEmpty() ? String.join(", ", bad) : place.folders.isEmpty() ? "no such folder" : "not there"));
        }
        return new Search(names[0], Optional.empty(), looks);
    }

    /** The places that are looked at, in words, in order. */
    List<String> places() {
        return all().stream().map(p -> p.where + switch (p.folders.size()) {
            case 0 -> p.where.endsWith("not set") ? "" : ": no such folder";
            case 1 -> ": " + p.folders.getFirst();
            default -> ": " + p.folders.size() + " folders";
        }).toList();
    }

    private List<Place> all() {
        String explicit = properties.apply(PROPERTY);
        String home = environment.getOrDefault("CUDA_HOME", environment.get("CUDA_PATH"));
        List<Place> places = new ArrayList<>();
        places.add(new Place("-D" + PROPERTY + (explicit == null ? ", which is not set" : "=" + explicit), explicit == null ? List.of() : split(explicit)));
        places.add(new Place("the system's loader (LD_LIBRARY_PATH, ld.so.conf, /usr/lib)", loader()));
        places.add(new Place("/usr/lib/wsl/lib, /usr/local/nvidia/lib64, /run/opengl-driver/lib", there("usr/lib/wsl/lib", "usr/local/nvidia/lib64", "run/opengl-driver/lib")));
        List<Path> toolkit = new ArrayList<>(home == null ? List.of() : existing(Stream.of(Path.of(home, "lib64"))));
        toolkit.addAll(there("usr/local/cuda/lib64"));
        places.add(new Place(home == null ? "CUDA_HOME, which is not set, and /usr/local/cuda/lib64" : "CUDA_HOME=" + home + " and /usr/local/cuda/lib64", toolkit));
        places.add(new Place("Python's site-packages/nvidia", python()));
        return places;
    }

    private static List<Path> split(String path) {
        return existing(Stream.of(path.split(File.pathSeparator)).filter(s -> !s.isBlank()).map(Path::of));
    }

    private static List<Path> existing(Stream<Path> folders) {
        return folders.filter(Files::isDirectory).distinct().toList();
    }

    private List<Path> there(String... folders) {
        return existing(Stream.of(folders).map(root::resolve));
    }

    private List<Path> loader() {
        Set<Path> all = new LinkedHashSet<>(split(environment.getOrDefault("LD_LIBRARY_PATH", "")));
        configured(root.resolve("etc/ld.so.conf"), all);
        listed(root.resolve("etc/ld.so.conf.d"), "*.conf").forEach(f -> configured(f, all));
        all.addAll(there("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib", "usr/lib"));
        return List.copyOf(all);
    }

    private void configured(Path file, Set<Path> into) {
        if (Files.isReadable(file)) {
            try (Stream<String> lines = Files.lines(file)) {
                lines.map(String::strip).filter(l -> l.startsWith("/")).map(l -> root.resolve(l.substring(1))).filter(Files::isDirectory).forEach(into::add);
            } catch (IOException | java.io.UncheckedIOException e) {
                // A file that cannot be read names no folder; the loader has read it into its cache, so the last try is by name (Probe).
            }
        }
    }

    /** The {@code lib} folders of all packages {@code nvidia-*}, of the environments and interpreters that are likely to be meant. */
    private List<Path> python() {
        Set<Path> prefixes = new LinkedHashSet<>();
        Stream.of("VIRTUAL_ENV", "CONDA_PREFIX").map(environment::get).filter(p -> p != null).map(Path::of).forEach(prefixes::add);
        for (Path folder : split(environment.getOrDefault("PATH", ""))) {
            Path python = folder.resolve("python3");
            if (Files.isExecutable(python)) {
                // A virtual environment's python3 is a link: its packages are beside the link, those of the interpreter beside the target.
                addParent(folder, prefixes);
                real(python).ifPresent(p -> addParent(p.getParent(), prefixes));
            }
        }
        if (environment.get("HOME") != null) {
            prefixes.add(Path.of(environment.get("HOME"), ".local"));
            prefixes.addAll(listed(Path.of(environment.getOrDefault("PYENV_ROOT", environment.get("HOME") + "/.pyenv"), "versions"), "*"));
        }
        Stream.of("usr", "usr/local").map(root::resolve).forEach(prefixes::add);
        Set<Path> found = new LinkedHashSet<>();
        for (Path prefix : prefixes) {
            for (Path lib : listed(prefix.resolve("lib"), "python3*")) {
                for (Path packages : List.of(lib.resolve("site-packages"), lib.resolve("dist-packages"))) {
                    listed(packages.resolve("nvidia"), "*").stream().map(p -> p.resolve("lib")).filter(Files::isDirectory).forEach(found::add);
                }
            }
        }
        return List.copyOf(found);
    }

    private static void addParent(Path bin, Set<Path> into) {
        if (bin != null && bin.getParent() != null) {
            into.add(bin.getParent());
        }
    }

    private static Optional<Path> real(Path file) {
        try {
            return Optional.of(file.toRealPath());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Entries of a folder by a pattern, in order of their names; none if there is no such folder. */
    private static List<Path> listed(Path folder, String pattern) {
        List<Path> all = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, pattern)) {
                entries.forEach(all::add);
            } catch (IOException | java.nio.file.DirectoryIteratorException e) {
                return List.of();
            }
        }
        all.sort(null);
        return all;
    }

    private static Optional<String> version(Path file) {
        String name = real(file).orElse(file).getFileName().toString();
        String number = name.substring(name.indexOf(".so.") + 4);
        if (number.contains(".")) {
            return Optional.of(number);
        }
        // .../site-packages/nvidia/cudnn/lib/libcudnn.so.9 came with .../site-packages/nvidia_cudnn_cu12-9.5.1.17.dist-info.
        Path packages = file.toAbsolutePath().getParent();
        for (int i = 0; i < 3 && packages != null; i++) {
            packages = packages.getParent();
        }
        String part = file.toAbsolutePath().getParent().getParent() == null ? "" : file.toAbsolutePath().getParent().getParent().getFileName() + "";
        return packages == null || part.isEmpty() ? Optional.empty() : listed(packages, "nvidia_" + part + "_cu*-*.dist-info").stream()
                .map(p -> p.getFileName().toString()).map(n -> n.substring(n.indexOf('-') + 1, n.length() - ".dist-info".length())).findFirst();
    }
}
