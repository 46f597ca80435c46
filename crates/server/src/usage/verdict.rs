//! May Token 1 be rotated away? From what is known about its clients; no clock, no database.

use jiff::{SignedDuration, Timestamp};
use twinkey_api::usage::{Because, Reason, SafeToRotate, TokenClient, UsedToken, Via};

/// How many clients the sentence names.
const NAMED: usize = 5;

/// Judges Token 1: a use within the window counts, and whatever is open now, however silent it is.
pub fn judge(token: &UsedToken, window_minutes: u32, cannot_see: Vec<String>, now: Timestamp) -> SafeToRotate {
    let window = SignedDuration::from_mins(window_minutes.into());
    let mut reasons: Vec<Reason> = token
        .clients
        .iter()
        .chain(&token.others)
        .filter_map(|client| {
            let because = because(client, window, now, token.open_connections.is_some());
            (!because.is_empty()).then(|| Reason { because, client: client.clone() })
        })
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse((reason.client.last_used_at, reason.client.open_connections)));
    let sentence = sentence(token, &reasons, window_minutes, now);
    SafeToRotate { safe: reasons.is_empty(), window_minutes, sentence, reasons, cannot_see }
}

/// What could have been seen and was not, because somebody did not answer, is not taken for nothing: whoever waits for a verdict would
/// rotate in the very moment in which nobody can tell.
pub fn unless_missing(verdict: SafeToRotate, missing: &[String]) -> SafeToRotate {
    if missing.is_empty() || !verdict.safe {
        return verdict;
    }
    let sentence =
        format!("Whether Token 1 is in use is not known, because Apache Kafka does not show {}", missing.join("; "));
    SafeToRotate { safe: false, sentence, ..verdict }
}

/// `can_tell`: the broker knows its connections. On Apache Kafka what is open is known of members of groups only.
fn because(client: &TokenClient, window: SignedDuration, now: Timestamp, can_tell: bool) -> Vec<Because> {
    let mut because = Vec::new();
    // A time ahead of this clock, from a replica whose clock differs, is recent.
    if client.last_used_at.is_some_and(|at| now.duration_since(at) <= window) {
        because.push(Because::UsedRecently);
    }
    if client.open_connections > 0 {
        because.extend((can_tell || client.groups.is_empty()).then_some(Because::OpenConnections));
        because.extend((!client.groups.is_empty()).then_some(Because::GroupMember));
    }
    because
}

fn sentence(token: &UsedToken, reasons: &[Reason], window_minutes: u32, now: Timestamp) -> String {
    let within = if window_minutes == 1 { "minute".to_owned() } else { format!("{window_minutes} minutes") };
    if reasons.is_empty() {
        let last = token.last_used_at.map_or_else(
            || "; it was never seen".to_owned(),
            |at| {
                let by = token.clients.iter().find(|client| client.last_used_at == Some(at));
                let by = by.map_or_else(String::new, |client| format!(" by {}", who(client)));
                format!("; it was last used {}{by}", ago(at, now))
            },
        );
        return format!("Nobody is seen using Token 1 now or in the last {within}{last}");
    }
    let can_tell = token.open_connections.is_some();
    let clients = if reasons.len() == 1 { "1 client".to_owned() } else { format!("{} clients", reasons.len()) };
    let mut named: Vec<String> =
        reasons.iter().take(NAMED).map(|reason| describe(&reason.client, now, can_tell)).collect();
    if reasons.len() > NAMED {
        named.push(format!("and {} more", reasons.len() - NAMED));
    }
    format!("{clients} used Token 1 in the last {within}: {}", named.join("; "))
}

/// `` `orders-writer` from 10.0.3.7, 4 s ago, 3 open connections ``
fn describe(client: &TokenClient, now: Timestamp, can_tell: bool) -> String {
    let mut parts = vec![who(client)];
    parts.extend(client.last_used_at.map(|at| ago(at, now)));
    let open = client.open_connections;
    if open > 0 && (can_tell || client.groups.is_empty()) {
        parts.push(format!("{open} open connection{}", if open == 1 { "" } else { "s" }));
    }
    if !client.groups.is_empty() {
        parts.push(format!("a member of {}", client.groups.join(", ")));
    }
    parts.join(", ")
}

fn who(client: &TokenClient) -> String {
    if client.address.is_empty() {
        return "others that are not told apart".into();
    }
    let on = if client.via == Via::Api { " (API)" } else { "" };
    format!("`{}`{on} from {}", client.name, client.address)
}

