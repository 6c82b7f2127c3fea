package dev.jacquard.data;

/**
 * What is known of an image before it is decoded.
 *
 * @param width       columns, as they will be decoded
 * @param height      rows
 * @param orientation by which the stored image is turned, of {@link ExifOrientation}; {@link ExifOrientation#NONE} also where orientation is ignored
 * @param jpeg        the file's own words if it is a JPEG, else null
 */
record ImageHeader(int width, int height, int orientation, JpegHeader jpeg) {
    /** Columns of the image as it is stored. */
    int storedWidth() {
        return ExifOrientation.swaps(orientation) ? height : width;
    }

    /** Rows of the image as it is stored. */
    int storedHeight() {
        return ExifOrientation.swaps(orientation) ? width : height;
    }
}
