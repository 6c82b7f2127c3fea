package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageSourceTest {
    @TempDir
    Path dir;

    @Test
    void aFolderPerClass() {
        write("pets/dog/b.PNG", 2);
        write("pets/dog/a.jpg", 1);
        write("pets/cat/deep/er/x.jpeg", 3);
        write("pets/Zebra/z.tif", 4);
        write("pets/dog/notes.txt", 9);
        write("pets/dog/.hidden.jpg", 9);
        write("pets/.thumbnails/x.jpg", 9);
        write("pets/dog/.cache/x.jpg", 9);
        write("pets/loose.jpg", 9);
        try (ImageSource source = ImageSource.open(dir.resolve("pets"))) {
            assertEquals(List.of("Zebra", "cat", "dog"), source.classes());
            assertEquals(4, source.size());
            assertArrayEquals(new int[] {0, 1, 2, 2}, labels(source));
            assertArrayEquals(new byte[] {4}, source.bytes(0));
            assertArrayEquals(new byte[] {3}, source.bytes(1));
            assertArrayEquals(new byte[] {1}, source.bytes(2));
            assertArrayEquals(new byte[] {2}, source.bytes(3));
            assertEquals(dir.resolve("pets/dog/a.jpg").toString(), source.name(2));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "train/", "./", "./train/"})
    void aTarOfClassFolders(String top) throws IOException {
        String folders = top.endsWith("train/") ? top : "";
        byte[] tar = tar(folders, "", top + "dog/", "", top + "dog/b.png", "BB", top + "dog/a.jpg", "A", top + "cat/x.jpeg", "CCC", top + "dog/notes.txt", "no");
        try (ImageSource source = ImageSource.open(TestImages.write(dir.resolve("pets.tar"), tar))) {
            assertEquals(List.of("cat", "dog"), source.classes());
            assertArrayEquals(new int[] {0, 1, 1}, labels(source));
            assertEquals("CCC", new String(source.bytes(0)));
            assertEquals("A", new String(source.bytes(1)));
            assertEquals("BB", new String(source.bytes(2)));
            assertTrue(source.name(0).endsWith("pets.tar!" + top.replace("./", "") + "cat/x.jpeg"), source.name(0));
        }
    }

    @Test
    void aTarIsKnownByItsMarkToo() throws IOException {
        try (ImageSource source = ImageSource.open(TestImages.write(dir.resolve("pets.data"), tar("cat/x.jpg", "X")))) {
            assertEquals(1, source.size());
        }
    }

    @Test
    void aLongNameInATar() throws IOException {
        String name = "cat/" + "n".repeat(300) + ".jpg";
        try (ImageSource source = ImageSource.open(TestImages.write(dir.resolve("pets.tar"), tar(name, "long")))) {
            assertEquals("long", new String(source.bytes(0)));
        }
    }

    @Test
    void manyThreadsReadATar() throws IOException {
        String[] entries = IntStream.range(0, 400).mapToObj(i -> i % 2 == 0 ? "c/" + (1000 + i / 2) + ".jpg" : "content " + i / 2).toArray(String[]::new);
        try (ImageSource source = ImageSource.open(TestImages.write(dir.resolve("many.tar"), tar(entries)))) {
            assertEquals(200, source.size());
            assertTrue(IntStream.range(0, 2000).parallel().allMatch(i -> new String(source.bytes(i % 200)).equals("content " + i % 200)));
        }
    }

    @Test
    void missingPath() {
        fails(dir.resolve("nowhere"), "no such data set");
    }

    @Test
    void emptyFolder() throws IOException {
        fails(Files.createDirectory(dir.resolve("empty")), "the folder is empty");
    }

    @Test
    void folderWithoutClassFolders() {
        write("flat/a.jpg", 1);
        fails(dir.resolve("flat"), "no class folders");
    }

    @Test
    void classFolderWithoutImages() {
        write("pets/cat/a.jpg", 1);
        write("pets/dog/readme.txt", 1);
        DataException e = fails(dir.resolve("pets"), "a class without images");
        assertTrue(e.got().contains("'dog'"), e.got());
    }

    @Test
    void noImagesAtAll() {
        write("pets/dog/readme.txt", 1);
        fails(dir.resolve("pets"), "no images");
    }

    @Test
    void notATar() {
        fails(TestImages.write(dir.resolve("x.tar"), "this is a text, not an archive, and it is longer than nothing\n".repeat(40).getBytes()), "the file is no tar");
        fails(TestImages.write(dir.resolve("y.tar"), new byte[0]), "the tar is truncated or damaged");
        fails(TestImages.write(dir.resolve("short.tar"), "short".getBytes()), "");
    }

    @Test
    void tarCutAnywhere() throws IOException {
        byte[] whole = tar("cat/a.jpg", "A".repeat(700), "cat/b.jpg", "B".repeat(1500), "dog/c.jpg", "C".repeat(100));
        for (int length : new int[] {100, 512, 600, 1000, 1536, 1600, 2048, 3000, 3584, 4000, 4300, 4608}) {
            Path file = TestImages.write(dir.resolve("cut" + length + ".tar"), Arrays.copyOf(whole, length));
            DataException e = assertThrows(DataException.class, () -> ImageSource.open(file), "cut at " + length);
            assertEquals(file.toString(), e.op());
        }
    }

    @Test
    void tarWithoutImages() throws IOException {
        fails(TestImages.write(dir.resolve("docs.tar"), tar("a/readme.txt", "x")), "no images in class folders");
        fails(TestImages.write(dir.resolve("flat.tar"), tar("a.jpg", "x")), "no images in class folders");
    }

    @Test
    void tarWithAnEmptyClass() throws IOException {
        DataException e = fails(TestImages.write(dir.resolve("pets.tar"), tar("t/", "", "t/cat/", "", "t/cat/a.jpg", "x", "t/dog/", "")), "a class without images");
        assertTrue(e.got().contains("'dog'"), e.got());
    }

    @Test
    void unknownKind() {
        fails(TestImages.write(dir.resolve("images.zip"), new byte[] {'P', 'K', 3, 4}), "unknown kind of data set");
    }

    @Test
    void aFileThatVanishesIsNamed() throws IOException {
        write("pets/cat/a.jpg", 1);
        try (ImageSource source = ImageSource.open(dir.resolve("pets"))) {
            Files.delete(dir.resolve("pets/cat/a.jpg"));
            assertEquals(dir.resolve("pets/cat/a.jpg").toString(), assertThrows(DataException.class, () -> source.bytes(0)).op());
        }
    }

    private static DataException fails(Path path, String problem) {
        DataException e = assertThrows(DataException.class, () -> ImageSource.open(path));
        assertEquals(path.toString(), e.op());
        assertTrue(e.problem().contains(problem), e.getMessage());
        assertTrue(e.getMessage().indexOf('\n') < 0);
        return e;
    }

    private static int[] labels(ImageSource source) {
        return IntStream.range(0, source.size()).map(source::label).toArray();
    }

    private void write(String path, int content) {
        TestImages.write(dir.resolve(path), new byte[] {(byte) content});
    }

    /** A tar of name, content, name, content; names that end in / are folders, empty ones are left out. */
    private static byte[] tar(String... entries) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            for (int i = 0; i < entries.length; i += 2) {
                if (entries[i].isEmpty()) {
                    continue;
                }
                TarArchiveEntry entry = new TarArchiveEntry(entries[i], true);
                entry.setSize(entries[i + 1].length());
                tar.putArchiveEntry(entry);
                tar.write(entries[i + 1].getBytes());
                tar.closeArchiveEntry();
            }
        }
        return bytes.toByteArray();
    }
}
