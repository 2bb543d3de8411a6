//! Pictures made small. Whoever sent one may mean harm: what it may take is bounded before it is decoded.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbaImage,
    imageops,
};

/// Greatest width and height that are made, pixels.
const EDGE_MAX: u32 = 2048;
/// Most pixels that are read: a JPEG that comes in several passes takes ten bytes for each.
const PIXELS_MAX: u64 = 10_000_000;
/// Most memory that decoding may take besides the picture, bytes.
const DECODING_BYTES_MAX: u64 = 64 << 20;
/// From 1 to 100.
const JPEG_QUALITY: u8 = 80;

/// A picture that fits into what was asked for.
pub(crate) struct Thumbnail {
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("a picture of {0}x{1} pixels is outside 1x1 to {EDGE_MAX}x{EDGE_MAX}")]
    Size(u32, u32),
    #[error("it is no PNG, JPEG, GIF or WebP")]
    Unknown,
    #[error("it has more than {} million pixels", PIXELS_MAX / 1_000_000)]
    TooLarge,
    #[error("it is damaged: {0}")]
    Damaged(ImageError),
    #[error("it cannot be written: {0}")]
    NotWritten(ImageError),
}

/// Makes a picture that fits into `width` by `height` pixels, never larger than its source, with its proportions.
/// JPEG, and PNG where something is transparent.
///
/// The source is PNG, JPEG, GIF (its first frame) or WebP, known by its first bytes, and is turned the way its EXIF data says.
pub(crate) fn thumbnail(source: &[u8], width: u32, height: u32) -> Result<Thumbnail, PictureError> {
    let fits = |edge| (1..=EDGE_MAX).contains(&edge);
    if !fits(width) || !fits(height) {
        return Err(PictureError::Size(width, height));
    }
    let (picture, orientation) = decoded(source)?;
    // What is wide before it is turned may be high afterwards.
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let within = if is_turned { (height, width) } else { (width, height) };
    let is_transparent = picture.color().has_alpha();
    let small = turned(shrunk(picture, within), orientation);
    let mut bytes = Vec::new();
    if is_transparent {
        small.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).map_err(PictureError::NotWritten)?;
        return Ok(Thumbnail { media_type: "image/png", bytes });
    }
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    let opaque = DynamicImage::ImageRgba8(small).into_rgb8();
    opaque.write_with_encoder(encoder).map_err(PictureError::NotWritten)?;
    Ok(Thumbnail { media_type: "image/jpeg", bytes })
}

/// The picture as it lies in its file, and how it is to be turned.
fn decoded(source: &[u8]) -> Result<(DynamicImage, Orientation), PictureError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODING_BYTES_MAX);
    let mut reader = ImageReader::new(Cursor::new(source));
    reader.limits(limits.clone());
    let reader = reader.with_guessed_format().map_err(|error| PictureError::Damaged(error.into()))?;
    let mut decoder = reader.into_decoder().map_err(blame)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(PictureError::TooLarge);
    }
    decoder.set_limits(limits).map_err(blame)?;
    let orientation = decoder.orientation().map_err(blame)?;
    Ok((DynamicImage::from_decoder(decoder).map_err(blame)?, orientation))
}

/// The whole picture within a width and a height.
fn shrunk(picture: DynamicImage, within: (u32, u32)) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let scale = |edge: u32, from: u32| f64::from(edge) / f64::from(from);
    let scale = scale(within.0, width).min(scale(within.1, height));
    if scale >= 1.0 {
        return picture.into_rgba8();
    }
    // The edge that decides comes out whole, and the other one at least a pixel.
    let shrink = |edge: u32| ((f64::from(edge) * scale).round() as u32).max(1);
    let (width, height) = (shrink(width), shrink(height));
    // Few kinds of pixels make a small component.
    match picture.color().has_alpha() {
        true => imageops::thumbnail(&picture.into_rgba8(), width, height),
        false => {
            DynamicImage::ImageRgb8(imageops::thumbnail(&picture.into_rgb8(), width, height)).into_rgba8()
        }
    }
}

