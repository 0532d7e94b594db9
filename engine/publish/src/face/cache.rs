//! A small cache of rendered faces: a renewal is the same face again, thousands of times a day.

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use vlot_model::SignIx;

use super::RenderedPage;

/// What one generation may hold; two live at a time.
const GENERATION_BYTES: usize = 4 << 20;

type Faces = FxHashMap<SignIx, FxHashMap<Box<str>, Vec<RenderedPage>>>;

/// Two generations: a face that is asked for again lives on, the others leave with their generation.
#[derive(Default)]
pub(super) struct Cache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: Faces,
    young_bytes: usize,
    old: Faces,
}

impl Cache {
    pub(super) fn get(&self, sign: SignIx, multi: &str) -> Option<Vec<RenderedPage>> {
        let mut generations = self.0.lock();
        if let Some(pages) = generations.young.get(&sign).and_then(|faces| faces.get(multi)) {
            return Some(pages.clone());
        }
        let pages = generations.old.get(&sign)?.get(multi)?.clone();
        generations.keep(sign, multi, &pages);
        Some(pages)
    }

    pub(super) fn put(&self, sign: SignIx, multi: &str, pages: &[RenderedPage]) {
        self.0.lock().keep(sign, multi, pages);
    }
}

impl Generations {
    fn keep(&mut self, sign: SignIx, multi: &str, pages: &[RenderedPage]) {
        let bytes = multi.len() + pages.iter().map(|p| p.rgb.len() + p.png.len()).sum::<usize>();
        if self.young_bytes + bytes > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.entry(sign).or_default().insert(multi.into(), pages.to_vec()).is_none() {
            self.young_bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    fn page(bytes: usize) -> Vec<RenderedPage> {
        let rgb: Arc<[u8]> = vec![0; bytes].into();
        vec![RenderedPage { png: Arc::new([]), width_px: 1, height_px: 1, rgb, duration: Duration::ZERO }]
    }

    #[test]
    fn a_face_that_is_asked_for_stays_and_the_bound_holds() {
        let cache = Cache::default();
        let quarter = GENERATION_BYTES / 4;
        cache.put(SignIx(0), "kept", &page(quarter));
        for i in 0..40 {
            cache.put(SignIx(1), &i.to_string(), &page(quarter));
            assert!(cache.get(SignIx(0), "kept").is_some(), "round {i}");
            let generations = cache.0.lock();
            assert!(generations.young_bytes <= GENERATION_BYTES);
            let held: usize = [&generations.young, &generations.old]
                .iter()
                .map(|faces| faces.values().map(FxHashMap::len).sum::<usize>())
                .sum();
            assert!(held <= 8, "{held} faces held");
        }
        assert!(cache.get(SignIx(1), "0").is_none());
        assert!(cache.get(SignIx(1), "39").is_some());
    }
}
