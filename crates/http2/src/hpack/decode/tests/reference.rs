//! Another encoder, which uses all that there is: a plain list for a table, and for each field whatever way it is told.

use super::*;

/// How a field is to be written.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// By its index where a table has it, else as [`Form::Incremental`].
    Indexed,
    Incremental,
    Without,
    Never,
}

/// A field and how to write it.
#[derive(Clone, Debug)]
struct Wanted {
    name: Vec<u8>,
    value: Vec<u8>,
    form: Form,
    /// Whether the name goes by an index where a table has it.
    by_index: bool,
    /// Whether the last of several indexes is taken.
    last: bool,
    coded: (bool, bool),
}

struct Encoder {
    table: Fields,
    limit: usize,
}

impl Encoder {
    fn evict(&mut self) {
        let size = |table: &Fields| -> usize {
            table.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
        };
        while size(&self.table) > self.limit {
            self.table.pop();
        }
    }

    fn resize(&mut self, limit: usize, block: &mut Vec<u8>) {
        integer(limit, 0x20, 0x1f, block);
        self.limit = limit;
        self.evict();
    }

    /// The index of what satisfies `is_it`, first or last.
    fn find(&self, last: bool, is_it: impl Fn(&[u8], &[u8]) -> bool) -> Option<usize> {
        let both = (1..=61).map(|index| {
            let (name, value) = static_table::get(index).unwrap();
            (name.to_vec(), value.to_vec())
        });
        let mut found = both
            .chain(self.table.iter().cloned())
            .zip(1..)
            .filter(|((name, value), _)| is_it(name, value))
            .map(|(_, index)| index);
        if last { found.last() } else { found.next() }
    }

    fn field(&mut self, wanted: &Wanted, block: &mut Vec<u8>) {
        let Wanted { name, value, form, by_index, last, coded } = wanted;
        let whole = self.find(*last, |n, v| n == name && v == value);
        let (pattern, full) = match (form, whole) {
            (Form::Indexed, Some(index)) => return integer(index, 0x80, 0x7f, block),
            (Form::Indexed | Form::Incremental, _) => (0x40, 0x3f),
            (Form::Without, _) => (0x00, 0x0f),
            (Form::Never, _) => (0x10, 0x0f),
        };
        match self.find(*last, |n, _| n == name).filter(|_| *by_index) {
            Some(index) => integer(index, pattern, full, block),
            None => {
                block.push(pattern);
                string(name, coded.0, block);
            }
        }
        string(value, coded.1, block);
        if pattern == 0x40 {
            self.table.insert(0, (name.clone(), value.clone()));
            self.evict();
        }
    }
}

fn integer(value: usize, pattern: u8, full: u8, block: &mut Vec<u8>) {
    if value < usize::from(full) {
        return block.push(pattern | value as u8);
    }
    block.push(pattern | full);
    let mut left = value - usize::from(full);
    while left > 127 {
        block.push((left % 128) as u8 + 128);
        left /= 128;
    }
    block.push(left as u8);
}

fn string(text: &[u8], coded: bool, block: &mut Vec<u8>) {
    let mut bytes = text.to_vec();
    if coded {
        bytes.clear();
        huffman::encode(text.iter().copied(), &mut bytes);
    }
    integer(bytes.len(), if coded { 0x80 } else { 0 }, 0x7f, block);
    block.extend(bytes);
}

/// Fields of few names and values, so that tables are of use; some are large, some new.
fn wanted() -> impl Strategy<Value = Wanted> {
    let name = prop_oneof![
        4 => prop::sample::select(vec![":path", ":method", "cookie", "x-a", "x-b", "accept-encoding", ""])
            .prop_map(|name| name.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..60),
    ];
    let value = prop_oneof![
        4 => prop::sample::select(vec!["/", "GET", "", "a", "a value that is a little longer than others"])
            .prop_map(|value| value.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
    ];
    let form = prop_oneof![
        3 => Just(Form::Indexed),
        3 => Just(Form::Incremental),
        1 => Just(Form::Without),
        1 => Just(Form::Never),
    ];
    (name, value, form, any::<bool>(), any::<bool>(), any::<(bool, bool)>()).prop_map(
        |(name, value, form, by_index, last, coded)| Wanted { name, value, form, by_index, last, coded },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_another_encoder_writes_is_read(
        size_max in prop_oneof![Just(4096_usize), 0_usize..400],
        blocks in proptest::collection::vec(
            (proptest::collection::vec(0_usize..400, 0..3), proptest::collection::vec(wanted(), 0..12)), 1..8),
    ) {
        let mut encoder = Encoder { table: Vec::new(), limit: size_max };
        let mut decoder = Decoder::new(size_max);
        for (sizes, fields) in blocks {
            let mut block = Vec::new();
            for size in sizes {
                encoder.resize(size.min(size_max), &mut block);
            }
            for wanted in &fields {
                encoder.field(wanted, &mut block);
            }
            let expected: Fields = fields.into_iter().map(|wanted| (wanted.name, wanted.value)).collect();
            prop_assert_eq!(decode(&mut decoder, &block), Ok(expected));
            prop_assert_eq!(entries(&decoder), encoder.table.clone());
        }
    }
}
