# note.sh LEDGER STEP [undo]: the whole effect of a step is one line, appended in one write.
# An undo converges: it takes the line away when it is there, and does nothing when it is not.
set -eu
# Steps may run side by side, and an undo reads, changes and writes.
exec 9> "$1.lock"
flock 9
if [ "${3:-}" = undo ]; then
    [ -e "$1" ] || exit 0
    grep -v "^do $2\$" "$1" > "$1.$2.new" || true
    mv "$1.$2.new" "$1"
else
    printf 'do %s\n' "$2" >> "$1"
fi
