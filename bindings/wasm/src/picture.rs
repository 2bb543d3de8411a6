//! Pictures made small and gray. Whoever sent one may mean harm: what it may take is bounded before it is decoded.

use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

/// Greatest width and height that are made, pixels.
pub const PICTURE_EDGE_MAX: u32 = 4096;
/// Greatest width and height that are read, pixels.
pub const SOURCE_EDGE_MAX: u32 = 16_384;
/// Most memory that decoding may take, bytes.
pub const SOURCE_BYTES_MAX: u64 = 256 << 20;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// What is asked for is too small or too large.
    #[error("a picture of {0}x{1} pixels is outside 1x1 to {PICTURE_EDGE_MAX}x{PICTURE_EDGE_MAX}")]
    Size(u32, u32),
    /// It is of no known format.
    #[error("it is no PNG, JPEG, GIF or WebP")]
    Unknown,
    /// It is larger than what is read.
    #[error("it has more than {SOURCE_EDGE_MAX} pixels on an edge, or would take more than {} MiB", SOURCE_BYTES_MAX >> 20)]
    TooLarge,
    /// It cannot be decoded.
    #[error("it is damaged: {0}")]
    Damaged(ImageError),
    /// It cannot be written.
    #[error("it cannot be written: {0}")]
    NotWritten(ImageError),
}

/// Makes a picture of exactly `width` by `height` pixels and only shades of gray, as PNG.
///
/// The source is PNG, JPEG, GIF (its first frame) or WebP, known by its first bytes, and is turned the way its EXIF data says. It is stretched where the
/// proportions differ. What is transparent stays so. 16 bits per sample become 8.
///
/// # Errors
///
/// When the size is out of bounds, or the source is too large, damaged or of another format.
pub fn process_image(data: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PictureError> {
    let fits = |edge| (1..=PICTURE_EDGE_MAX).contains(&edge);
    if !fits(width) || !fits(height) {
        return Err(PictureError::Size(width, height));
    }
    let gray = decoded(data)?;
    let gray = match gray.color().has_alpha() {
        true => DynamicImage::ImageLumaA8(gray.into_luma_alpha8()),
        false => DynamicImage::ImageLuma8(gray.into_luma8()),
    };
    let mut png = Vec::new();
    let resized = gray.resize_exact(width, height, FilterType::Lanczos3);
    resized.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).map_err(PictureError::NotWritten)?;
    Ok(png)
}

fn decoded(data: &[u8]) -> Result<DynamicImage, PictureError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SOURCE_EDGE_MAX);
    limits.max_image_height = Some(SOURCE_EDGE_MAX);
    limits.max_alloc = Some(SOURCE_BYTES_MAX);
    let mut reader = ImageReader::new(Cursor::new(data));
    reader.limits(limits.clone());
    let reader = reader.with_guessed_format().map_err(|error| PictureError::Damaged(error.into()))?;
    let mut decoder = reader.into_decoder().map_err(blame)?;
    limits.reserve(decoder.total_bytes()).map_err(blame)?;
    decoder.set_limits(limits).map_err(blame)?;
    let orientation = decoder.orientation().map_err(blame)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(blame)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn blame(error: ImageError) -> PictureError {
    match error {
        ImageError::Unsupported(_) => PictureError::Unknown,
        ImageError::Limits(_) => PictureError::TooLarge,
        error => PictureError::Damaged(error),
    }
}

#[cfg(test)]
mod tests;
