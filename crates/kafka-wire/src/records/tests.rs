use proptest::prelude::*;
use twinkey_testbed::compression::Codec;

use super::*;

const LIMITS: Limits = Limits { part: 1 << 20, header: 1 << 20, headers: 100, batch: 64 << 20 };
const BASE: i64 = 1000;
const TIME: i64 = 1_795_000_000_000;

/// A record as bytes: its deltas, key, value and headers.
type Sample<'a> = (i64, Option<&'a [u8]>, Option<&'a [u8]>, Vec<(&'a [u8], Option<&'a [u8]>)>);

fn varint(number: i64, into: &mut Vec<u8>) {
    let mut zigzag = ((number << 1) ^ (number >> 63)) as u64;
    while zigzag >= 0x80 {
        into.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    into.push(zigzag as u8);
}

fn sized(bytes: Option<&[u8]>, into: &mut Vec<u8>) {
    varint(bytes.map_or(-1, |bytes| bytes.len() as i64), into);
    into.extend_from_slice(bytes.unwrap_or_default());
}

fn records(samples: &[Sample<'_>]) -> Vec<u8> {
    let mut all = Vec::new();
    for (index, (time, key, value, headers)) in samples.iter().enumerate() {
        let mut record = vec![0];
        varint(*time, &mut record);
        varint(index as i64, &mut record);
        sized(*key, &mut record);
        sized(*value, &mut record);
        varint(headers.len() as i64, &mut record);
        for (name, value) in headers {
            sized(Some(name), &mut record);
            sized(*value, &mut record);
        }
        varint(record.len() as i64, &mut all);
        all.extend(record);
    }
    all
}

/// A batch around bytes that are compressed already.
fn frame(attributes: i16, count: i32, body: &[u8]) -> Bytes {
    let mut bytes = vec![0; HEADER_LEN];
    bytes[..8].copy_from_slice(&BASE.to_be_bytes());
    bytes[8..12].copy_from_slice(&((HEADER_LEN - LENGTH_PREFIX + body.len()) as i32).to_be_bytes());
    bytes[16] = 2;
    bytes[21..23].copy_from_slice(&attributes.to_be_bytes());
    bytes[23..27].copy_from_slice(&(count - 1).to_be_bytes());
    bytes[27..35].copy_from_slice(&TIME.to_be_bytes());
    bytes[35..43].copy_from_slice(&(TIME + 50).to_be_bytes());
    bytes[43..51].copy_from_slice(&7_i64.to_be_bytes());
    bytes[57..61].copy_from_slice(&count.to_be_bytes());
    bytes.extend_from_slice(body);
    let crc = crc32c::crc32c(&bytes[CRC_START..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

fn compressed(codec: Codec, samples: &[Sample<'_>]) -> Bytes {
    frame(codec.number(), samples.len() as i32, &codec.compress(&records(samples)))
}

fn one(bytes: Bytes) -> Batch {
    let mut found = batches(bytes);
    let batch = found.next().expect("a batch");
    assert!(found.next().is_none(), "and no other");
    batch
}

fn read(bytes: Bytes, limits: Limits) -> Result<Vec<Record>, Unreadable> {
    one(bytes).records(limits)?.collect()
}

#[test]
fn records_are_read_whatever_compressed_them() {
    let long = b"long ".repeat(20_000);
    let samples: Vec<Sample<'_>> = vec![
        (0, Some(b"key"), Some(b"value"), vec![(b"a", Some(b"1")), (b"a", None), (b"\xff", Some(b""))]),
        (-3, None, None, Vec::new()),
        (50, Some(b""), Some(&long), Vec::new()),
    ];
    for codec in Codec::ALL {
        let found = read(compressed(codec, &samples), LIMITS).unwrap_or_else(|error| panic!("{codec:?}: {error}"));
        assert_eq!(found.len(), 3, "{codec:?}");
        for (index, (record, (time, key, value, headers))) in found.iter().zip(&samples).enumerate() {
            let bytes = |part: &Option<Part>| part.as_ref().map(|part| part.bytes.clone());
            assert_eq!((record.offset, record.timestamp), (BASE + index as i64, TIME + time));
            assert_eq!(bytes(&record.key).as_deref(), *key);
            assert_eq!(bytes(&record.value).as_deref(), *value);
            let read: Vec<_> = record.headers.iter().map(|it| (it.name.bytes.clone(), bytes(&it.value))).collect();
            let sent: Vec<_> = headers.iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect();
            assert_eq!(read, sent);
        }
        assert_eq!(found[0].size, 12, "{codec:?}");
    }
}

#[test]
fn only_as_much_is_kept_as_is_wanted() {
    let headers = vec![(&b"name"[..], Some(&b"value"[..])); 5];
    let samples: Vec<Sample<'_>> =
        vec![(0, Some(b"123456"), Some(b"1234"), headers), (0, None, Some(b"x"), Vec::new())];
    let limits = Limits { part: 4, header: 2, headers: 3, batch: 1 << 20 };
    for codec in Codec::ALL {
        let found = read(compressed(codec, &samples), limits).expect("readable");
        let (key, value) = (found[0].key.as_ref().expect("a key"), found[0].value.as_ref().expect("a value"));
        assert_eq!((&*key.bytes, key.size, key.is_cut()), (&b"1234"[..], 6, true));
        assert_eq!((&*value.bytes, value.is_cut()), (&b"1234"[..], false));
        assert_eq!((found[0].headers.len(), found[0].headers_left_out, found[0].size), (3, 2, 10 + 5 * 9));
        let header = &found[0].headers[0];
        assert_eq!((&*header.name.bytes, &*header.value.as_ref().expect("a value").bytes), (&b"name"[..], &b"va"[..]));
        assert_eq!(found[1].value.as_ref().expect("a value").bytes, b"x");
    }
}

#[test]
fn what_grows_beyond_the_limit_is_given_up_there() {
    let zeros = vec![0; 16 << 20];
    let samples: Vec<Sample<'_>> = vec![(0, None, Some(&zeros), Vec::new())];
    let limits = Limits { batch: 1 << 20, ..LIMITS };
    for codec in Codec::ALL {
        assert_eq!(read(compressed(codec, &samples), limits), Err(Unreadable::TooLarge), "{codec:?}");
        let exact = records(&samples).len() as u64;
        assert!(read(compressed(codec, &samples), Limits { batch: exact, ..LIMITS }).is_ok(), "{codec:?}");
        assert!(read(compressed(codec, &samples), Limits { batch: exact - 1, ..LIMITS }).is_err(), "{codec:?}");
    }
}

#[test]
fn made_up_lengths_take_no_memory() {
    // A block of Snappy that claims four gigabytes; a frame of zstd that claims a terabyte; records and headers without number.
    let mut snappy = vec![0xff, 0xff, 0xff, 0xff, 0x0f];
    snappy.extend([0; 20]);
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
    zstd.extend((1_u64 << 40).to_le_bytes());
    zstd.extend([1, 0, 0]);
    for (codec, body, reason) in
        [(Codec::Snappy, snappy, Unreadable::TooLarge), (Codec::Zstd, zstd, Unreadable::TooLarge)]
    {
        assert_eq!(read(frame(codec.number(), 1, &body), LIMITS), Err(reason), "{codec:?}");
    }
    let mut value = Vec::new();
    varint(1 << 40, &mut value);
    assert_eq!(read(frame(0, 1, &value), LIMITS), Err(Unreadable::Damaged));
    let found = read(frame(0, i32::MAX, &records(&[(0, None, None, Vec::new())])), LIMITS);
    assert_eq!(found, Err(Unreadable::Damaged));
    let mut headers = vec![0, 0, 0, 1, 1];
    varint(i64::from(u32::MAX), &mut headers);
    let mut record = Vec::new();
    varint(headers.len() as i64, &mut record);
    record.extend(headers);
    assert_eq!(read(frame(0, 1, &record), LIMITS), Err(Unreadable::Damaged));
}

#[test]
fn what_is_no_batch_is_told() {
    let good = compressed(Codec::None, &[(0, None, Some(b"value"), Vec::new())]);
    assert_eq!(read(frame(6, 1, b""), LIMITS), Err(Unreadable::Codec));
    let mut old = good.to_vec();
    old[16] = 1;
    assert_eq!(read(old.into(), LIMITS), Err(Unreadable::Format));
    let mut torn = good.to_vec();
    *torn.last_mut().expect("bytes") ^= 1;
    assert_eq!(read(torn.into(), LIMITS), Err(Unreadable::Damaged));
    assert!(batches(good.slice(..good.len() - 1)).next().is_none(), "a batch that is cut off");
    let mut two = good.to_vec();
    two.extend_from_slice(&good);
    two.extend_from_slice(&good[..70]);
    assert_eq!(batches(two.into()).count(), 2);
}

#[test]
fn the_brokers_time_wins_where_it_counts() {
    let body = records(&[(3, None, None, Vec::new())]);
    let found = read(frame(LOG_APPEND_TIME, 1, &body), LIMITS).expect("readable");
    assert_eq!(found[0].timestamp, TIME + 50);
}

#[test]
fn marks_of_transactions_are_understood() {
    let control = |kind: u8| one(frame(0x30, 1, &records(&[(0, Some(&[0, 0, 0, kind]), Some(&[0; 6]), Vec::new())])));
    assert_eq!(control(0).marker(), Some(Marker::Abort));
    assert_eq!(control(1).marker(), Some(Marker::Commit));
    assert_eq!(control(2).marker(), None);
    assert_eq!(one(compressed(Codec::None, &[(0, Some(&[0; 4]), None, Vec::new())])).marker(), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_within_bounds(
        codec in 0_i16..6,
        count in 0_i32..50,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let limits = Limits { part: 64, header: 64, headers: 4, batch: 1 << 16 };
        if let Ok(records) = one(frame(codec, count, &body)).records(limits) {
            for record in records.flatten() {
                prop_assert!(record.value.is_none_or(|value| value.bytes.len() <= 64));
            }
        }
    }

    #[test]
    fn a_changed_byte_is_damage_or_other_content(index in 0_usize..200, bit in 0_u8..8) {
        let samples: Vec<Sample<'_>> = vec![(0, Some(b"key"), Some(b"some value that is repeated, repeated, repeated"), Vec::new())];
        for codec in Codec::ALL {
            let mut body = codec.compress(&records(&samples));
            let index = index % body.len();
            body[index] ^= 1 << bit;
            if let Ok(records) = one(frame(codec.number(), 1, &body)).records(LIMITS) {
                prop_assert!(records.count() <= 1);
            }
        }
    }
}
