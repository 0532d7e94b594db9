//! Values that stand for 'no value'.

const SENTINELS: [i32; 10] = [-1, -99, -999, -9999, 999, 9999, 99_999, 32_767, 65_535, i32::MAX];

/// Whether a figure of a facility is a code rather than a count: one of the known ones, and outside 0..=capacity by more
/// than a miscount explains (a car park of 1,000 may well say 999).
///
/// `-1` is a code although it is near 0: figures that drift below 0 pass it, and come again with other values.
#[must_use]
pub fn is_sentinel(value: i32, capacity: u32) -> bool {
    let above = i64::from(value) > i64::from(capacity) * 3 / 2;
    SENTINELS.contains(&value) && (value < 0 || above)
}
