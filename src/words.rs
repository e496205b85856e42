//! Numbers in words for people: counts with their nouns, and large numbers in groups of three digits.

/// `1 rank`, `4 ranks`, `1,000,000 bodies`; nouns that form their plural with an s, and those that end in y.
pub fn counted(count: u64, noun: &str) -> String {
    let noun = match (count, noun.strip_suffix('y')) {
        (1, _) => noun.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{noun}s"),
    };
    format!("{} {noun}", grouped(count))
}

/// `1,000,000`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let starts_group = |n: usize| n > 0 && (digits.len() - n).is_multiple_of(3);
    let groups = digits.char_indices().flat_map(|(n, digit)| starts_group(n).then_some(',').into_iter().chain([digit]));
    groups.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_follow_their_numbers() {
        assert_eq!(["rank", "body"].map(|noun| counted(1, noun)), ["1 rank", "1 body"]);
        assert_eq!(["thread", "body"].map(|noun| counted(0, noun)), ["0 threads", "0 bodies"]);
        assert_eq!(counted(60_000, "body"), "60,000 bodies");
    }

    #[test]
    fn digits_stand_in_threes() {
        let texts = [0, 999, 1000, 65_536, 123_456, 1_000_000, u64::MAX].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "65,536", "123,456", "1,000,000", "18,446,744,073,709,551,615"]);
    }
}