/// How long ago something was, in words that are short.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("in range")
    }

    fn client(name: &str, last_used: Option<i64>, open: u64) -> TokenClient {
        TokenClient {
            name: name.into(),
            via: Via::Broker,
            address: "10.0.3.7".into(),
            agent: name.into(),
            software: String::new(),
            groups: Vec::new(),
            open_connections: open,
            first_seen_at: at(0),
            last_seen_at: at(0),
            last_used_at: last_used.map(at),
            credentials_fetched_at: None,
            requests: 0,
            bytes: 0,
            refused: 0,
            refused_at: None,
        }
    }

    fn token(clients: Vec<TokenClient>, others: Option<TokenClient>) -> UsedToken {
        UsedToken {
            id: "a".into(),
            label: "Token 1".into(),
            masked: "sdk-…".into(),
            principal: "tk-a".into(),
            deactivated_at: None,
            last_used_at: clients.iter().chain(&others).filter_map(|it| it.last_used_at).max(),
            credentials_fetched_at: None,
            open_connections: None,
            requests: 0,
            bytes: 0,
            refused: 0,
            refused_at: None,
            clients,
            others,
        }
    }

    #[test]
    fn b2_the_sentence_names_who_uses_the_token_and_why() {
        let now = at(1000);
        let mut member = client("billing", None, 1);
        member.groups = vec!["demo-billing".into()];
        let api = TokenClient { via: Via::Api, ..client("python-httpx/0.28", Some(940), 0) };
        let clients = vec![client("orders-writer", Some(996), 3), client("old", Some(50), 0), api, member];
        let verdict = judge(&token(clients, None), 15, Vec::new(), now);
        assert!(!verdict.safe);
        assert_eq!(
            verdict.sentence,
            "3 clients used Token 1 in the last 15 minutes: `orders-writer` from 10.0.3.7, 4 s ago, 3 open connections; \
             `python-httpx/0.28` (API) from 10.0.3.7, 60 s ago; `billing` from 10.0.3.7, a member of demo-billing"
        );
        let because: Vec<_> = verdict.reasons.iter().map(|reason| reason.because.clone()).collect();
        let expected = [
            vec![Because::UsedRecently, Because::OpenConnections],
            vec![Because::UsedRecently],
            vec![Because::GroupMember],
        ];
        assert_eq!(because, expected);
    }

    #[test]
    fn b2_nobody_is_safe_and_the_sentence_says_when_it_was_used_last() {
        let verdict = judge(&token(vec![client("old", Some(0), 0)], None), 15, Vec::new(), at(7200));
        assert!(verdict.safe);
        assert_eq!(
            verdict.sentence,
            "Nobody is seen using Token 1 now or in the last 15 minutes; it was last used 2 h ago by `old` from 10.0.3.7"
        );
        assert!(judge(&token(Vec::new(), None), 1, Vec::new(), at(0)).sentence.ends_with("it was never seen"));
    }

    #[test]
    fn b2_clients_that_are_not_told_apart_count_too() {
        let others = TokenClient { address: String::new(), ..client("others", Some(990), 0) };
        let verdict = judge(&token(Vec::new(), Some(others)), 15, Vec::new(), at(1000));
        assert!(!verdict.safe && verdict.sentence.contains("others that are not told apart"), "{}", verdict.sentence);
    }

    #[test]
    fn b2_what_a_cluster_does_not_show_is_not_safe() {
        let nobody = judge(&token(Vec::new(), None), 15, Vec::new(), at(0));
        assert_eq!(unless_missing(nobody.clone(), &[]), nobody);
        let unknown = unless_missing(nobody, &["the consumer groups of the cluster: no answer".into()]);
        assert!(!unknown.safe && unknown.reasons.is_empty(), "{unknown:?}");
        assert!(unknown.sentence.ends_with("does not show the consumer groups of the cluster: no answer"));
        let used = judge(&token(vec![client("app", Some(0), 0)], None), 15, Vec::new(), at(0));
        assert_eq!(unless_missing(used.clone(), &["x".into()]), used, "who is seen is named");
    }

    proptest! {
        /// Safe means exactly: no use within the window, nothing open. However many clients there are.
        #[test]
        fn b2_safe_exactly_when_nothing_is_seen(
            clients in prop::collection::vec((prop::option::of(-100_000..100_000_i64), 0..3_u64), 0..30),
            window in 1..2_000_u32,
        ) {
            let now = at(0);
            let in_use = |&(used, open): &(Option<i64>, u64)| {
                open > 0 || used.is_some_and(|used| -used <= i64::from(window) * 60)
            };
            let expected = clients.iter().filter(|it| in_use(it)).count();
            let made = clients.iter().map(|(used, open)| client("c", *used, *open)).collect();
            let verdict = judge(&token(made, None), window, Vec::new(), now);
            prop_assert_eq!(verdict.safe, expected == 0);
            prop_assert_eq!(verdict.reasons.len(), expected);
            prop_assert!(verdict.sentence.len() < 1_000);
        }
    }
}
