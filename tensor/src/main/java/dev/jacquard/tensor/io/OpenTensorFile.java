package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** What the formats have in common: an open channel, and the checks before anything is read from it. */
abstract sealed class OpenTensorFile implements TensorFile permits SafeTensors, TorchCheckpoint {
    /** The file's name, for messages. */
    final String file;
    final FileChannel channel;
    private final Path path;

    OpenTensorFile(Path path, FileChannel channel) {
        this.path = path;
        this.file = FileErrors.name(path);
        this.channel = channel;
    }

    /** Elements in C order. @param dst of the right size */
    abstract void copy(String name, TensorType type, MemorySegment dst) throws IOException;

    /** Elements as F32. @param type floating @param dst of the right size */
    abstract void copyFloats(String name, TensorType type, MemorySegment dst) throws IOException;

    @Override
    public final void read(String name, MemorySegment dst) {
        TensorType type = type(name);
        Bytes.requireTarget(dst, type.bytes(), where(name));
        try {
            copy(name, type, dst);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    @Override
    public final float[] floats(String name) {
        return Bytes.array(type(name), where(name), dst -> floats(name, dst));
    }

    @Override
    public final void floats(String name, MemorySegment dst) {
        TensorType type = type(name);
        Bytes.requireFloating(type.dtype(), where(name));
        Bytes.requireTarget(dst, type.withDType(DType.F32).bytes(), where(name));
        try {
            copyFloats(name, type, dst);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    @Override
    public final void close() {
        FileErrors.closeQuietly(channel);
    }

    private DataException unreadable(String name, IOException e) {
        return FileErrors.io(path, "tensor " + FileErrors.quote(name) + " cannot be read", e);
    }

    /** For a name that is none of {@link #names}. */
    final DataException unknown(String name) {
        String some = names().stream().limit(5).map(FileErrors::quote).reduce((a, b) -> a + ", " + b).map(s -> ", such as " + s).orElse("");
        return new DataException(file, "no such tensor", FileErrors.quote(name), "one of its " + names().size() + " tensors" + some, "check the name against names()");
    }

    final String where(String name) {
        return SafeTensorsHeader.where(file, name);
    }
}