fn turned(picture: RgbaImage, orientation: Orientation) -> RgbaImage {
    match orientation {
        Orientation::NoTransforms => picture,
        Orientation::Rotate90 => imageops::rotate90(&picture),
        Orientation::Rotate180 => imageops::rotate180(&picture),
        Orientation::Rotate270 => imageops::rotate270(&picture),
        Orientation::FlipHorizontal => imageops::flip_horizontal(&picture),
        Orientation::FlipVertical => imageops::flip_vertical(&picture),
        Orientation::Rotate90FlipH => imageops::flip_horizontal(&imageops::rotate90(&picture)),
        Orientation::Rotate270FlipH => imageops::flip_horizontal(&imageops::rotate270(&picture)),
    }
}

fn blame(error: ImageError) -> PictureError {
    match error {
        ImageError::Unsupported(_) => PictureError::Unknown,
        ImageError::Limits(_) => PictureError::TooLarge,
        error => PictureError::Damaged(error),
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    const SAMPLE: &[u8] = include_bytes!("../sample.jpg");

    #[track_caller]
    fn check(source: &[u8], edges: (u32, u32), media_type: &str, expected: (u32, u32)) {
        let made = thumbnail(source, edges.0, edges.1).unwrap();
        assert_eq!(made.media_type, media_type);
        let read = image::load_from_memory(&made.bytes).unwrap();
        assert_eq!((read.width(), read.height()), expected);
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = RgbaImage::from_pixel(width, height, Rgba([200, 0, 0, 128]));
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn proportions_are_kept_and_nothing_grows() {
        check(SAMPLE, (300, 300), "image/jpeg", (300, 200));
        check(SAMPLE, (2048, 20), "image/jpeg", (30, 20));
        check(&png(10, 5), (100, 100), "image/png", (10, 5));
        check(&png(10, 5), (1, 1), "image/png", (1, 1));
    }

    #[test]
    fn what_is_transparent_stays_so() {
        let made = thumbnail(&png(40, 40), 10, 10).unwrap();
        let read = image::load_from_memory(&made.bytes).unwrap().into_rgba8();
        assert_eq!(read.get_pixel(5, 5).0, [200, 0, 0, 128]);
    }

    #[test]
    fn a_picture_is_turned_as_its_camera_was_held() {
        let exif = |orientation: u8| {
            let mut source = SAMPLE[..2].to_vec();
            source.extend(b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0");
            source.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
            source.extend(&SAMPLE[2..]);
            source
        };
        check(&exif(1), (300, 300), "image/jpeg", (300, 200));
        check(&exif(3), (300, 300), "image/jpeg", (300, 200));
        check(&exif(6), (300, 300), "image/jpeg", (200, 300));
        check(&exif(8), (300, 100), "image/jpeg", (67, 100));
    }

    #[test]
    fn sizes_out_of_bounds_are_refused_first() {
        for (width, height) in [(0, 1), (1, 0), (EDGE_MAX + 1, 1), (1, u32::MAX)] {
            let refused = thumbnail(b"", width, height);
            assert!(matches!(refused, Err(PictureError::Size(..))), "{width}x{height}");
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for source in [&b""[..], b"hello", b"<svg/>", b"BM\0\0\0\0"] {
            assert!(matches!(thumbnail(source, 9, 9), Err(PictureError::Unknown)), "{source:?}");
        }
    }

    #[test]
    fn a_picture_that_claims_to_be_vast_is_refused_before_it_is_decoded() {
        let mut vast = png(1, 1);
        vast[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        // The checksum of the changed part, so that only its size is wrong.
        let sum = checksum(&vast[12..29]);
        vast[29..33].copy_from_slice(&sum.to_be_bytes());
        assert!(matches!(thumbnail(&vast, 9, 9), Err(PictureError::TooLarge)));
    }

    /// CRC-32 as PNG has it, bit by bit.
    fn checksum(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
        })
    }

    #[test]
    fn pictures_cut_short_or_damaged_anywhere_do_not_panic() {
        let small = thumbnail(SAMPLE, 60, 60).unwrap().bytes;
        for source in [small, png(40, 40)] {
            for at in (0..source.len()).step_by(source.len() / 97 + 1) {
                let mut damaged = source.clone();
                damaged[at] ^= 0xa5;
                // Either answer is right.
                _ = thumbnail(&damaged, 20, 20);
                _ = thumbnail(&source[..at], 20, 20);
            }
        }
    }
}
