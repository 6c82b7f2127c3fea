package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What users call data sets; see {@link ImageSource#open(String)}. */
final class SourceNames {
    private static final Logger LOG = LoggerFactory.getLogger(SourceNames.class);
    private static final String EXPECTED = "a folder of class folders, a tar of one, tars (a folder, train-*.tar, train-{000..146}.tar), a list (.txt, .tsv), or several with "
            + "commas between";
    private static final Pattern RANGE = Pattern.compile("\\{(\\d{1,9})\\.\\.(\\d{1,9})}");
    /** Not within braces. */
    private static final Pattern COMMA = Pattern.compile(",(?![^{},]*(,[^{},]*)*})");
    private static final int MOST_SHARDS = 100_000;

    private SourceNames() {}

    /** Opens what the name says, and warns of what was passed over in it. */
    static ImageSource open(String data) {
        return warned(data, named(data));
    }

    /** Opens what lies at a path, and warns likewise. */
    static ImageSource open(Path path) {
        return warned(path.toString(), at(path));
    }

    private static ImageSource warned(String name, ImageSource source) {
        Map<String, Integer> passed = source.passedOver();
        if (!passed.isEmpty()) {
            LOG.warn("{}: passed over {}", name, PassedOver.text(passed));
        }
        return source;
    }

    private static ImageSource named(String data) {
        if (SyntheticSource.isName(data)) {
            return SyntheticSource.of(data);
        }
        if (exists(data)) {
            return at(path(data));
        }
        List<String> parts = Arrays.stream(COMMA.split(data, -1)).map(String::strip).toList();
        if (parts.size() == 1) {
            return one(data);
        }
        List<ImageSource> open = new ArrayList<>();
        boolean done = false;
        try {
            for (String part : parts) {
                if (part.isEmpty()) {
                    throw new DataException(data, "an empty name between commas", "'" + data + "'", EXPECTED, "remove the comma");
                }
                if (SyntheticSource.isName(part)) {
                    throw new DataException(data, "synthetic images beside others", part, "images only, or synthetic alone", "remove one");
                }
                open.add(one(part));
            }
            Concatenation all = new Concatenation(open);
            done = true;
            return all;
        } finally {
            if (!done) {
                open.forEach(ImageSource::close);
            }
        }
    }

    private static ImageSource one(String name) {
        return exists(name) || !isPattern(name) ? at(path(name)) : shards(name, expanded(name));
    }

    private static boolean isPattern(String name) {
        return name.indexOf('*') >= 0 || name.indexOf('?') >= 0 || name.indexOf('[') >= 0 || name.indexOf('{') >= 0;
    }

    private static boolean exists(String name) {
        return Files.exists(path(name));
    }

    private static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new DataException(name, "no path", e.getMessage(), EXPECTED, "check the name", e);
        }
    }

    private static ImageSource at(Path path) {
        if (!Files.exists(path)) {
            throw new DataException(path.toString(), "no such data set", "nothing at this path", EXPECTED, "check the path");
        }
        try {
            if (Files.isDirectory(path)) {
                List<Path> tars = tarsOnly(path);
                return tars.isEmpty() ? FolderSource.open(path) : TarSource.open(tars, path.toString());
            }
            if (Files.isRegularFile(path)) {
                if (path.toString().endsWith(".tar") || TarIndex.hasTarMagic(path)) {
                    return TarSource.open(List.of(path), path.toString());
                }
                if (ListSource.isListName(path)) {
                    return ListSource.open(path);
                }
            } else {
                throw new DataException(path.toString(), "not a file", "a pipe or a device", EXPECTED, "save what it gives to a file: every epoch reads it again");
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw new DataException(path.toString(), "the data set cannot be read", e.toString(), "a readable file or folder", "check its permissions and the disk", e);
        }
        throw new DataException(path.toString(), "unknown kind of data set", "a file that is no tar and no list", EXPECTED,
                "unpack it, or pack the folder with: tar cf images.tar folder");
    }

    /** The tars in a folder, by name, if it has no folders; else none. */
    private static List<Path> tarsOnly(Path folder) throws IOException {
        List<Path> tars = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
            for (Path p : all) {
                boolean hidden = p.getFileName().toString().startsWith(".");
                if (!hidden && Files.isDirectory(p)) {
                    return List.of();
                }
                if (!hidden && p.toString().endsWith(".tar") && Files.isRegularFile(p)) {
                    tars.add(p);
                }
            }
        }
        tars.sort(null);
        return tars;
    }

    private static ImageSource shards(String pattern, List<Path> paths) {
        if (paths.isEmpty()) {
            throw new DataException(pattern, "no such data set", "no file of such a name", EXPECTED, "check the pattern");
        }
        for (Path path : paths) {
            if (!Files.exists(path)) {
                throw new DataException(path.toString(), "no such data set", "nothing at this path", "a tar, as " + pattern + " says", "check the numbers");
            }
        }
        return TarSource.open(paths, pattern);
    }

    /** Files that a pattern means: ranges in braces count up, each of them a file that must be there; stars and the like match what is there, in the last part of the path only. */
    private static List<Path> expanded(String pattern) {
        Matcher range = RANGE.matcher(pattern);
        if (range.find()) {
            int from = Integer.parseInt(range.group(1));
            int to = Integer.parseInt(range.group(2));
            if (to < from || to - from >= MOST_SHARDS) {
                throw new DataException(pattern, "no range", range.group(), "first and last number of at most " + MOST_SHARDS + " tars", "correct the numbers");
            }
            List<Path> all = new ArrayList<>();
            for (int i = from; i <= to; i++) {
                String number = ("%0" + range.group(1).length() + "d").formatted(i);
                all.addAll(expanded(pattern.substring(0, range.start()) + number + pattern.substring(range.end())));
                if (all.size() > MOST_SHARDS) {
                    throw new DataException(pattern, "too many tars", "more than " + MOST_SHARDS, "at most " + MOST_SHARDS, "correct the numbers");
                }
            }
            return all;
        }
        if (!isPattern(pattern)) {
            return List.of(path(pattern));
        }
        Path whole = path(pattern);
        Path folder = whole.getParent() == null ? Path.of("") : whole.getParent();
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> matches = Files.newDirectoryStream(folder, whole.getFileName().toString())) {
            matches.forEach(found::add);
        } catch (IOException | DirectoryIteratorException | PatternSyntaxException e) {
            throw new DataException(pattern, "no such data set", e.toString(), "a pattern in the last part of the path", "check the pattern", e);
        }
        found.sort(null);
        return found;
    }
}
