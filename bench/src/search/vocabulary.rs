//! Texts as people write them: few words make up most of it, most words are rare (Zipf).

use std::collections::HashSet;

use rand::Rng;
use rand::rngs::StdRng;

/// Words there are.
pub(super) const WORDS: usize = 30_000;
/// Words of one text.
const LENGTH: std::ops::RangeInclusive<usize> = 5..=30;
/// By how much the commonest words are less common than Zipf's law has it (Mandelbrot).
const SHIFT: f64 = 2.7;
const CONSONANTS: &[u8] = b"bcdfghjklmnprstvwz";
const VOWELS: &[u8] = b"aeiou";

/// Words in the order of how common they are, and how likely each is.
pub(super) struct Vocabulary {
    words: Vec<String>,
    /// Of the words up to each, summed up.
    weights: Vec<f64>,
}

impl Vocabulary {
    pub(super) fn draw(random: &mut StdRng) -> Self {
        let mut known = HashSet::with_capacity(WORDS);
        let mut words = Vec::with_capacity(WORDS);
        while words.len() < WORDS {
            let word = word(random);
            if known.insert(word.clone()) {
                words.push(word);
            }
        }
        let mut sum = 0.0;
        let weights = (0..WORDS).map(|rank| {
            sum += 1.0 / (rank as f64 + 1.0 + SHIFT);
            sum
        });
        Self { weights: weights.collect(), words }
    }

    /// The word of a rank; 0 is the commonest.
    pub(super) fn word(&self, rank: usize) -> &str {
        &self.words[rank.min(WORDS - 1)]
    }

    pub(super) fn text(&self, random: &mut StdRng) -> String {
        let length = random.random_range(LENGTH);
        let mut text = String::with_capacity(length * 7);
        for place in 0..length {
            if place > 0 {
                text.push(' ');
            }
            text.push_str(self.word(self.rank(random)));
        }
        text
    }

    fn rank(&self, random: &mut StdRng) -> usize {
        let all = self.weights.last().copied().unwrap_or(0.0);
        let at = random.random::<f64>() * all;
        self.weights.partition_point(|weight| *weight < at)
    }
}

/// One to four syllables.
fn word(random: &mut StdRng) -> String {
    let mut word = String::new();
    for _ in 0..random.random_range(1..=4) {
        word.push(letter(random, CONSONANTS));
        word.push(letter(random, VOWELS));
        if random.random_bool(0.3) {
            word.push(letter(random, CONSONANTS));
        }
    }
    word
}

fn letter(random: &mut StdRng, letters: &[u8]) -> char {
    char::from(letters[random.random_range(0..letters.len())])
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::SeedableRng;

    use super::*;

    #[test]
    fn few_words_are_common_and_the_same_seed_says_the_same() {
        let texts = || {
            let mut random = StdRng::seed_from_u64(1);
            let vocabulary = Vocabulary::draw(&mut random);
            let texts: Vec<String> = (0..2000).map(|_| vocabulary.text(&mut random)).collect();
            (vocabulary, texts)
        };
        let (vocabulary, said) = texts();
        assert_eq!(said, texts().1);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        said.iter().flat_map(|text| text.split(' ')).for_each(|word| *counts.entry(word).or_default() += 1);
        let all: usize = counts.values().sum();
        assert!((25_000..45_000).contains(&all), "{all}");
        let count = |rank| counts.get(vocabulary.word(rank)).copied().unwrap_or(0);
        assert!(count(0) > all / 100 && count(0) < all / 10, "{}", count(0));
        assert!(count(0) > 20 * count(1000) && counts.len() > 5000, "{}", counts.len());
    }
}
