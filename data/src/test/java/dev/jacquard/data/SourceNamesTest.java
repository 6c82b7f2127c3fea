package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SourceNamesTest {
    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"shards", "shards/t-*.tar", "shards/t-{00..02}.tar", "shards/t-{0..0}{0..2}.tar", "shards/t-?[0-9].tar"})
    void shardsAreOneDataSet(String name) {
        shard("shards/t-00.tar", new Tars().file("dog/b.jpg", "dog b").file("cat/z.jpg", "cat z"));
        shard("shards/t-01.tar", new Tars().file("cat/a.jpg", "cat a"));
        shard("shards/t-02.tar", new Tars().file("ape/q.jpg", "ape q").file("dog/a.jpg", "dog a"));
        try (ImageSource source = ImageSource.open(dir.resolve(name).toString())) {
            assertEquals(List.of("ape", "cat", "dog"), source.classes());
            assertEquals(List.of("ape q", "cat a", "cat z", "dog a", "dog b"), contents(source));
            assertArrayEquals(new int[] {0, 1, 1, 2, 2}, labels(source));
            assertTrue(source.name(0).endsWith("t-02.tar!ape/q.jpg"), source.name(0));
            assertEquals(List.of(List.of(4, 2), List.of(1), List.of(0, 3)), source.shards().stream().map(s -> IntStream.of(s).boxed().toList()).toList());
        }
    }

    @Test
    void webDatasetsClassIsANumberBesideTheImage() {
        shard("w/0.tar", new Tars().file("0001.cls", "11").file("0001.jpg", "one").file("0002.jpg", "two").file("0002.cls", " 2\n").file("0003.jpg", "no class"));
        shard("w/1.tar", new Tars().file("0001.jpg", "other one").file("0001.cls", "0"));
        try (ImageSource source = ImageSource.open(dir.resolve("w").toString())) {
            assertEquals(IntStream.range(0, 12).mapToObj(Integer::toString).toList(), source.classes());
            assertEquals(List.of("other one", "two", "one"), contents(source));
            assertArrayEquals(new int[] {0, 2, 11}, labels(source));
            assertEquals(Map.of("image without a .cls entry", 1), source.passedOver());
        }
        for (String number : List.of("cat", "-1", "", "1000000", "99999999999999999999999999999999999", "1.5")) {
            shard("bad.tar", new Tars().file("1.jpg", "one").file("1.cls", number));
            assertEquals("no class number", assertThrows(DataException.class, () -> ImageSource.open(dir.resolve("bad.tar"))).problem(), number);
        }
    }

    @Test
    void aListOfPathsAndClasses() {
        TestImages.write(dir.resolve("images/a b.jpg"), new byte[] {1});
        TestImages.write(dir.resolve("images/c.jpg"), new byte[] {2});
        Path elsewhere = TestImages.write(dir.resolve("else/where.jpg"), new byte[] {3});
        TestImages.write(dir.resolve("list.txt"), ("# path, class\nimages/a b.jpg\tsnow leopard\n\nimages/c.jpg ape\r\n" + elsewhere.toAbsolutePath() + "\tsnow leopard\n")
                .getBytes());
        try (ImageSource source = ImageSource.open(dir.resolve("list.txt").toString())) {
            assertEquals(List.of("ape", "snow leopard"), source.classes());
            assertEquals(3, source.size());
            assertArrayEquals(new int[] {0, 1, 1}, labels(source));
            assertArrayEquals(new byte[] {2}, source.bytes(0));
            assertEquals(1, IntStream.range(0, 3).filter(i -> source.bytes(i)[0] == 3).count());
        }
        TestImages.write(dir.resolve("numbers.tsv"), "images/c.jpg\t10\nimages/a b.jpg\t2\n".getBytes());
        try (ImageSource source = ImageSource.open(dir.resolve("numbers.tsv").toString())) {
            assertEquals(11, source.classes().size());
            assertArrayEquals(new int[] {2, 10}, labels(source));
        }
        TestImages.write(dir.resolve("wrong.txt"), "images/c.jpg\t10\nimages/c.jpg\n".getBytes());
        assertTrue(assertThrows(DataException.class, () -> ImageSource.open(dir.resolve("wrong.txt"))).op().endsWith("wrong.txt, line 2"));
        TestImages.write(dir.resolve("binary.txt"), new byte[] {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF});
        assertEquals("the list is no text", assertThrows(DataException.class, () -> ImageSource.open(dir.resolve("binary.txt"))).problem());
        TestImages.write(dir.resolve("zero.txt"), "a\0b.jpg\t1\n".getBytes());
        assertEquals("no path", assertThrows(DataException.class, () -> ImageSource.open(dir.resolve("zero.txt"))).problem());
    }

    @Test
    void severalInARow() {
        TestImages.write(dir.resolve("folder/dog/1.jpg"), "folder dog".getBytes());
        TestImages.write(dir.resolve("folder/ape/1.jpg"), "folder ape".getBytes());
        shard("a.tar", new Tars().file("cat/1.jpg", "tar cat").file("dog/1.jpg", "tar dog"));
        try (ImageSource source = ImageSource.open(dir.resolve("a.tar") + "," + dir.resolve("folder"))) {
            assertEquals(List.of("ape", "cat", "dog"), source.classes());
            assertEquals(List.of("tar cat", "tar dog", "folder ape", "folder dog"), contents(source));
            assertArrayEquals(new int[] {1, 2, 0, 2}, labels(source));
            assertTrue(source.shards().isEmpty(), "a folder cannot be read in sequence");
        }
        shard("n.tar", new Tars().file("1.jpg", "ten").file("1.cls", "10"));
        shard("m.tar", new Tars().file("1.jpg", "two").file("1.cls", "2"));
        try (ImageSource source = ImageSource.open(dir.resolve("m.tar") + ", " + dir.resolve("n.tar"))) {
            assertEquals(11, source.classes().size());
            assertArrayEquals(new int[] {2, 10}, labels(source), "numbers stay in their order");
            assertEquals(2, source.shards().size());
        }
        assertEquals("an empty name between commas", assertThrows(DataException.class, () -> ImageSource.open(dir.resolve("n.tar") + ",")).problem());
    }

    @Test
    void whatExistsUnderTheWholeNameIsMeant() {
        shard("a,b{1..2}*.tar", new Tars().file("cat/1.jpg", "x"));
        try (ImageSource source = ImageSource.open(dir.resolve("a,b{1..2}*.tar").toString())) {
            assertEquals(1, source.size());
        }
    }

    @Test
    void commasWithinBracesAreThePatterns() {
        shard("x-a.tar", new Tars().file("cat/1.jpg", "a"));
        shard("x-b.tar", new Tars().file("cat/2.jpg", "b"));
        shard("y.tar", new Tars().file("cat/3.jpg", "y"));
        try (ImageSource source = ImageSource.open(dir.resolve("x-{a,b}.tar") + "," + dir.resolve("y.tar"))) {
            assertEquals(List.of("a", "b", "y"), contents(source));
        }
        assertEquals("too many tars", assertThrows(DataException.class, () -> ImageSource.open(dir.resolve("{0..9999}{0..9999}.tar").toString())).problem());
    }

    @Test
    void namesThatMeanNothing() {
        for (String name : List.of("no-*.tar", "no/*.tar", "t-{3..1}.tar", "t-{0..999999999}.tar", "[.tar")) {
            assertThrows(DataException.class, () -> ImageSource.open(dir.resolve(name).toString()), name);
        }
        assertEquals("no such data set", assertThrows(DataException.class, () -> ImageSource.open(dir.resolve("t-{1..2}.tar").toString())).problem());
        assertThrows(DataException.class, () -> ImageSource.open("a\0b"));
        assertThrows(DataException.class, () -> ImageSource.open("synthetic:0"));
        assertThrows(DataException.class, () -> ImageSource.open("synthetic:10:5"));
        assertThrows(DataException.class, () -> ImageSource.open("synthetic,x.tar"));
    }

    @Test
    void oddEntriesOfATarAreCountedAndNeverFollowed() {
        byte[] none = {};
        shard("odd.tar", new Tars().file("cat/good.jpg", "good").file("../../etc/evil.jpg", "out").file("/etc/evil.jpg", "root").file("cat/../../evil.jpg", "out")
                .file("cat/./x.jpg", "hidden")
                .entry("cat/link.jpg", (byte) '2', none).entry("cat/hard.jpg", (byte) '1', none).entry("cat/pipe.jpg", (byte) '6', none).entry("cat/device.jpg", (byte) '3', none));
        try (ImageSource source = ImageSource.open(dir.resolve("odd.tar"))) {
            assertEquals(List.of("good"), contents(source));
            assertEquals(Map.of("name that leaves the archive", 3, "link in a tar", 2, "special entry", 2), source.passedOver());
        }
    }

    /** Whatever a damaged tar says: a source whose images can be asked for, or an error that names it; nothing else, and no memory as large as it says. */
    @Test
    void damagedTarsAreRefusedOrReadAndNothingElse() {
        Tars good = new Tars().file("cat/a.jpg", "A".repeat(700)).file("dog/" + "n".repeat(200) + ".jpg", "long").file("dog/c.jpg", "C")
                .entry("cat/link.jpg", (byte) '2', new byte[0]);
        byte[] whole = good.bytes();
        Random random = new Random(7);
        int refused = 0;
        for (int i = 0; i < 400; i++) {
            byte[] damaged = whole.clone();
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                damaged[random.nextInt(whole.length)] = (byte) random.nextInt();
            }
            Path file = TestImages.write(dir.resolve("damaged.tar"), damaged);
            try (ImageSource source = ImageSource.open(file)) {
                contents(source);
            } catch (DataException e) {
                refused++;
            }
        }
        assertTrue(refused > 30, refused + " refused");
    }

    @Test
    void linksInFoldersAreFollowedOnceAndNeverInCircles() throws IOException {
        for (int i = 0; i < 12; i++) { // linked with each other, there would be 12! ways
            TestImages.write(dir.resolve("loops/cat/" + i + "/x.jpg"), new byte[] {(byte) i});
        }
        for (int i = 0; i < 12; i++) {
            for (int j = 0; j < 12; j++) {
                Files.createSymbolicLink(dir.resolve("loops/cat/" + i + "/to" + j), dir.resolve("loops/cat/" + j));
            }
        }
        Files.createSymbolicLink(dir.resolve("loops/cat/self.jpg"), Path.of("self.jpg"));
        Files.createSymbolicLink(dir.resolve("loops/cat/gone.jpg"), Path.of("nowhere.jpg"));
        Files.createSymbolicLink(dir.resolve("loops/cat/again.jpg"), Path.of("0/x.jpg"));
        Files.createSymbolicLink(dir.resolve("loops/circle"), Path.of("circle"));
        Path outside = Files.createDirectories(dir.resolve("outside"));
        TestImages.write(outside.resolve("y.jpg"), new byte[] {99});
        Files.createSymbolicLink(dir.resolve("loops/dog"), outside);
        try (ImageSource source = ImageSource.open(dir.resolve("loops"))) {
            assertEquals(List.of("cat", "dog"), source.classes());
            assertEquals(12 + 1 + 1, source.size());
            assertEquals(Map.of("folder reached twice, by a link", 144, "link that leads nowhere", 3), source.passedOver());
        }
    }

    @Test
    void whatMayNotBeReadIsSaidOrCounted() throws IOException {
        Path image = TestImages.write(dir.resolve("f/a/1.jpg"), new byte[] {1});
        TestImages.write(dir.resolve("f/a/2.jpg"), new byte[] {2});
        Path inner = TestImages.write(dir.resolve("f/a/inner/3.jpg"), new byte[] {3}).getParent();
        Path folder = TestImages.write(dir.resolve("f/b/1.jpg"), new byte[] {4}).getParent();
        Set<PosixFilePermission> none = Set.of();
        Files.setPosixFilePermissions(image, none);
        assumeTrue(!Files.isReadable(image), "skipped: this user may read everything");
        Files.setPosixFilePermissions(inner, none);
        try (ImageSource source = ImageSource.open(dir.resolve("f"))) {
            assertEquals(3, source.size());
            assertEquals(Map.of("folder that may not be read", 1), source.passedOver());
            assertTrue(assertThrows(DataException.class, () -> source.bytes(0)).op().endsWith("1.jpg"));
        }
        Files.setPosixFilePermissions(folder, none);
        assertEquals("the folder cannot be listed", assertThrows(DataException.class, () -> ImageSource.open(dir.resolve("f"))).problem());
        for (Path p : List.of(image, inner, folder)) {
            Files.setPosixFilePermissions(p, PosixFilePermissions.fromString("rwx------")); // so that the folder can be removed
        }
    }

    @Test
    void sourcesReadIntoMemoryThatIsUsedAgain() {
        TestImages.write(dir.resolve("folder/dog/1.jpg"), "a folder's dog".getBytes());
        TestImages.write(dir.resolve("folder/dog/2.jpg"), "dog".getBytes());
        shard("a.tar", new Tars().file("cat/1.jpg", "a tar's cat").file("cat/2.jpg", "cat"));
        TestImages.write(dir.resolve("list.txt"), "folder/dog/1.jpg dog\nfolder/dog/2.jpg dog\n".getBytes());
        Encoded into = new Encoded();
        byte[] memory = null;
        for (String name : List.of("folder", "a.tar", "list.txt")) {
            try (ImageSource source = ImageSource.open(dir.resolve(name))) {
                for (int i = 0; i < source.size(); i++) {
                    source.read(i, into);
                    assertEquals(new String(source.bytes(i)), new String(into.bytes(), 0, into.length()));
                    assertTrue(memory == null || memory == into.bytes());
                    memory = into.bytes();
                }
            }
        }
    }

    private void shard(String name, Tars tar) {
        TestImages.write(dir.resolve(name), tar.bytes());
    }

    private static List<String> contents(ImageSource source) {
        return IntStream.range(0, source.size()).mapToObj(i -> new String(source.bytes(i))).toList();
    }

    private static int[] labels(ImageSource source) {
        return IntStream.range(0, source.size()).map(source::label).toArray();
    }
}
