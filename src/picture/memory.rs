//! What is held while a picture is read, known before a pixel of it is. Pure.
//!
//! The figures are what the decoders ask for, buffer by buffer, at the worst of what a file of the format may be: what a header
//! does not tell for certain (whether a JPEG comes component by component, whether a WebP is lossless) counts as the dearer.

use image::{ColorType, ImageFormat};

/// Rows, tables, colour profiles and what else does not grow with both sides.
const ROWS: u64 = 16 << 20;
/// Of these, what may be unpacked before the picture.
pub(super) const HEAD: u64 = 4 << 20;
/// A JPEG's blocks are padded to so many pixels, with every sampling that there is.
const BLOCK: u64 = 32;

/// Bytes that are held at most while these bytes are read as a picture of this size and colour type.
pub(super) fn held(bytes: &[u8], format: ImageFormat, size: (u32, u32), colour: ColorType) -> u64 {
    let (width, height) = (u64::from(size.0), u64::from(size.1));
    let file = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    // The picture as it is decoded, and in grey.
    let seen = u64::from(colour.bytes_per_pixel()) + 1;
    let (width, height, each, files) = match format {
        // The coefficients of all components, of which grey has one and CMYK four, two bytes each; and a copy of the file,
        // in a buffer that doubles as it grows.
        ImageFormat::Jpeg => {
            let components = if colour.has_color() { 4 } else { 1 };
            let padded = |side: u64| side.div_ceil(BLOCK) * BLOCK;
            (padded(width), padded(height), seen - 1 + 2 * components, 3)
        }
        // The canvas, a frame, and what that is decoded from; and what is copied out of the file.
        ImageFormat::WebP if is_animated(bytes) => (width, height, 13, 2),
        // With alpha: the planes of the picture, and the alpha as four bytes and as one.
        ImageFormat::WebP if colour.has_alpha() => (width, height, 12, 2),
        // Lossless: four bytes of which three are taken, and its smaller pictures.
        ImageFormat::WebP => (width, height, 8, 2),
        // The indices of its colours. What a frame larger than the picture takes is bounded by what is left.
        ImageFormat::Gif => (width, height, seen + 1, 1),
        _ => (width, height, seen, 1),
    };
    width
        .saturating_mul(height)
        .saturating_mul(each)
        .saturating_add(file.saturating_mul(files))
        .saturating_add(ROWS)
}

/// Whether a WebP file says that it is animated, by its first chunk.
fn is_animated(bytes: &[u8]) -> bool {
    bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & 2 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_takes_what_its_decoder_holds() {
        let held = |format, colour| held(&[0; 100], format, (3200, 1000), colour) - ROWS;
        let pixels = 3_200_000;
        // 1000 rows are 1024 in blocks.
        let padded = 3_276_800;
        assert_eq!(held(ImageFormat::Png, ColorType::Rgb8), 4 * pixels + 100);
        assert_eq!(held(ImageFormat::Png, ColorType::Rgba16), 9 * pixels + 100);
        assert_eq!(held(ImageFormat::Bmp, ColorType::Rgb8), 4 * pixels + 100);
        assert_eq!(held(ImageFormat::Gif, ColorType::Rgba8), 6 * pixels + 100);
        assert_eq!(held(ImageFormat::Jpeg, ColorType::Rgb8), 11 * padded + 300);
        assert_eq!(held(ImageFormat::Jpeg, ColorType::L8), 3 * padded + 300);
        assert_eq!(held(ImageFormat::WebP, ColorType::Rgb8), 8 * pixels + 200);
        assert_eq!(held(ImageFormat::WebP, ColorType::Rgba8), 12 * pixels + 200);
    }
}
