package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** A folder with one subfolder of images per class. */
final class FolderSource implements ImageSource {
    private final SampleIndex<Path> index;

    private FolderSource(SampleIndex<Path> index) {
        this.index = index;
    }

    /** Lists the folder, see {@link ImageSource#open}. */
    static FolderSource open(Path root) {
        Set<String> folders = new TreeSet<>();
        List<SampleIndex.Found<Path>> found = new ArrayList<>();
        try {
            List<Path> children;
            try (Stream<Path> list = Files.list(root)) {
                children = list.filter(p -> !hidden(p.getFileName())).toList();
            }
            if (children.isEmpty()) {
                throw new DataException(root.toString(), "the folder is empty", "no files and no folders", "one subfolder of images per class", "check the path");
            }
            for (Path folder : children) {
                if (!Files.isDirectory(folder)) {
                    continue;
                }
                String name = folder.getFileName().toString();
                folders.add(name);
                try (Stream<Path> walk = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
                    walk.filter(p -> !hidden(folder.relativize(p)) && SampleIndex.isImageName(p.getFileName().toString()) && Files.isRegularFile(p))
                            .forEach(p -> found.add(new SampleIndex.Found<>(name, folder.relativize(p).toString(), p)));
                }
            }
        } catch (IOException | UncheckedIOException e) {
            throw new DataException(root.toString(), "the folder cannot be listed", e.toString(), "readable folders", "check the permissions and the disk", e);
        }
        return new FolderSource(SampleIndex.of(root.toString(), folders, found));
    }

    private static boolean hidden(Path relative) {
        for (Path part : relative) {
            if (part.toString().startsWith(".")) {
                return true;
            }
        }
        return false;
    }

    @Override
    public int size() {
        return index.labels().length;
    }

    @Override
    public byte[] bytes(int i) {
        return Images.bytes(index.entries().get(i));
    }

    @Override
    public void read(int i, Encoded into) {
        Images.read(index.entries().get(i), into);
    }

    @Override
    public int label(int i) {
        return index.labels()[i];
    }

    @Override
    public String name(int i) {
        return index.entries().get(i).toString();
    }

    @Override
    public List<String> classes() {
        return index.classes();
    }

    /** Holds nothing open. */
    @Override
    public void close() {}
}
