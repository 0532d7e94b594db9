//! Chance that is the same on every machine, and for everybody who draws with the same seed.

/// Of two numbers: the same, always (splitmix64).
pub(super) fn hash(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_add(0x632b_e59b_d9b4_e019);
    for _ in 0..2 {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
    }
    z
}

pub(super) struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    /// `what` is drawn for: two subjects never share a number.
    pub(super) fn new(seed: u64, what: u64) -> Self {
        Dice { seed: hash(seed, what), drawn: 0 }
    }

    /// 0..1.
    pub(super) fn share(&mut self) -> f64 {
        self.drawn += 1;
        (hash(self.seed, self.drawn) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn is(&mut self, chance: f64) -> bool {
        self.share() < chance
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of things")]
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((self.share() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Nearly normal, with deviation 1: twelve shares.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}
