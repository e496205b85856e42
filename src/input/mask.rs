//! Reads masks, one flag per cell, from `.npy` arrays and PNG images.
//!
//! `.npy`: bool or uint8 (nonzero is inside), shape (nz, ny, nx) or (ny, nx); in three dimensions an array (ny, nx) applies to
//! every layer. PNG: width nx, height ny, any colour type of 8 or fewer bits; a pixel is inside if it is bright *and* opaque, at least half
//! of each. The first row of an image is its top, so it is the row of cells with the largest y.
//!
//! A mask is small (a byte a cell) and every rank needs the cells of its halo as well, so it is read whole.

use super::npy::{self, Description};
use crate::error::{Error, Result};
use crate::region::Mask;
use png::{ColorType, Decoder, Transformations};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Reads a mask by its file name's ending, `.npy` or `.png`, for a grid of so many cells.
///
/// # Errors
/// Exit code 2 for another ending, and as [`read_mask`] and [`read_mask_png`].
pub fn read(path: &Path, cells: [usize; 3]) -> Result<Mask> {
    match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("npy") => read_mask(path, cells),
        Some("png") => read_mask_png(path, cells),
        _ => Err(bad(path, "a mask must be a .png image or a .npy array of bool or uint8")),
    }
}

/// Reads a bool or uint8 `.npy` array as a mask.
///
/// # Errors
/// Exit code 2, naming the file, what was found, what was expected and the fix.
pub fn read_mask(path: &Path, cells: [usize; 3]) -> Result<Mask> {
    const KINDS: [(&str, usize); 2] = [("|b1", 1), ("|u1", 1)];
    let [nx, ny, nz] = cells;
    // The message of the first attempt is the one to show: it names the full shape.
    let (full, flat) = (npy::open(path, &KINDS, &[nz, ny, nx]), || npy::open(path, &KINDS, &[ny, nx]));
    let ((file, description), layers) = match full {
        Ok(opened) => (opened, nz),
        Err(_) if nz == 1 => (flat()?, 1),
        Err(error) => (flat().map_err(|_| error)?, 1),
    };
    let cells = [nx, ny, layers];
    let bytes = read_values(path, file, &description, nx * ny * layers)?;
    let inside = (0..bytes.len()).map(|n| bytes[position(&description, cells, n)] != 0).collect();
    Ok(Mask { cells, inside })
}

fn read_values(path: &Path, mut file: File, description: &Description, count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let filled = file.seek(SeekFrom::Start(description.data)).and_then(|_| file.read_exact(&mut bytes));
    filled.map_err(|cause| Error::io("read", path, cause))?;
    Ok(bytes)
}

/// Where the file keeps cell number `n` of the C order.
fn position(description: &Description, [nx, ny, nz]: [usize; 3], n: usize) -> usize {
    let (i, j, k) = (n % nx, n / nx % ny, n / (nx * ny));
    match (description.fortran, description.shape.len()) {
        (false, _) => n,
        (true, 2) => j + ny * i,
        (true, _) => k + nz * (j + ny * i),
    }
}

/// Reads a PNG image as a mask of one layer.
///
/// # Errors
/// Exit code 2, naming the file, what was found, what was expected and the fix.
pub fn read_mask_png(path: &Path, cells: [usize; 3]) -> Result<Mask> {
    let mut decoder = Decoder::new(BufReader::new(npy::open_regular(path)?));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(|cause| bad_png(path, &cause))?;
    let ([nx, ny, _], (width, height)) = (cells, (reader.info().width as usize, reader.info().height as usize));
    if (width, height) != (nx, ny) {
        let what = format!(
            "the image has {width} x {height} pixels but the grid has {nx} x {ny} cells; scale the image or change grid.cells"
        );
        return Err(bad(path, &what));
    }
    let size = reader.output_buffer_size().ok_or_else(|| bad(path, "the image is too large"))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(|cause| bad_png(path, &cause))?;
    Ok(Mask { cells: [nx, ny, 1], inside: flags(&pixels, frame.color_type, frame.line_size, nx) })
}

/// Flags in C order from the decoded lines, the last line first.
fn flags(pixels: &[u8], color: ColorType, line: usize, width: usize) -> Vec<bool> {
    let samples = color.samples();
    let lines = pixels.chunks_exact(line).rev();
    lines.flat_map(|line| line.chunks_exact(samples).take(width).map(move |pixel| is_inside(pixel, color))).collect()
}

