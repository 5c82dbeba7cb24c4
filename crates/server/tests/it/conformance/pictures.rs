//! Pictures for avatars, spelled byte by byte: no encoder of ours is asked, so what is wrong in one is what was put there.

/// A grey PNG of this size.
pub(super) fn png(width: u32, height: u32) -> &'static [u8] {
    let row = [&[0_u8] as &[u8], &vec![128; width as usize]].concat();
    png_of(width, height, &row.repeat(height as usize))
}

/// A PNG that says it has this size, whatever its pixels are.
pub(super) fn png_of(width: u32, height: u32, rows: &[u8]) -> &'static [u8] {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // Eight bits of grey, the usual compression and filters, not interlaced.
    header.extend([8, 0, 0, 0, 0]);
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend(chunk(*b"IHDR", &header));
    picture.extend(chunk(*b"IDAT", &stored(rows)));
    picture.extend(chunk(*b"IEND", &[]));
    picture.leak()
}

/// zlib's frame around blocks that are not compressed.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap();
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler(bytes).to_be_bytes());
    stream
}

fn adler(bytes: &[u8]) -> u32 {
    let sums = bytes.iter().fold((1_u32, 0_u32), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    (sums.1 << 16) | sums.0
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&name as &[u8], data].concat();
    let length = u32::try_from(data.len()).unwrap();
    [&length.to_be_bytes() as &[u8], &body, &crc(&body).to_be_bytes()].concat()
}

/// CRC-32 as PNG wants it, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let shift = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        (0..8).fold(crc ^ u32::from(*byte), shift)
    };
    !bytes.iter().fold(u32::MAX, step)
}
