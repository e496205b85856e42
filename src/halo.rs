//! Exchange of halos between neighbouring subdomains, with the interior computed while the messages fly.
//!
//! With width 1 a rank talks to the neighbours across its faces. With width k > 1 it also talks to those across edges and
//! corners, because a step recomputes part of the rim and its stencil reaches round the corner; one exchange then serves k
//! steps. All messages of an exchange fly at once. Refused: exchanging axis after axis (no diagonal messages, but three
//! latencies in a row and no overlap for the second and third).

use crate::comm::{Communicator, Incoming, Outgoing};
use crate::decomposition::{CartesianDecomposition, IndexBox};
use crate::error::{Error, Result};
use crate::field::{Field, Layout};
use arrayvec::ArrayVec;
use std::ops::Range;

/// Neighbours of a cell in three dimensions: the most messages that a rank sends.
const DIRECTIONS: usize = 26;

/// One message out and one in, with the neighbour in one direction.
#[derive(Clone, Debug)]
struct Link {
    neighbour: usize,
    send_tag: u16,
    receive_tag: u16,
    send: IndexBox,
    receive: IndexBox,
    values: Range<usize>,
}

/// Persistent buffers and message lists for fields of one layout.
#[derive(Debug)]
pub struct HaloExchange {
    links: Vec<Link>,
    outgoing: Vec<f64>,
    incoming: Vec<f64>,
}

/// Halo cells per side that a rank's fields need for a halo of `width`: none at a wall.
pub fn halo_sides(decomposition: &CartesianDecomposition, rank: usize, width: usize) -> [[usize; 2]; 3] {
    let side = |axis: usize, step: isize| {
        let mut direction = [0; 3];
        direction[axis] = step;
        if decomposition.neighbour(rank, direction).is_some() { width } else { 0 }
    };
    std::array::from_fn(|axis| [side(axis, -1), side(axis, 1)])
}

/// Checks that every rank owns at least `width` cells along every axis that has neighbours.
///
/// # Errors
/// Names the axis and the largest usable width.
pub fn check_width(decomposition: &CartesianDecomposition, width: usize) -> Result<()> {
    for axis in 0..3 {
        let connected = decomposition.periodic[axis] || decomposition.dims[axis] > 1;
        let thinnest = decomposition.thinnest(axis);
        if connected && width > thinnest {
            let (name, ranks) = (["x", "y", "z"][axis], decomposition.ranks());
            return Err(Error::key(
                "decomposition.halo_width",
                format!(
                    "{width} is wider than the {thinnest} cells along {name} that the smallest of {ranks} ranks owns"
                ),
                format!("use at most {thinnest}, or fewer ranks"),
            ));
        }
    }
    Ok(())
}

impl HaloExchange {
    /// Message lists of `rank` for fields of this layout, whose halo has the given width.
    pub fn new(decomposition: &CartesianDecomposition, rank: usize, layout: &Layout, width: usize) -> HaloExchange {
        let (links, filled) = links(decomposition, rank, layout, width);
        HaloExchange { links, outgoing: vec![0.0; filled], incoming: vec![0.0; filled] }
    }

    /// Messages and bytes that a rank sends in one exchange, without making the buffers.
    pub fn volume(
        decomposition: &CartesianDecomposition,
        rank: usize,
        layout: &Layout,
        width: usize,
    ) -> (usize, usize) {
        let (links, filled) = links(decomposition, rank, layout, width);
        (links.len(), filled * size_of::<f64>())
    }

    /// Neighbour and bytes of each message that a rank sends in one exchange, without making the buffers.
    pub fn messages_of(
        decomposition: &CartesianDecomposition,
        rank: usize,
        layout: &Layout,
        width: usize,
    ) -> Vec<(usize, usize)> {
        let (links, _) = links(decomposition, rank, layout, width);
        links.iter().map(|link| (link.neighbour, link.values.len() * size_of::<f64>())).collect()
    }

    /// Messages that this rank sends in one exchange.
    pub fn messages(&self) -> usize {
        self.links.len()
    }

    /// Bytes that this rank sends in one exchange.
    pub fn bytes(&self) -> usize {
        size_of_val(self.outgoing.as_slice())
    }

