package dev.jacquard.tensor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
    private static final byte[] OLD = {1, 2, 3};
    private static final byte[] NEW = {4, 5, 6, 7};

    @TempDir
    Path folder;
    private Path path;

    @BeforeEach
    void oldFile() throws IOException {
        path = Files.write(folder.resolve("state.bin"), OLD);
    }

    @Test
    void replacesTheFile() throws IOException {
        AtomicFile.write(path, channel -> {
            channel.write(ByteBuffer.wrap(NEW));
            assertArrayEquals(OLD, Files.readAllBytes(path), "the old file stands until the end");
        });
        assertArrayEquals(NEW, Files.readAllBytes(path));
        TestFiles.assertOnly(folder, "state.bin");
    }

    @Test
    void writesThroughAStream() throws IOException {
        byte[] large = TestFiles.random(1, 200_000);
        AtomicFile.writeStream(folder.resolve("new.bin"), out -> {
            for (byte b : large) {
                out.write(b);
            }
        });
        assertArrayEquals(large, Files.readAllBytes(folder.resolve("new.bin")));
    }

    @Test
    void oldFileStaysWholeWhenTheWriterThrows() throws IOException {
        assertThrows(IllegalStateException.class, () -> AtomicFile.write(path, channel -> {
            channel.write(ByteBuffer.wrap(NEW));
            throw new IllegalStateException("midway");
        }));
        TestFiles.refused(path, "disk full", () -> AtomicFile.writeStream(path, out -> {
            out.write(NEW);
            throw new IOException("disk full");
        }));
        assertArrayEquals(OLD, Files.readAllBytes(path));
        TestFiles.assertOnly(folder, "state.bin");
    }

    @Test
    void uncommittedAndInterruptedWritesLeaveNothing() throws IOException {
        try (AtomicFile file = AtomicFile.open(path)) {
            file.channel().write(ByteBuffer.wrap(NEW));
            assertEquals(1, TestFiles.list(folder).stream().filter(n -> AtomicFile.isTemporary(Path.of(n))).count());
        }
        TestFiles.refused(path, "interrupt", () -> AtomicFile.write(path, channel -> {
            Thread.currentThread().interrupt();
            channel.write(ByteBuffer.wrap(NEW));
        }));
        assertTrue(Thread.interrupted(), "the interrupt is kept");
        assertArrayEquals(OLD, Files.readAllBytes(path));
        TestFiles.assertOnly(folder, "state.bin");
        assertFalse(AtomicFile.isTemporary(path));
    }

    @Test
    void hasThePermissionsOfAnyNewFile() throws IOException {
        AtomicFile.write(path, channel -> channel.write(ByteBuffer.wrap(NEW)));
        Path plain = Files.write(folder.resolve("plain"), NEW);
        var views = Files.getFileStore(folder);
        if (views.supportsFileAttributeView("posix")) {
            assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(path));
            assertTrue(Files.getPosixFilePermissions(path).contains(PosixFilePermission.OWNER_READ));
        }
    }

    @Test
    void refusesMissingFoldersAndFolders() {
        TestFiles.refused(folder.resolve("none/state.bin"), "no folder", () -> AtomicFile.open(folder.resolve("none/state.bin")));
        TestFiles.refused(folder, "a folder", () -> AtomicFile.open(folder));
    }
}