/// Brightness by the weights of ITU-R BT.709 in integers that add up to 10000, so that white is exactly 255.
fn is_inside(pixel: &[u8], color: ColorType) -> bool {
    let channel = |n: usize| u32::from(pixel[n]);
    let colored = matches!(color, ColorType::Rgb | ColorType::Rgba);
    let bright = if colored { 2126 * channel(0) + 7152 * channel(1) + 722 * channel(2) } else { 10_000 * channel(0) };
    let transparent = matches!(color, ColorType::Rgba | ColorType::GrayscaleAlpha);
    let alpha = if transparent { u32::from(pixel[pixel.len() - 1]) } else { 255 };
    2 * bright >= 255 * 10_000 && 2 * alpha >= 255
}

fn bad_png(path: &Path, cause: &png::DecodingError) -> Error {
    bad(path, &format!("this is not a complete PNG image ({cause}); save it again as an 8-bit PNG"))
}

fn bad(path: &Path, what: &str) -> Error {
    Error::Input(format!("{}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Array2, Array3, ShapeBuilder};
    use ndarray_npy::write_npy;
    use std::fs;

    fn png(path: &Path, color: ColorType, [width, height]: [u32; 2], data: &[u8]) {
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), width, height);
        encoder.set_color(color);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![0, 0, 0, 255, 255, 255]);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
    }

    #[test]
    fn the_first_image_row_is_the_top() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mask.png");
        png(&path, ColorType::Grayscale, [2, 3], &[255, 0, 0, 0, 127, 128]);
        let mask = read(&path, [2, 3, 9]).unwrap();
        assert_eq!((mask.cells, mask.inside), ([2, 3, 1], vec![false, true, false, false, true, false]));
    }

    #[test]
    fn every_colour_type_is_understood() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mask.png");
        let cases: [(ColorType, &[u8]); 5] = [
            (ColorType::Rgb, &[0, 200, 0, 255, 0, 255]),
            (ColorType::Rgba, &[255, 255, 255, 128, 255, 255, 255, 127]),
            (ColorType::GrayscaleAlpha, &[128, 255, 255, 0]),
            (ColorType::Indexed, &[1, 0]),
            (ColorType::Grayscale, &[128, 127]),
        ];
        for (color, data) in cases {
            png(&path, color, [2, 1], data);
            assert_eq!(read_mask_png(&path, [2, 1, 1]).unwrap().inside, [true, false], "{color:?}");
        }
    }

    #[test]
    fn arrays_in_both_orders_and_flat_ones_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mask.npy");
        let inside = |i: usize, j: usize, k: usize| (i + 2 * j + 3 * k).is_multiple_of(4);
        for fortran in [false, true] {
            let solid: Array3<u8> = Array::from_shape_fn((2, 3, 4).set_f(fortran), |(k, j, i)| inside(i, j, k).into());
            write_npy(&path, &solid).unwrap();
            let mask = read(&path, [4, 3, 2]).unwrap();
            assert!(mask.inside.iter().enumerate().all(|(n, m)| *m == inside(n % 4, n / 4 % 3, n / 12)));
            let sheet: Array2<bool> = Array::from_shape_fn((3, 4).set_f(fortran), |(j, i)| inside(i, j, 0));
            write_npy(&path, &sheet).unwrap();
            for layers in [1, 5] {
                let mask = read(&path, [4, 3, layers]).unwrap();
                assert_eq!(mask.cells, [4, 3, 1]);
                assert!(mask.inside.iter().enumerate().all(|(n, m)| *m == inside(n % 4, n / 4, 0)));
            }
        }
    }

    #[test]
    fn bad_masks_are_named_with_the_fix() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mask.png");
        let message = |cells| {
            let error = read(&path, cells).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            error.to_string()
        };
        assert!(message([2, 3, 1]).contains("No such file"));
        png(&path, ColorType::Grayscale, [2, 3], &[9; 6]);
        assert!(message([3, 2, 1]).contains("2 x 3 pixels but the grid has 3 x 2 cells"));
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        assert!(message([2, 3, 1]).contains("not a complete PNG"));
        fs::write(&path, "text").unwrap();
        assert!(message([2, 3, 1]).contains("not a complete PNG"));
        let array = directory.path().join("mask.npy");
        write_npy(&array, &Array2::<bool>::default((3, 4))).unwrap();
        let error = read(&array, [5, 3, 2]).unwrap_err().to_string();
        assert!(error.contains("shape (3, 4) but the grid needs (2, 3, 5)"), "{error}");
    }
}
