package dev.jacquard.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** Copies a class path for a bundle, without what nobody can reach. */
final class Jars {
    /** 24 of the 26 MB of JCuda's natives: compilers that only tests call. */
    private static final String UNUSED_NATIVES = "lib/lib(JNvPTXCompiler|JNvrtc)-.*\\.so";

    /** A library of 24 MB, of which a dozen classes are used. Only for libraries that name their classes in code, never by reflection. */
    private static final String TRIMMED = "fastutil-.*\\.jar";

    /** Every entry carries this time, so that equal contents give equal jars: 1 February 1980, which zip can hold in every time zone. */
    private static final long TIME = 318_211_200_000L;

    private Jars() {}

    /** Copies jars, and packs folders of classes into jars. */
    static void copy(List<Path> classPath, Path lib) throws IOException {
        Set<String> reached = new HashSet<>();
        for (Path entry : classPath) {
            if (!entry.getFileName().toString().matches(TRIMMED)) {
                contents(entry).forEach((name, bytes) -> {
                    if (name.endsWith(".class")) {
                        reached.addAll(references(bytes));
                    }
                });
            }
        }
        int number = 0;
        for (Path entry : classPath) {
            Map<String, byte[]> contents = contents(entry);
            String name = entry.getFileName().toString();
            if (contents.keySet().removeIf(f -> f.matches(UNUSED_NATIVES)) | name.matches(TRIMMED) && trim(contents, reached) || Files.isDirectory(entry)) {
                write(contents, lib.resolve(Files.isDirectory(entry) ? "classes-" + number++ + ".jar" : name));
            } else if (Files.exists(entry)) {
                Files.copy(entry, lib.resolve(name));
            }
        }
    }

    private static Map<String, byte[]> contents(Path entry) throws IOException {
        Map<String, byte[]> all = new TreeMap<>();
        if (Files.isDirectory(entry)) {
            try (Stream<Path> files = Files.walk(entry)) {
                for (Path f : files.filter(Files::isRegularFile).toList()) {
                    all.put(entry.relativize(f).toString().replace('\\', '/'), Files.readAllBytes(f));
                }
            }
        } else if (Files.exists(entry)) {
            try (ZipFile zip = new ZipFile(entry.toFile())) {
                for (ZipEntry e : zip.stream().filter(e -> !e.isDirectory()).toList()) {
                    all.put(e.getName(), zip.getInputStream(e).readAllBytes());
                }
            }
        }
        return all;
    }

    /** Keeps the classes that the roots lead to, and what is not a class. @return true */
    private static boolean trim(Map<String, byte[]> contents, Set<String> roots) {
        Deque<String> queue = new ArrayDeque<>(roots);
        Map<String, byte[]> kept = new HashMap<>();
        while (!queue.isEmpty()) {
            String file = queue.removeFirst() + ".class";
            byte[] bytes = contents.get(file);
            if (bytes != null && kept.put(file, bytes) == null) {
                queue.addAll(references(bytes));
            }
        }
        contents.keySet().removeIf(f -> f.endsWith(".class") && !kept.containsKey(f));
        return true;
    }

    /** Internal names of the classes that a class names. Types of descriptors alone count too: linking may load them. */
    private static Set<String> references(byte[] classFile) {
        Set<String> names = new HashSet<>();
        for (PoolEntry e : ClassFile.of().parse(classFile).constantPool()) {
            if (e instanceof ClassEntry c) {
                names.add(c.asInternalName().replaceFirst("^\\[+L(.*);$", "$1"));
            } else if (e instanceof java.lang.classfile.constantpool.Utf8Entry u && u.stringValue().contains(";")) {
                for (String part : u.stringValue().split(";")) {
                    names.add(part.substring(part.indexOf('L') + 1));
                }
            }
        }
        return names;
    }

    private static void write(Map<String, byte[]> contents, Path jar) throws IOException {
        try (OutputStream file = Files.newOutputStream(jar); ZipOutputStream zip = new ZipOutputStream(file)) {
            for (Map.Entry<String, byte[]> e : contents.entrySet()) {
                ZipEntry entry = new ZipEntry(e.getKey());
                entry.setTime(TIME);
                zip.putNextEntry(entry);
                zip.write(e.getValue());
                zip.closeEntry();
            }
        }
    }
}
