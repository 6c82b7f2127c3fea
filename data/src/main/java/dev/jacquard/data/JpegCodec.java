package dev.jacquard.data;

/** A way to decode gray and three-component JPEGs of 8 bits. Not thread-safe. */
interface JpegCodec extends AutoCloseable {
    /**
     * Decodes a part of a JPEG, or more than that: what the picture then covers has what is wanted, reduced by as much as is wanted or less.
     *
     * @param header of the file: complete, within the limits, Huffman-coded
     * @param sound  whether all of the file is known to be good; if not, all of it is looked at, whatever part is wanted
     * @return false if the file is damaged, odd, or not for this codec: another one has to look at it. The picture is undefined then
     */
    boolean decode(byte[] data, int length, JpegHeader header, Wanted wanted, boolean sound, Picture out);

    /** Frees what it holds. */
    @Override
    void close();
}
