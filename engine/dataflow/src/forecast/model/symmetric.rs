//! A symmetric matrix of which one half is kept.

use super::features::{Features, WIDTH};

/// Rows and columns of a block.
const SIDE: usize = 8;
/// Blocks in a row of the whole.
const ROW: usize = WIDTH / SIDE;
/// Blocks on and below the diagonal.
const BLOCKS: usize = ROW * (ROW + 1) / 2;

type Block = [[f32; SIDE]; SIDE];

/// `WIDTH` x `WIDTH`, as the blocks on and below its diagonal, row by row: blocks so that loops vectorise. 3.8 kB.
#[derive(Clone, Debug)]
pub(crate) struct Symmetric {
    blocks: Vec<Block>,
}

/// The place of each block: its row, and its column up to that.
fn places() -> impl Iterator<Item = (usize, usize)> {
    (0..ROW).flat_map(|row| (0..=row).map(move |column| (row, column)))
}

/// Its part of a vector.
fn part(x: &Features, at: usize) -> [f32; SIDE] {
    x.as_chunks().0.get(at).copied().unwrap_or_default()
}

impl Symmetric {
    /// The same along the diagonal, and nothing beside it.
    pub(crate) fn diagonal(value: f32) -> Self {
        let mut blocks = vec![[[0.0; SIDE]; SIDE]; BLOCKS];
        for (block, (row, column)) in blocks.iter_mut().zip(places()) {
            if row == column {
                for (i, cells) in block.iter_mut().enumerate() {
                    if let Some(cell) = cells.get_mut(i) {
                        *cell = value;
                    }
                }
            }
        }
        Symmetric { blocks }
    }

    /// The product with a vector.
    pub(crate) fn times(&self, x: &Features) -> Features {
        let mut product: Features = [0.0; WIDTH];
        let (parts, _) = product.as_chunks_mut::<SIDE>();
        for (block, (row, column)) in self.blocks.iter().zip(places()) {
            let (of_row, of_column) = (part(x, row), part(x, column));
            if let Some(out) = parts.get_mut(row) {
                for (out, cells) in out.iter_mut().zip(block) {
                    *out += cells.iter().zip(&of_column).map(|(cell, x)| cell * x).sum::<f32>();
                }
            }
            // The half above the diagonal is its mirror.
            if row != column
                && let Some(out) = parts.get_mut(column)
            {
                for (cells, x) in block.iter().zip(&of_row) {
                    for (out, cell) in out.iter_mut().zip(cells) {
                        *out += cell * x;
                    }
                }
            }
        }
        product
    }

    /// Takes away `by` times the vector's product with itself.
    pub(crate) fn subtract(&mut self, x: &Features, by: f32) {
        for (block, (row, column)) in self.blocks.iter_mut().zip(places()) {
            let (of_row, of_column) = (part(x, row), part(x, column));
            for (cells, x) in block.iter_mut().zip(&of_row) {
                let by = by * x;
                for (cell, x) in cells.iter_mut().zip(&of_column) {
                    *cell -= by * x;
                }
            }
        }
    }

    /// The sum along the diagonal.
    pub(crate) fn trace(&self) -> f32 {
        let diagonal = self.blocks.iter().zip(places()).filter(|(_, (row, column))| row == column);
        diagonal.flat_map(|(block, _)| block.iter().enumerate().filter_map(|(i, cells)| cells.get(i))).sum()
    }

    /// Multiplies all of it.
    pub(crate) fn grow(&mut self, by: f32) {
        for cell in self.blocks.iter_mut().flatten().flatten() {
            *cell *= by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the whole matrix.
    #[test]
    fn half_of_it_gives_what_the_whole_gives() {
        let vector =
            |k: usize| -> Features { core::array::from_fn(|i| ((i * 7 + k * 13) % 11) as f32 / 11.0 - 0.4) };
        let mut half = Symmetric::diagonal(3.0);
        let mut whole = [[0.0_f32; WIDTH]; WIDTH];
        for (i, row) in whole.iter_mut().enumerate() {
            row[i] = 3.0;
        }
        for k in 0..20 {
            let x = vector(k);
            half.subtract(&x, 0.01);
            half.grow(1.001);
            for (i, row) in whole.iter_mut().enumerate() {
                for (j, cell) in row.iter_mut().enumerate() {
                    *cell = (*cell - 0.01 * x[i] * x[j]) * 1.001;
                }
            }
            let y = vector(k + 5);
            let product = half.times(&y);
            for (row, found) in whole.iter().zip(product) {
                let expected: f32 = row.iter().zip(y).map(|(a, b)| a * b).sum();
                assert!((expected - found).abs() < 1e-4, "{expected} {found}");
            }
        }
        let trace: f32 = whole.iter().enumerate().map(|(i, row)| row[i]).sum();
        assert!((half.trace() - trace).abs() < 1e-2);
    }
}
