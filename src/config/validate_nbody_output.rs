//! What an N-body run writes.

use super::flaw::{Check, Flaw, magnitude, point, whole};
use super::nbody_deck::{BodyFormatName, NBodyFramesDeck, NBodyOutputDeck};
use super::validate::{axis_number, colormap};
use crate::run_config::{BodyFormat, DensityPlan, NBodyOutputPlan};

/// Checks `[output]`.
pub fn output(deck: &mut NBodyOutputDeck) -> Check<NBodyOutputPlan> {
    let mut snapshot_formats = Vec::new();
    for (n, format) in deck.snapshot_formats.iter().enumerate() {
        let format = match format {
            BodyFormatName::Vtp => BodyFormat::Vtp,
            BodyFormatName::Npy => BodyFormat::Npy,
            BodyFormatName::Hdf5 => BodyFormat::Gadget,
        };
        if snapshot_formats.contains(&format) {
            return Flaw::fail(format!("output.snapshot_formats.{n}"), "named twice", "name each format once");
        }
        snapshot_formats.push(format);
    }
    Ok(NBodyOutputPlan {
        diagnostics_every: deck.diagnostics_every,
        snapshot_every: deck.snapshot_every,
        snapshot_formats,
        frames_every: deck.frames_every,
        frames: frames(&deck.frames)?,
    })
}

fn frames(deck: &NBodyFramesDeck) -> Check<DensityPlan> {
    let half_width = deck.half_width.map(|width| magnitude("output.frames.half_width", width, "length units"));
    Ok(DensityPlan {
        axis: axis_number(deck.axis),
        centre: deck.centre.as_deref().map(|centre| point("output.frames.centre", centre)).transpose()?,
        half_width: half_width.transpose()?,
        bodies: ranges(&deck.bodies)?,
        range: deck.range.as_deref().map(densities).transpose()?,
        colormap: colormap(deck.colormap),
        pixels: whole("output.frames.pixels", deck.pixels, 16, 8192)?,
    })
}

fn ranges(ranges: &[Vec<u64>]) -> Check<Vec<[u64; 2]>> {
    let pair = |(n, range): (usize, &Vec<u64>)| match range.as_slice() {
        &[first, last] if first <= last => Ok([first, last]),
        _ => Flaw::fail(
            format!("output.frames.bodies.{n}"),
            format!("{range:?} is no range"),
            "write the first and the last body, such as [0, 999]",
        ),
    };
    ranges.iter().enumerate().map(pair).collect()
}

/// Both ends are positive, since the scale is logarithmic.
fn densities(range: &[f64]) -> Check<[f64; 2]> {
    const KEY: &str = "output.frames.range";
    let &[low, high] = range else {
        return Flaw::fail(KEY, format!("{} numbers", range.len()), "write two surface densities");
    };
    magnitude(&format!("{KEY}.0"), low, "mass per area; the scale is logarithmic")?;
    magnitude(&format!("{KEY}.1"), high, "mass per area")?;
    if low >= high {
        return Flaw::fail(KEY, format!("[{low}, {high}] does not ascend"), "write the smaller number first");
    }
    Ok([low, high])
}
