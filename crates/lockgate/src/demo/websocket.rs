//! Sends WebSocket frames back as they come (RFC 6455, section 5).

use std::io::{self, Read, Write};

/// Largest frame sent back, bytes; a larger one ends the connection.
const PAYLOAD_BYTES_MAX: u64 = 1 << 20;

const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Sends every frame of a client back until it closes: a fragmented message comes back fragmented alike.
pub(super) fn echo(reader: &mut impl Read, writer: &mut impl Write) -> io::Result<()> {
    loop {
        let (first, payload) = read_frame(reader)?;
        match first & 0x0f {
            PING => write_frame(writer, first & 0xf0 | PONG, &payload)?,
            PONG => {}
            CLOSE => return write_frame(writer, first, &payload),
            _ => write_frame(writer, first, &payload)?,
        }
    }
}

/// Reads a frame: its first byte, which has the opcode, and its payload without the mask.
fn read_frame(reader: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let [first, second] = array(reader)?;
    let length = match second & 0x7f {
        126 => u16::from_be_bytes(array(reader)?).into(),
        127 => u64::from_be_bytes(array(reader)?),
        short => short.into(),
    };
    // A client masks every frame.
    if length > PAYLOAD_BYTES_MAX || second & 0x80 == 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mask: [u8; 4] = array(reader)?;
    let mut payload = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    reader.read_exact(&mut payload)?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok((first, payload))
}

fn array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write_frame(writer: &mut impl Write, first: u8, payload: &[u8]) -> io::Result<()> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(short as u8),
        middle @ 126..=0xffff => {
            frame.push(126);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    writer.write_all(&frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::websocket::Frame;

    #[test]
    fn messages_come_back_until_the_client_closes() {
        let mask = Some([1, 2, 3, 4]);
        let sent = [Frame::whole(1, *b"hello"), Frame::whole(2, vec![7; 70_000]), Frame::whole(9, *b"?")];
        let mut input: Vec<u8> = sent.iter().flat_map(|frame| frame.encode(mask)).collect();
        input.extend(Frame::whole(8, 1000_u16.to_be_bytes()).encode(mask));
        let mut output = Vec::new();
        echo(&mut input.as_slice(), &mut output).unwrap();
        let mut output = output.as_slice();
        let mut expected = sent.to_vec();
        expected[2].opcode = 10;
        expected.push(Frame::whole(8, 1000_u16.to_be_bytes()));
        for frame in expected {
            assert_eq!(Frame::read(&mut output).unwrap(), frame);
        }
        assert!(output.is_empty());
    }
}