    /// Fills the halo of `field` from the neighbours' interiors; `interior_work` runs while the messages fly and may read
    /// the field's interior.
    pub fn exchange_while(&mut self, comm: &dyn Communicator, field: &mut Field, interior_work: impl FnOnce(&Field)) {
        for link in &self.links {
            field.pack(&link.send, &mut self.outgoing[link.values.clone()]);
        }
        let outgoing: ArrayVec<Outgoing<'_>, DIRECTIONS> = self
            .links
            .iter()
            .map(|link| Outgoing {
                to: link.neighbour,
                tag: link.send_tag,
                data: bytemuck::cast_slice(&self.outgoing[link.values.clone()]),
            })
            .collect();
        let mut incoming: ArrayVec<Incoming<'_>, DIRECTIONS> = ArrayVec::new();
        let mut rest: &mut [f64] = &mut self.incoming;
        for link in &self.links {
            let (part, behind) = rest.split_at_mut(link.values.len());
            rest = behind;
            incoming.push(Incoming {
                from: link.neighbour,
                tag: link.receive_tag,
                data: bytemuck::cast_slice_mut(part),
            });
        }
        let mut interior_work = Some(interior_work);
        comm.exchange(&outgoing, &mut incoming, &mut || {
            if let Some(work) = interior_work.take() {
                work(field);
            }
        });
        drop(incoming);
        for link in &self.links {
            field.unpack(&link.receive, &self.incoming[link.values.clone()]);
        }
    }
}

/// The messages of a rank, and the number of values that they carry.
fn links(decomposition: &CartesianDecomposition, rank: usize, layout: &Layout, width: usize) -> (Vec<Link>, usize) {
    let mut links = Vec::new();
    let mut filled = 0;
    for code in 0..27u16 {
        let direction = direction_of(code);
        let distance: isize = direction.iter().map(|d| d.abs()).sum();
        let needed = distance == 1 || (width > 1 && distance > 1);
        let Some(neighbour) = decomposition.neighbour(rank, direction).filter(|_| needed) else { continue };
        let (send, receive) = slabs(layout, direction, width as isize);
        if send.is_empty() {
            continue;
        }
        let values = filled..filled + send.cell_count();
        filled = values.end;
        links.push(Link { neighbour, send_tag: code, receive_tag: 26 - code, send, receive, values });
    }
    (links, filled)
}

/// Direction number `code` of 0..27 (13 is the centre); the opposite direction is `26 - code`.
fn direction_of(code: u16) -> [isize; 3] {
    let digit = |place: u16| (code / place % 3) as isize - 1;
    [digit(1), digit(3), digit(9)]
}

/// Cells to send to, and halo cells to receive from, the neighbour in a direction.
fn slabs(layout: &Layout, direction: [isize; 3], width: isize) -> (IndexBox, IndexBox) {
    let mut send = layout.interior();
    let mut receive = layout.interior();
    for (axis, step) in direction.into_iter().enumerate() {
        let n = layout.cells[axis] as isize;
        match step {
            -1 => {
                send.upper[axis] = width;
                (receive.lower[axis], receive.upper[axis]) = (-width, 0);
            }
            1 => {
                send.lower[axis] = n - width;
                (receive.lower[axis], receive.upper[axis]) = (n, n + width);
            }
            _ => {}
        }
    }
    (send, receive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::solo::Solo;

    /// A periodic rank alone: its halo must be its own far side, edges and corners included.
    #[test]
    fn periodic_halo_of_one_rank_is_its_own_far_side() {
        let cells = [5, 4, 3];
        for width in [1, 2, 3] {
            let decomposition = CartesianDecomposition::new(cells, [true; 3], 1, None).unwrap();
            let layout = Layout::new(cells, halo_sides(&decomposition, 0, width));
            let mut field = Field::zeros(layout);
            for ((k, j, i), value) in field.view_mut().indexed_iter_mut() {
                *value = (i + 10 * j + 100 * k) as f64;
            }
            let mut halo = HaloExchange::new(&decomposition, 0, &layout, width);
            halo.exchange_while(&Solo, &mut field, |_| {});
            check_halo(&field, cells, width as isize);
        }
    }

    fn check_halo(field: &Field, cells: [usize; 3], width: isize) {
        let whole = field.layout().whole();
        for k in whole.lower[2]..whole.upper[2] {
            for j in whole.lower[1]..whole.upper[1] {
                for i in whole.lower[0]..whole.upper[0] {
                    let at = [i, j, k];
                    let outside = (0..3).filter(|&a| !(0..cells[a] as isize).contains(&at[a])).count();
                    if width == 1 && outside > 1 {
                        continue;
                    }
                    let wrapped: [isize; 3] = std::array::from_fn(|a| at[a].rem_euclid(cells[a] as isize));
                    let expected = wrapped[0] + 10 * wrapped[1] + 100 * wrapped[2];
                    assert_eq!(field.at(at), expected as f64, "{at:?}");
                }
            }
        }
    }

    #[test]
    fn a_halo_wider_than_a_subdomain_is_refused() {
        let decomposition = CartesianDecomposition::new([7, 64, 1], [false; 3], 3, Some([3, 1, 1])).unwrap();
        assert!(check_width(&decomposition, 2).is_ok());
        let error = check_width(&decomposition, 3).unwrap_err();
        assert!(error.to_string().contains("use at most 2"), "{error}");
    }
}
