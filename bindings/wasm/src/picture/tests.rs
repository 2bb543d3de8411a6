//! Pictures are made as asked, and hostile ones end in an error.

use super::*;
use image::{GenericImageView, ImageBuffer, Luma, LumaA, Rgb, Rgba};

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// Left half red, right half blue.
fn two_colors(width: u32, height: u32) -> DynamicImage {
    let pixel = |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
    DynamicImage::ImageRgb8(ImageBuffer::from_fn(width, height, pixel))
}

#[track_caller]
fn check_refused(data: &[u8], size: (u32, u32), expected: &str) {
    let told = process_image(data, size.0, size.1).unwrap_err().to_string();
    assert!(told.contains(expected), "{told}");
}

#[test]
fn every_format_becomes_a_gray_png_of_the_size_asked_for() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
        let png = process_image(&encoded(&two_colors(40, 20), format), 10, 30).unwrap();
        assert_eq!(image::guess_format(&png).unwrap(), ImageFormat::Png);
        let picture = image::load_from_memory(&png).unwrap();
        assert_eq!(picture.dimensions(), (10, 30), "{format:?}");
        let DynamicImage::ImageLuma8(gray) = picture else {
            // A GIF may have transparent places.
            assert_eq!(format, ImageFormat::Gif);
            continue;
        };
        // Rec. 709: red is brighter than blue.
        let (Luma([red]), Luma([blue])) = (gray.get_pixel(1, 15), gray.get_pixel(8, 15));
        assert!((50..60).contains(red) && (14..24).contains(blue), "{format:?}: {red} {blue}");
    }
}

#[test]
fn what_is_transparent_stays_so() {
    let clear = DynamicImage::ImageRgba8(ImageBuffer::from_pixel(4, 4, Rgba([255, 255, 255, 0])));
    let png = process_image(&encoded(&clear, ImageFormat::Png), 2, 2).unwrap();
    let DynamicImage::ImageLumaA8(gray) = image::load_from_memory(&png).unwrap() else { panic!("no alpha") };
    assert!(gray.pixels().all(|LumaA([_, alpha])| *alpha == 0));
}

#[test]
fn a_picture_can_be_made_larger() {
    let png = process_image(&encoded(&two_colors(2, 1), ImageFormat::Png), 300, 200).unwrap();
    assert_eq!(image::load_from_memory(&png).unwrap().dimensions(), (300, 200));
}

#[test]
fn sizes_out_of_bounds_are_refused_before_anything_is_read() {
    for size in [(0, 1), (1, 0), (PICTURE_EDGE_MAX + 1, 1), (1, u32::MAX)] {
        check_refused(b"", size, "is outside 1x1 to 4096x4096");
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    for data in [&b""[..], b"hello", b"BM\0\0\0\0", b"<svg/>", &[0; 100]] {
        check_refused(data, (1, 1), "no PNG, JPEG, GIF or WebP");
    }
}

#[test]
fn what_ends_too_early_is_refused() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
        let whole = encoded(&two_colors(64, 64), format);
        for length in [whole.len() / 2, 20] {
            let outcome = process_image(&whole[..length], 8, 8);
            // What a JPEG has left at its end may be gray, as browsers show it.
            assert!(format == ImageFormat::Jpeg || outcome.is_err(), "{format:?}, {length} bytes");
        }
    }
}

/// The header promises 65,535 × 65,535 pixels; nothing is allocated for them.
#[test]
fn a_picture_that_claims_to_be_enormous_is_refused() {
    let mut gif = encoded(&two_colors(2, 2), ImageFormat::Gif);
    gif[6..10].fill(0xff);
    check_refused(&gif, (8, 8), "more than 16384 pixels");
    let mut png = encoded(&two_colors(2, 2), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x3f, 0xff, 0, 0, 0x3f, 0xff]);
    let checksum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    check_refused(&png, (8, 8), "more than 256 MiB");
}

/// As PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[test]
fn damage_never_panics() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
        let whole = encoded(&two_colors(16, 16), format);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            let _ = process_image(&damaged, 3, 3);
        }
    }
}
