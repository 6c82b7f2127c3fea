package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** A folder with one subfolder of images per class. Symbolic links are followed, each folder once per class. */
final class FolderSource {
    private FolderSource() {}

    /** Lists the folder, see {@link ImageSource#open}. */
    static FilesSource open(Path root) {
        Set<String> folders = new TreeSet<>();
        List<SampleIndex.Found<Path>> found = new ArrayList<>();
        PassedOver passed = new PassedOver();
        try {
            List<Path> children = children(root);
            if (children.isEmpty()) {
                throw new DataException(root.toString(), "the folder is empty", "no files and no folders", "one subfolder of images per class", "check the path");
            }
            for (Path folder : children) {
                if (Files.isDirectory(folder)) {
                    String name = folder.getFileName().toString();
                    folders.add(name);
                    new Walk(folder, name, found, passed).into(folder);
                } else if (Files.isSymbolicLink(folder) && !Files.exists(folder)) {
                    passed.add("link that leads nowhere");
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw new DataException(root.toString(), "the folder cannot be listed", e.toString(), "readable folders", "check the permissions and the disk", e);
        }
        return new FilesSource(SampleIndex.of(root.toString(), folders, found), passed.counts());
    }

    /** What lies in a folder and is not hidden, by name. */
    private static List<Path> children(Path folder) throws IOException {
        List<Path> all = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, p -> !p.getFileName().toString().startsWith("."))) {
            stream.forEach(all::add);
        }
        all.sort(Comparator.naturalOrder());
        return all;
    }

    /**
     * The walk through one class's folder. Folders are known by what they are, not by their names, so that links can lead neither in circles nor to the same images a thousand
     * times.
     */
    private record Walk(Path top, String className, List<SampleIndex.Found<Path>> found, PassedOver passed, Set<Object> entered) {
        Walk(Path top, String className, List<SampleIndex.Found<Path>> found, PassedOver passed) {
            this(top, className, found, passed, new HashSet<>());
        }

        void into(Path folder) throws IOException {
            Object key = Files.readAttributes(folder, BasicFileAttributes.class).fileKey();
            if (!entered.add(key == null ? folder.toRealPath() : key)) {
                passed.add("folder reached twice, by a link");
                return;
            }
            List<Path> all;
            try {
                all = children(folder);
            } catch (AccessDeniedException e) {
                if (folder.equals(top)) {
                    throw e; // a class would silently be missing
                }
                passed.add("folder that may not be read");
                return;
            }
            List<Path> linked = new ArrayList<>(); // after the real ones, whose names their images then have
            for (Path child : all) {
                BasicFileAttributes attributes = attributes(child);
                if (attributes == null) {
                    continue;
                }
                if (attributes.isDirectory() && Files.isSymbolicLink(child)) {
                    linked.add(child);
                } else if (attributes.isDirectory()) {
                    into(child);
                } else if (SampleIndex.isImageName(child.getFileName().toString())) {
                    if (attributes.isRegularFile()) {
                        found.add(new SampleIndex.Found<>(className, top.relativize(child).toString(), child));
                    } else {
                        passed.add("special file");
                    }
                }
            }
            for (Path child : linked) {
                into(child);
            }
        }

        private BasicFileAttributes attributes(Path child) {
            try {
                return Files.readAttributes(child, BasicFileAttributes.class);
            } catch (FileSystemException e) { // a missing target, or links that go in a circle
                passed.add("link that leads nowhere");
                return null;
            } catch (IOException e) {
                passed.add("file that cannot be looked at");
                return null;
            }
        }
    }
}
