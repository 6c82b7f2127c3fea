package dev.jacquard.kernels.nvidia;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibrariesTest {
    @TempDir
    Path root;

    private final Map<String, String> environment = new HashMap<>();
    private String property;

    private Libraries.Search find(String... names) {
        return new Libraries(environment, name -> name.equals(Libraries.PROPERTY) ? property : null, root).find(names);
    }

    /** A file that is a library by its header, which says that it has this many bytes. */
    private Path library(String path, int bytes) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        ByteBuffer b = ByteBuffer.allocate(64 + 56).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1).putShort(18, (short) 62).putLong(32, 64).putShort(54, (short) 56).putShort(56, (short) 1);
        b.putInt(64, 1).putLong(64 + 32, bytes);
        return Files.write(file, b.array());
    }

    @Test
    void thePropertyComesFirstThenTheLoaderTheToolkitAndPython() throws IOException {
        environment.put("VIRTUAL_ENV", root.resolve("venv").toString());
        Path python = library("venv/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9", 120);
        assertEquals(Optional.of(python), find("libcudnn.so.9").file());
        environment.put("CUDA_HOME", root.resolve("cuda").toString());
        Path toolkit = library("cuda/lib64/libcudnn.so.9", 120);
        assertEquals(Optional.of(toolkit), find("libcudnn.so.9").file());
        Files.createDirectories(root.resolve("etc/ld.so.conf.d"));
        Files.writeString(root.resolve("etc/ld.so.conf.d/nvidia.conf"), "# where the driver is\n/opt/nvidia/lib\n");
        Path configured = library("opt/nvidia/lib/libcudnn.so.9", 120);
        assertEquals(Optional.of(configured), find("libcudnn.so.9").file());
        environment.put("LD_LIBRARY_PATH", root.resolve("path") + ":/not/there");
        Path path = library("path/libcudnn.so.9", 120);
        assertEquals(Optional.of(path), find("libcudnn.so.9").file());
        property = root.resolve("none") + ":" + root.resolve("own");
        Path own = library("own/libcudnn.so.9", 120);
        assertEquals(Optional.of(own), find("libcudnn.so.9").file());
        assertEquals(1, find("libcudnn.so.9").looks().size());
    }

    @Test
    void theFirstNameWinsWithinAPlaceAndAllPlacesAreTold() throws IOException {
        environment.put("LD_LIBRARY_PATH", root.resolve("path").toString());
        Path twelve = library("path/libcublas.so.12", 120);
        assertEquals(Optional.of(twelve), find("libcublas.so.13", "libcublas.so.12").file());
        Path thirteen = library("path/libcublas.so.13", 120);
        assertEquals(Optional.of(thirteen), find("libcublas.so.13", "libcublas.so.12").file());
        List<Libraries.Look> looks = find("libcufft.so.11").looks();
        assertEquals(List.of("no such folder", "not there", "no such folder", "no such folder", "no such folder"), looks.stream().map(Libraries.Look::result).toList());
    }

    @Test
    void whatIsCutShortIsPassedOverAndTold() throws IOException {
        environment.put("LD_LIBRARY_PATH", root.resolve("a") + ":" + root.resolve("b"));
        Path cut = library("a/libcuda.so.1", 121);
        Path text = root.resolve("b/libcuda.so.1");
        Files.createDirectories(text.getParent());
        Files.writeString(text, "/* GNU ld script, of which there are some */ INPUT(libcuda.so.535.54.03, and so on)");
        Libraries.Search s = find("libcuda.so.1");
        assertTrue(s.file().isEmpty());
        String told = s.looks().get(1).result();
        assertTrue(told.contains(cut + " is cut short: it has 120 of 121 bytes") && told.contains(text + " is no library"), told);
    }

    @Test
    void theVersionIsInTheFilesNameOrInPythonsPackage() throws IOException {
        environment.put("CONDA_PREFIX", root.resolve("conda").toString());
        library("conda/lib/python3.11/site-packages/nvidia/cudnn/lib/libcudnn.so.9", 120);
        assertEquals(Optional.empty(), find("libcudnn.so.9").version());
        Files.createDirectories(root.resolve("conda/lib/python3.11/site-packages/nvidia_cudnn_cu12-9.5.1.17.dist-info"));
        assertEquals(Optional.of("9.5.1.17"), find("libcudnn.so.9").version());
        Path real = library("usr/lib64/libcuda.so.580.65.06", 120);
        Files.createSymbolicLink(root.resolve("usr/lib64/libcuda.so.1"), real);
        assertEquals(Optional.of("580.65.06"), find("libcuda.so.1").version());
    }
}
