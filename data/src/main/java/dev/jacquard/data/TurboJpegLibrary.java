package dev.jacquard.data;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The functions of libjpeg-turbo's {@code libturbojpeg.so.0} that we call, of version 3 ({@code tj3*}, which decode parts) or of version 2.
 */
@SuppressWarnings("restricted") // loading a library is what this class is for
final class TurboJpegLibrary extends JpegLibrary {
    /** {@code tjscalingfactor}: numerator and denominator. */
    static final MemoryLayout SCALE = MemoryLayout.structLayout(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    /** {@code tjregion}: x, y, width, height. */
    static final MemoryLayout REGION = MemoryLayout.structLayout(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);

    /** Which functions there are. */
    enum Api {
        /** {@code tjDecompress2}: whole images, reduced. */
        TWO,
        /** {@code tj3Decompress8}: parts of images, reduced. */
        THREE
    }

    final Api api;
    final MethodHandle init;
    final MethodHandle destroy;
    final MethodHandle decompress;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle set;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle get;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle header;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle scale;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle crop;

    /** @throws IllegalArgumentException with the reason if the library cannot be used */
    TurboJpegLibrary(SymbolLookup symbols) {
        api = symbols.find("tj3Decompress8").isPresent() && symbols.find("tj3SetCroppingRegion").isPresent() ? Api.THREE : Api.TWO;
        boolean three = api == Api.THREE;
        var address = ValueLayout.ADDRESS;
        var integer = ValueLayout.JAVA_INT;
        var size = ValueLayout.JAVA_LONG; // size_t, or unsigned long, on all 64-bit systems but Windows
        init = three ? function(symbols, "tj3Init", FunctionDescriptor.of(address, integer)) : function(symbols, "tjInitDecompress", FunctionDescriptor.of(address));
        destroy = three ? function(symbols, "tj3Destroy", FunctionDescriptor.ofVoid(address)) : function(symbols, "tjDestroy", FunctionDescriptor.of(integer, address));
        decompress = three ? function(symbols, "tj3Decompress8", FunctionDescriptor.of(integer, address, address, size, address, integer, integer))
                : function(symbols, "tjDecompress2", FunctionDescriptor.of(integer, address, address, size, address, integer, integer, integer, integer, integer));
        set = three ? function(symbols, "tj3Set", FunctionDescriptor.of(integer, address, integer, integer)) : null;
        get = three ? function(symbols, "tj3Get", FunctionDescriptor.of(integer, address, integer)) : null;
        header = three ? function(symbols, "tj3DecompressHeader", FunctionDescriptor.of(integer, address, address, size)) : null;
        scale = three ? function(symbols, "tj3SetScalingFactor", FunctionDescriptor.of(integer, address, SCALE)) : null;
        crop = three ? function(symbols, "tj3SetCroppingRegion", FunctionDescriptor.of(integer, address, REGION)) : null;
    }

    private static MethodHandle function(SymbolLookup symbols, String name, FunctionDescriptor type) {
        MemorySegment at = symbols.find(name).orElseThrow(() -> new IllegalArgumentException("it lacks " + name));
        return Linker.nativeLinker().downcallHandle(at, type);
    }

    @Override
    String kind() {
        return "libturbojpeg";
    }

    @Override
    String describe() {
        return api == Api.THREE ? "version 3: decodes parts of images" : "version 2: decodes whole images";
    }

    @Override
    JpegCodec codec() {
        return new TurboJpegCodec(this);
    }
}
