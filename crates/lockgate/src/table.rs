//! Tables for people: aligned columns, printed page by page.

/// Space between two columns.
const GAP: &str = "  ";

/// On which side a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    /// For whole numbers.
    Right,
    /// For decimals: their points stand below each other.
    Point,
}

/// A table. A column is as wide as its widest cell so far, so that later pages stay in line with the first, or get wider.
pub(crate) struct Table {
    columns: Vec<Column>,
    has_header: bool,
}

struct Column {
    name: &'static str,
    align: Align,
    width: usize,
    /// Width of the longest fraction with its point, where points are aligned.
    fraction: usize,
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = (&'static str, Align)>) -> Self {
        let column = |(name, align)| Column { name, align, width: width(name), fraction: 0 };
        Self { columns: columns.into_iter().map(column).collect(), has_header: false }
    }

    /// The text of a page of rows, the first time below the names of the columns; nothing where there are no rows.
    pub(crate) fn page(&mut self, mut rows: Vec<Vec<String>>) -> String {
        if rows.is_empty() {
            return String::new();
        }
        for (at, column) in self.columns.iter_mut().enumerate() {
            column.fit(rows.iter_mut().filter_map(|row| row.get_mut(at)));
        }
        let mut text = String::new();
        if !std::mem::replace(&mut self.has_header, true) {
            self.push_line(&mut text, self.columns.iter().map(|column| column.name));
        }
        for row in &rows {
            self.push_line(&mut text, row.iter().map(String::as_str));
        }
        text
    }

    fn push_line<'a>(&self, text: &mut String, cells: impl Iterator<Item = &'a str>) {
        let mut line = String::new();
        for (cell, column) in cells.zip(&self.columns) {
            let space = " ".repeat(column.width.saturating_sub(width(cell)));
            let (before, after) = match column.align {
                Align::Left => ("", space.as_str()),
                Align::Right | Align::Point => (space.as_str(), ""),
            };
            line.extend([before, cell, after, GAP]);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

impl Column {
    /// Makes the cells fit for a terminal, and the column wide enough for them.
    fn fit<'a>(&mut self, cells: impl Iterator<Item = &'a mut String>) {
        let cells: Vec<_> = cells.collect();
        if self.align == Align::Point {
            let longest = cells.iter().map(|cell| fraction(cell)).max().unwrap_or(0);
            self.fraction = self.fraction.max(longest);
        }
        for cell in cells {
            *cell = harmless(cell);
            if self.align == Align::Point {
                cell.push_str(&" ".repeat(self.fraction.saturating_sub(fraction(cell))));
            }
            self.width = self.width.max(width(cell));
        }
    }
}

/// A text that cannot steer a terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Width of a decimal's fraction with its point.
fn fraction(decimal: &str) -> usize {
    decimal.find('.').map_or(0, |point| decimal.len() - point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect()
    }

    #[test]
    fn columns_are_aligned_over_pages() {
        let mut table = Table::new([("NAME", Align::Left), ("N", Align::Right), ("UNITS", Align::Point)]);
        assert_eq!(
            table.page(rows(&[&["Ada", "7", "12.25"], &["é", "1000", "-3"]])),
            "NAME     N  UNITS\n\
             Ada      7  12.25\n\
             é     1000  -3\n"
        );
        assert_eq!(table.page(rows(&[&["Grace", "1", "0.5"]])), "Grace     1   0.5\n");
    }

    #[test]
    fn a_table_without_rows_is_nothing() {
        assert_eq!(Table::new([("NAME", Align::Left)]).page(rows(&[])), "");
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        let mut table = Table::new([("NAME", Align::Left)]);
        assert_eq!(table.page(rows(&[&["\x1b[2Jx"]])), "NAME\n\u{fffd}[2Jx\n");
    }
}
