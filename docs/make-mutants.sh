#!/usr/bin/env bash
# Writes docs/mutants.md: which rule of chaos finds which mutant, according to the current binary.
#
#     docs/make-mutants.sh            rewrites the page (minutes in a debug build)
#     docs/make-mutants.sh --check    fails if the page is not what it would write
#
# WSTAPE names a binary; without it, one is built. The search for a mutant starts at a seed derived from its
# name and plays one case after another, so that the page is the same on every machine. Seconds are left out.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    '' | --check) ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

page=docs/mutants.md
wstape=(cargo run --quiet --bin wstape --)
[ -z "${WSTAPE:-}" ] || wstape=("$WSTAPE")

table=$("${wstape[@]}" chaos --mutants --budget 10m 2>/dev/null |
    awk '/^flaw +rule/ {on = 1; next} on && NF == 0 {exit} on && $1 != "(no" {print $1, $2}')
[ -n "$table" ] || { echo "make-mutants: the binary printed no table" >&2; exit 1; }

made=$(
    cat <<HEAD
# Mutants

<!-- Made by docs/make-mutants.sh. Don't edit. -->

Chaos is judged too. A small subscriber keeps every rule; each mutant is that subscriber with one bug of real
subscribers in it. [Rules](chaos.md#the-rules) says what each rule asks. What each bug is stands in the doc comments of
\`crates/chaos/src/mutants/flaw.rs\`.

$(wc -l <<<"$table" | tr -d ' ') mutants, and the rule that finds each first:

| mutant | rule |
| --- | --- |
HEAD
    awk '{print "| `" $1 "` | " $2 " |"}' <<<"$table"
    cat <<'TAIL'

To look for them yourself:

```sh
cargo chaos --mutants
```
TAIL
)

if [ "${1:-}" = --check ]; then
    diff -u "$page" - <<<"$made" || { echo "make-mutants: $page is stale; run docs/make-mutants.sh" >&2; exit 1; }
else
    printf '%s\n' "$made" >"$page"
fi
